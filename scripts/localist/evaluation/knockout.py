"""Attention knockout: cross-block attention blocked in some layers of an evaluated model (method.md, Knockout).

Block ids are those of whole sentences, so here, and only here, a forward pass depends on how a sentence ends. It is a
probe, reported apart from perplexity.
"""

from collections.abc import Collection

import numpy as np
import torch

from localist.attention.block_attention import stock_attention
from localist.attention.observed_attention import ByMask, LayerInputs
from localist.evaluation.query_chunks import seen_keys
from localist.evaluation.window_batches import long_tensor


class KnockoutObserver:
    """Computes `layers` with the keys that are left to a query: itself, its own block, and keys without a block.

    blocks: long [batch, T], -1 on sink and padding. A query without a block keeps all keys.
    """

    def __init__(self, blocks: torch.Tensor, layers: Collection[int]):
        self.layers = layers
        context = blocks.shape[1]
        same = blocks[:, :, None] == blocks[:, None, :]  # [batch, T, T]
        itself = torch.eye(context, dtype=torch.bool, device=blocks.device)  # [T, T]
        free = (blocks < 0)[:, None, :] | (blocks < 0)[:, :, None]  # [batch, T, T]
        self.allowed = same | itself | free  # [batch, T, T]
        self._kept = ByMask(lambda inputs: (seen_keys(inputs) & self.allowed)[:, None])  # [batch, 1, T, T]

    def observe(self, layer: int, inputs: LayerInputs) -> torch.Tensor | None:
        """Stock attention under the smaller mask, [batch, heads, T, value width]; None for other layers."""
        if layer not in self.layers:
            return None
        return stock_attention(inputs.query, inputs.key, inputs.value, self._kept.of(inputs), inputs.scaling)


class Knockout:
    """The knockout in `layers` as an intervention (see `losses.Intervention`). blocks: int [windows, T]."""

    def __init__(self, blocks: np.ndarray, layers: Collection[int]):
        self.blocks, self.layers = blocks, layers
        self.first_layer = min(layers)

    def observer(self, rows: np.ndarray, length: int, device: torch.device) -> KnockoutObserver:
        """An observer for the windows `rows`, cut to `length`."""
        return KnockoutObserver(long_tensor(self.blocks[rows, :length], device), self.layers)
