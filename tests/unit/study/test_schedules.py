"""Locality schedules by hand."""

import pytest

from localist.plumbing.errors import UserError
from localist.study.schedules import CONTROLS, DEGREES, SCHEDULES, dose_matched, locality_by_layer


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("distributed", [0, 0, 0, 0, 0]),
        ("localist", [1, 1, 1, 1, 1]),
        ("linear", [0, 1 / 4, 1 / 2, 3 / 4, 1]),
        ("cubic", [0, 1 / 64, 1 / 8, 27 / 64, 1]),
        ("quintic", [0, 1 / 1024, 1 / 32, 243 / 1024, 1]),
    ],
)
def test_schedules_by_hand(schedule, expected):
    """Catches a wrong exponent, a reversed schedule, or one that does not end at 1."""
    assert locality_by_layer(schedule, 5, min_locality=0) == pytest.approx(expected, abs=0)


@pytest.mark.parametrize(
    ("schedule", "degree", "expected"),
    [
        ("reversed", 1, [1, 3 / 4, 1 / 2, 1 / 4, 0]),
        ("reversed", 5, [1, 243 / 1024, 1 / 32, 1 / 1024, 0]),
        ("uniform", 1, [1 / 2] * 5),
        ("uniform", 2, [(1 / 16 + 1 / 4 + 9 / 16 + 1) / 5] * 5),
    ],
)
def test_controls_by_hand(schedule, degree, expected):
    """Catches a control in the wrong direction, with another mean, or that ignores its degree."""
    assert locality_by_layer(schedule, 5, min_locality=0, degree=degree) == pytest.approx(expected)


@pytest.mark.parametrize("control", CONTROLS)
@pytest.mark.parametrize("schedule", DEGREES)
def test_controls_have_the_dose_of_their_schedule(schedule, control):
    """Catches a control whose total locality differs from its schedule's, in which small values count as 0."""
    dose = locality_by_layer(schedule, 30, min_locality=0.01)
    values = locality_by_layer(control, 30, min_locality=0.01, degree=DEGREES[schedule])
    assert sum(values) == pytest.approx(sum(dose))


@pytest.mark.parametrize("schedule", ["localist", *DEGREES])
def test_matched_doses_are_equal(schedule):
    """Catches an inverted factor."""
    values, dose = (locality_by_layer(name, 30, min_locality=0.01) for name in (schedule, "quintic"))
    assert dose_matched(10.0, values, dose) * sum(values) == pytest.approx(10 * sum(dose))


@pytest.mark.parametrize("schedule", DEGREES)
def test_one_layer_is_fully_localised(schedule):
    """Catches a division by zero, or an unconstrained model, if there is only one layer."""
    assert locality_by_layer(schedule, 1, min_locality=0.01) == [1.0]


def test_localities_below_the_minimum_are_zero():
    """Catches layers constrained by a negligible locality, or a locality at the minimum that is set to 0."""
    assert locality_by_layer("cubic", 5, min_locality=1 / 8) == [0, 0, 1 / 8, 27 / 64, 1]
    assert locality_by_layer("quintic", 5, min_locality=0.01) == [0, 0, 1 / 32, 243 / 1024, 1]


@pytest.mark.parametrize(("schedule", "mean"), [("linear", 0.50), ("cubic", 0.26), ("quintic", 0.18)])
def test_mean_localities_are_as_documented(schedule, mean):
    """Catches a change in the mean localities, which determine doses in the comparison of schedules (30 layers)."""
    assert sum(locality_by_layer(schedule, 30, min_locality=0.01)) / 30 == pytest.approx(mean, abs=0.006)


@pytest.mark.parametrize("schedule", ["quartic", "", "Linear"])
def test_an_unknown_schedule_is_refused_with_the_known_ones(schedule):
    """Catches a misspelt schedule that runs as another one."""
    with pytest.raises(UserError) as caught:
        locality_by_layer(schedule, 4, min_locality=0)
    assert repr(schedule) in str(caught.value)
    assert all(name in str(caught.value) for name in SCHEDULES)
