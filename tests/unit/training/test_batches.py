"""Blocks in training batches."""

import numpy as np

from localist.training.batches import blocks_within_windows


def test_blocks_are_renumbered_within_each_window():
    """Catches wide one-hot tensors from large block ids, or renumbering that merges blocks."""
    found = blocks_within_windows(np.array([[-1, 900, 7, 900, -1], [-1, 3, 3, 3, 3]]))
    assert found.tolist() == [[-1, 1, 0, 1, -1], [-1, 0, 0, 0, 0]]
