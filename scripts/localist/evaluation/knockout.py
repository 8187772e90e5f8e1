"""Attention knockout: cross-block attention blocked in some layers of an evaluated model (method.md, Knockout).

Block ids are those of complete sentences, so here, and only here, a forward pass depends on how a sentence ends. It is
a probe, reported separately from perplexity.
"""

from collections.abc import Collection

import numpy as np
import torch

from localist.evaluation.score_bias import BiasedAttention, ScoreBias
from localist.evaluation.window_batches import long_tensor


def foreign_knockout(blocks: torch.Tensor, layers: Collection[int]) -> ScoreBias:
    """In `layers`, restricts each query to itself, its own block, and keys without a block.

    blocks: long [batch, T], -1 on sink and padding. A query without a block keeps all keys.
    """
    has_block = blocks >= 0
    foreign = (blocks[:, :, None] != blocks[:, None, :]) & has_block[:, :, None] & has_block[:, None, :]
    return ScoreBias(foreign, dict.fromkeys(layers, -torch.inf))


class Knockout:
    """The knockout in `layers` as an intervention (see `losses.Intervention`). blocks: int [windows, T]."""

    def __init__(self, blocks: np.ndarray, layers: Collection[int]):
        self.blocks, self.layers = blocks, layers
        self.first_layer = min(layers)

    def observer(self, rows: np.ndarray, length: int, device: torch.device) -> BiasedAttention:
        """An observer for the windows `rows`, cut to `length`."""
        return BiasedAttention(foreign_knockout(long_tensor(self.blocks[rows, :length], device), self.layers))

    def add(self, rows: np.ndarray, length: int, observer: BiasedAttention) -> None:
        """Collects nothing besides the losses."""
