"""Attention knockout: cross-block attention blocked in some layers of an evaluated model (method.md, Knockout).

Block ids are those of whole sentences, so here, and only here, a forward pass depends on how a sentence ends. It is a
probe, reported apart from perplexity.
"""

from collections.abc import Collection

import numpy as np
import torch
from torch.nn.functional import scaled_dot_product_attention

from localist.attention.observed_attention import LayerInputs
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
        self.allowed = (same | itself | free)[:, None]  # [batch, 1, T, T]
        self.causal = itself.new_ones(context, context).tril()  # [T, T]

    def observe(self, layer: int, inputs: LayerInputs) -> torch.Tensor | None:
        """Stock attention under the smaller mask, [batch, heads, T, value width]; None for other layers."""
        if layer not in self.layers:
            return None
        seen = self.causal if inputs.mask is None else inputs.mask  # [T, T] or [batch or 1, 1, T, T]
        return scaled_dot_product_attention(
            inputs.query,
            inputs.key,
            inputs.value,
            attn_mask=seen & self.allowed,
            scale=inputs.scaling,
            enable_gqa=inputs.query.shape[1] != inputs.key.shape[1],
        )


class Knockout:
    """The knockout in `layers` as an intervention (see `losses.Intervention`). blocks: int [windows, T]."""

    def __init__(self, blocks: np.ndarray, layers: Collection[int]):
        self.blocks, self.layers = blocks, layers
        self.first_layer = min(layers)

    def observer(self, rows: np.ndarray, length: int, device: torch.device) -> KnockoutObserver:
        """An observer for the windows `rows`, cut to `length`."""
        return KnockoutObserver(long_tensor(self.blocks[rows, :length], device), self.layers)
