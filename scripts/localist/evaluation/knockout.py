"""Attention knockout: cross-block attention forbidden in some layers of an evaluated model (method.md, Knockout).

Block ids come from whole sentences, so here, and only here, a forward pass knows the future of a sentence. It is a
probe, and is reported apart from perplexity.
"""

from collections.abc import Collection

import numpy as np
import torch
from torch.nn.functional import scaled_dot_product_attention

from localist.attention.observed_attention import LayerInputs


class KnockoutObserver:
    """Computes the layers `layers` with the keys that a query may still see: itself, its own block, the sink.

    blocks: long [batch, T], -1 on sink and padding. A query without a block keeps all keys.
    """

    def __init__(self, blocks: torch.Tensor, layers: Collection[int]):
        self.layers = layers
        context = blocks.shape[1]
        same = blocks[:, :, None] == blocks[:, None, :]
        itself = torch.eye(context, dtype=torch.bool, device=blocks.device)
        free = (blocks < 0)[:, None, :] | (blocks < 0)[:, :, None]
        self.allowed = (same | itself | free)[:, None]  # [batch, 1, T, T]
        self.causal = itself.new_ones(context, context).tril()

    def observe(self, layer: int, inputs: LayerInputs) -> torch.Tensor | None:
        """Stock attention under the smaller mask, or None for a layer that is left alone."""
        if layer not in self.layers:
            return None
        seen = self.causal if inputs.mask is None else inputs.mask
        return scaled_dot_product_attention(
            inputs.query,
            inputs.key,
            inputs.value,
            attn_mask=seen & self.allowed,
            scale=inputs.scaling,
            enable_gqa=inputs.query.shape[1] != inputs.key.shape[1],
        )


class Knockout:
    """Gives every batch its `KnockoutObserver`. blocks: int [windows, T]; layers: those knocked out."""

    def __init__(self, blocks: np.ndarray, layers: Collection[int]):
        self.blocks, self.layers = blocks, layers

    def observer(self, rows: np.ndarray, length: int, device: torch.device) -> KnockoutObserver:
        """An observer for one batch of windows cut to `length`."""
        return KnockoutObserver(
            torch.as_tensor(self.blocks[rows, :length].astype(np.int64), device=device), self.layers
        )

    def add(self, rows: np.ndarray, length: int, observer: KnockoutObserver) -> None:
        """Nothing is collected: the losses are the measure."""
