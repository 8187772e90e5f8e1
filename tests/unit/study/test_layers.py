"""Early and late layers, by hand."""

import pytest

from localist.study.layers import early_layers, late_layers


@pytest.mark.parametrize(
    ("layers", "expected"), [(1, [0]), (2, [1]), (3, [2]), (4, [3]), (6, [4, 5]), (12, [8, 9, 10, 11])]
)
def test_the_last_third_by_hand(layers, expected):
    """Catches a third that is empty in a shallow model, or that does not end at the last layer."""
    assert list(late_layers(layers)) == expected


@pytest.mark.parametrize(("layers", "expected"), [(1, [0]), (2, [0]), (3, [0]), (4, [0, 1]), (7, [0, 1, 2])])
def test_the_first_half_by_hand(layers, expected):
    """Catches a half that is empty in a shallow model, or that includes the middle layer."""
    assert list(early_layers(layers)) == expected
