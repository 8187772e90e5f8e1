"""Batches of held-out windows: complete, and as short as possible."""

import numpy as np
from uneven_windows import uneven_windows

from localist.evaluation.window_batches import batches_by_length


def test_batches_cover_all_windows_and_fit_the_longest():
    """Catches windows missing from the last batch, and text cut off or padding kept by trimming."""
    windows = uneven_windows()
    lengths = windows.is_text.sum(axis=1) + 1
    batches = list(batches_by_length(windows, 2))
    assert sorted(np.concatenate([rows for rows, _ in batches]).tolist()) == list(range(5))
    assert all(length == lengths[rows].max() for rows, length in batches)
