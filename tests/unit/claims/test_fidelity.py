"""Chance-corrected fidelity by hand."""

import pytest

from localist.claims.fidelity import corrected_fidelity


@pytest.mark.parametrize(
    ("fidelity", "chance", "expected"),
    [(0.3, 0.3, 0.0), (1.0, 0.3, 1.0), (0.65, 0.3, 0.5), (0.0, 0.5, -1.0), (0.2, 0.0, 0.2)],
)
def test_corrected_fidelity_by_hand(fidelity, chance, expected):
    """Catches a correction for chance other than (F − C) / (1 − C)."""
    assert corrected_fidelity(fidelity, chance) == pytest.approx(expected)
