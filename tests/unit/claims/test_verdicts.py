"""The verdict rule by hand, Holm's correction, the advice, and how often chance is mistaken for an effect."""

from types import SimpleNamespace

import numpy as np
import pytest
from planted_null import null_effect

from localist.claims.bootstrap import ALPHA, Resampled
from localist.claims.verdicts import (
    NOT_SUPPORTED,
    SUPPORTED,
    UNDECIDED,
    Advice,
    Description,
    Margin,
    Message,
    Uncertainty,
    advice,
    bootstrap_contrast,
    holm,
    overall,
    spread_contrast,
)

DESCRIPTION = Description("a against b", ("a", "b"), "points", Message("any"))


def contrast(low, high, *, better, null, smallest):
    """A contrast with the 95 % interval from `low` to `high`."""
    values = np.linspace(low - 0.025 / 0.95 * (high - low), high + 0.025 / 0.95 * (high - low), 2001)
    resampled = Resampled((low + high) / 2, values, seeds=3, sections=20, seed_error=0.1, section_error=0.1)
    return bootstrap_contrast(resampled, Margin(better, null, smallest), DESCRIPTION)


@pytest.mark.parametrize(
    ("interval", "verdict"),
    [
        ((0.1, 3.0), SUPPORTED),
        ((1.5, 3.0), SUPPORTED),
        ((-0.1, 3.0), UNDECIDED),
        ((-3.0, 1.1), UNDECIDED),
        # Certain, but also certainly too small to matter.
        ((0.1, 0.9), NOT_SUPPORTED),
        ((-3.0, 0.9), NOT_SUPPORTED),
        ((-3.0, -2.0), NOT_SUPPORTED),
    ],
)
def test_the_rule_by_hand(interval, verdict):
    """Catches a verdict that ignores the smallest effect of interest, or the direction of the claim."""
    low, high = interval
    assert contrast(low, high, better="higher", null=0, smallest=1).verdict == verdict
    assert contrast(-high, -low, better="lower", null=0, smallest=-1).verdict == verdict


def test_p_and_interval_agree():
    """Catches a p below 0.05 although the interval contains the null, in either direction."""
    for better, sign in (("higher", 1), ("lower", -1)):
        beyond = contrast(*sorted((sign * 0.1, sign * 3)), better=better, null=0, smallest=0)
        within = contrast(*sorted((sign * -0.1, sign * 3)), better=better, null=0, smallest=0)
        assert beyond.p < ALPHA < within.p


def test_all_parts_of_a_claim_must_hold():
    """Catches a claim that is supported by its best part alone."""
    parts = {verdict: SimpleNamespace(verdict=verdict) for verdict in (SUPPORTED, NOT_SUPPORTED, UNDECIDED)}
    assert overall([parts[SUPPORTED], parts[SUPPORTED]]) == SUPPORTED
    assert overall([parts[SUPPORTED], parts[UNDECIDED]]) == UNDECIDED
    assert overall([parts[UNDECIDED], parts[NOT_SUPPORTED]]) == NOT_SUPPORTED
    assert overall([]) == UNDECIDED


def test_holm_by_hand():
    """Catches a correction that counts claims without p, or that is not stepwise."""
    assert holm([0.01, np.nan, 0.04, 0.03]) == pytest.approx([0.03, np.nan, 0.06, 0.06], nan_ok=True)
    assert np.isnan(holm([np.nan])).all()


def advised(distance, seeds, sections, seed_error, section_error, alpha=ALPHA):
    return advice(Uncertainty(distance, seed_error, section_error), seeds, sections, power=0.8, alpha=alpha)


def test_the_advice_follows_the_t_test():
    """Catches wrong numbers of seeds or sections: half a standard deviation takes 34 pairs at 80 % power."""
    assert advised(0.5, 1, 10, np.nan, 10**-0.5) == Advice(seeds=None, sections=34, power=0.8)
    stricter = advised(0.5, 1, 10, np.nan, 10**-0.5, alpha=0.005)
    assert stricter.sections > 50 and stricter.seeds is None
    assert advised(0.5, 2, 10, 0.4, 0.01).seeds > 2
    # The spread over three seeds alone leaves it open.
    assert advised(0.03, 3, 24, 0.01, 0.001).sections is None


@pytest.mark.parametrize(("distance", "sections"), [(0.5, 5000), (1e-6, 10)])
def test_unattainable_numbers_are_not_advised(distance, sections):
    """Catches advice that no study can follow."""
    assert advised(distance, 1, sections, np.nan, 1.0) == Advice(seeds=None, sections=None, power=0.8)


@pytest.mark.parametrize(("distance", "section_error"), [(np.nan, 1.0), (0.0, 1.0), (0.5, 0.0)])
def test_there_is_no_advice_without_distance_or_error(distance, section_error):
    """Catches a division by zero, and advice from numbers that could not be computed."""
    assert advised(distance, 1, 10, np.nan, section_error) is None


@pytest.mark.parametrize(("better", "sign"), [("higher", 1), ("lower", -1)])
def test_advice_is_for_excluding_the_farther_bound(better, sign):
    """Catches advice for the nearer bound: just below the smallest effect, the null is excluded first."""
    values = np.zeros(3)
    nearly = Resampled(sign * 0.4999, values, seeds=1, sections=10, seed_error=np.nan, section_error=10**-0.5)
    found = bootstrap_contrast(nearly, Margin(better, 0.0, sign * 0.5), DESCRIPTION)
    assert found.uncertainty.distance == pytest.approx(0.4999)
    assert found.advice(0.8, ALPHA).sections == 34


def test_a_spread_has_the_interval_of_the_f_test():
    """Catches an interval that is not the F test's: with five seeds, its limits are a factor of 3.1 away."""
    spread, baseline = np.array([0.0, 2, 4, 6, 8]), np.array([0.0, 1, 2, 3, 4])
    found = spread_contrast(spread, baseline, null=1.5, sections=20, description=DESCRIPTION)
    assert found.value == pytest.approx(2)
    assert (found.high / found.value, found.value / found.low) == pytest.approx((9.6045**0.5, 9.6045**0.5), rel=1e-3)
    assert found.verdict == UNDECIDED and found.advice(0.8, ALPHA).seeds > 5


@pytest.mark.parametrize(("seeds", "seed_spread"), [(1, 0.0), (3, 0.02), (5, 0.02)])
def test_chance_is_rarely_mistaken_for_an_effect(seeds, seed_spread):
    """Catches intervals that are too short: without an effect, at most 2.5 % of studies may support a claim."""
    rng = np.random.default_rng(seeds)
    margin = Margin("higher", null=0.0, smallest=0.01)
    found = [
        bootstrap_contrast(null_effect(rng, seeds, 24, seed_spread), margin, DESCRIPTION).verdict for _ in range(2000)
    ]
    assert found.count(SUPPORTED) <= 66  # 50 are expected; more than 66 occur once in a hundred times
