"""Centres of groups, nearest centres, and samples of rows."""

import numpy as np

from localist.blocks import centres as module
from localist.blocks.centres import centres, nearest_centre, sample_rows


def test_centres_by_hand(monkeypatch):
    """Catches sums over the wrong rows, pieces that overwrite each other, and counted rows without a group."""
    monkeypatch.setattr(module, "ROWS_AT_ONCE", 2)
    vectors = np.array([[3, 0], [0, 4], [0, 9], [1, 1], [5, -5]], dtype=float)
    found = centres(vectors, np.array([0, 2, 2, 7, -1]))
    np.testing.assert_allclose(found, [[1, 0], [0, 1], [0.5**0.5, 0.5**0.5]], rtol=1e-6)


def test_the_nearest_centre_is_found_in_pieces(monkeypatch):
    """Catches pieces joined out of order."""
    generator = np.random.default_rng(7)
    vectors, middles = generator.normal(size=(50, 4)), generator.normal(size=(5, 4))
    whole = nearest_centre(vectors, middles)
    monkeypatch.setattr(module, "ROWS_AT_ONCE", 7)
    np.testing.assert_array_equal(nearest_centre(vectors, middles), whole)


def test_samples_are_sorted_rows_without_repeats():
    """Catches a sample that reorders rows, or draws one twice."""
    assert sample_rows(5, 5, 0).tolist() == [0, 1, 2, 3, 4]
    drawn = sample_rows(100, 30, 1)
    assert len(set(drawn)) == 30 and (np.diff(drawn) > 0).all()
