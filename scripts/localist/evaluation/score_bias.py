"""Attention of an evaluated model with a bias on the scores of some keys, for some queries, in some layers.

A bias of −∞ blocks a key, as in attention knockout. A finite bias weakens it, as in the locality dial (method.md, The
locality dial).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from localist.attention.block_attention import stock_attention
from localist.attention.observed_attention import ByMask, LayerInputs
from localist.evaluation.query_chunks import excluded, seen_keys


@dataclass(frozen=True)
class ScoreBias:
    """A bias added to the scores of the chosen pairs of query and key.

    chosen: bool [batch, queries, keys]; by_layer: layer → bias, at most 0. Other layers are unchanged.
    """

    chosen: torch.Tensor
    by_layer: Mapping[int, float]


class BiasedAttention:
    """Computes the layers that have a bias, and leaves the others to stock attention.

    The queries of the biases are at the last positions of the keys, as in a pass that continues from cached keys.
    """

    takes_cached_keys = True

    def __init__(self, *biases: ScoreBias):
        self.biases = biases
        self._hidden = ByMask(self._hidden_keys)
        self._known: tuple[torch.Tensor | None, tuple[float, ...], torch.Tensor] | None = None

    def observe(self, layer: int, inputs: LayerInputs) -> torch.Tensor | None:
        """Stock attention with the biases, [batch, heads, queries, value width]; None for a layer without a bias."""
        mask = self.mask(layer, inputs)
        if mask is None:
            return None
        return stock_attention(inputs.query, inputs.key, inputs.value, mask[:, None], inputs.scaling)

    def mask(self, layer: int, inputs: LayerInputs) -> torch.Tensor | None:
        """The values added to the scores of a layer, [batch, queries, keys], −∞ for hidden keys; or None."""
        values = tuple(bias.by_layer.get(layer, 0.0) for bias in self.biases)
        if not any(values):
            return None
        # Kept for the next layer, which often has the same mask and biases.
        if self._known is None or self._known[0] is not inputs.mask or self._known[1] != values:
            mask = self._hidden.of(inputs)  # [batch or 1, queries, keys]
            for bias, value in zip(self.biases, values, strict=True):
                if value:
                    mask = mask + torch.zeros_like(bias.chosen, dtype=mask.dtype).masked_fill_(bias.chosen, value)
            self._known = inputs.mask, values, mask
        return self._known[2]

    @staticmethod
    def _hidden_keys(inputs: LayerInputs) -> torch.Tensor:
        return excluded(seen_keys(inputs), inputs.query.dtype)
