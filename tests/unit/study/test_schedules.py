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
    """Catches a wrong exponent, a schedule that runs backwards, and one that does not end at 1."""
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
    """Catches a control that runs forwards, has another mean, or ignores its degree."""
    assert locality_by_layer(schedule, 5, min_locality=0, degree=degree) == pytest.approx(expected)


@pytest.mark.parametrize("control", CONTROLS)
@pytest.mark.parametrize("schedule", DEGREES)
def test_controls_have_the_dose_of_their_schedule(schedule, control):
    """Catches a control that pushes more or less in sum, small localities set to 0 included."""
    dose = locality_by_layer(schedule, 30, min_locality=0.01)
    values = locality_by_layer(control, 30, min_locality=0.01, degree=DEGREES[schedule])
    assert sum(values) == pytest.approx(sum(dose))


@pytest.mark.parametrize("schedule", ["localist", *DEGREES])
def test_matched_doses_are_equal(schedule):
    """Catches a factor that is upside down, or that compares sums of schedules of other depth."""
    values, dose = (locality_by_layer(name, 30, min_locality=0.01) for name in (schedule, "quintic"))
    assert dose_matched(10.0, values, dose) * sum(values) == pytest.approx(10 * sum(dose))


@pytest.mark.parametrize("schedule", DEGREES)
def test_one_layer_is_fully_localised(schedule):
    """Catches a division by zero, or an untouched model, where there is only one layer."""
    assert locality_by_layer(schedule, 1, min_locality=0.01) == [1.0]


def test_localities_below_the_minimum_are_zero():
    """Catches layers that are touched by a negligible locality, or a minimum that is itself cut off."""
    assert locality_by_layer("cubic", 5, min_locality=1 / 8) == [0, 0, 1 / 8, 27 / 64, 1]
    assert locality_by_layer("quintic", 5, min_locality=0.01) == [0, 0, 1 / 32, 243 / 1024, 1]


@pytest.mark.parametrize(("schedule", "mean"), [("linear", 0.50), ("cubic", 0.26), ("quintic", 0.18)])
def test_the_dose_is_as_documented(schedule, mean):
    """Catches a change of the mean locality that the comparison of schedules is matched by (30 layers)."""
    assert sum(locality_by_layer(schedule, 30, min_locality=0.01)) / 30 == pytest.approx(mean, abs=0.006)


@pytest.mark.parametrize("schedule", ["quartic", "", "Linear"])
def test_an_unknown_schedule_is_refused_with_the_known_ones(schedule):
    """Catches a misspelt schedule that runs as another one."""
    with pytest.raises(UserError) as caught:
        locality_by_layer(schedule, 4, min_locality=0)
    assert repr(schedule) in str(caught.value)
    assert all(name in str(caught.value) for name in SCHEDULES)
