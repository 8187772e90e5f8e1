"""Resampling by hand and by simulation: intervals, p-values, and errors over seeds and sections."""

import numpy as np
import pytest
from scipy.special import stdtrit

from localist.claims.bootstrap import ALPHA, Resampled, paired, resample, ring_degrees, ring_factor


def mean(totals) -> np.ndarray:
    """Nats per token of one array of totals […, 2]."""
    return totals[0][..., 0] / totals[0][..., 1]


def losses(nats: np.ndarray, tokens: float = 10.0) -> np.ndarray:
    """[seeds, sections, 2] from losses per token [seeds, sections]."""
    return np.stack([nats * tokens, np.full_like(nats, tokens)], axis=-1)


def test_an_estimate_that_cannot_be_computed_is_not_significant():
    """Catches NaN counted as beyond every null, with the smallest possible p."""
    broken = Resampled(np.nan, np.full(100, np.nan), seeds=3, sections=20, seed_error=np.nan, section_error=np.nan)
    assert broken.p_above(0.0) == 1.0


def test_the_error_of_a_ring_of_pairs_by_simulation():
    """Catches a floor whose standard error treats pairs that share a seed as independent."""
    rng = np.random.default_rng(0)
    for seeds in (3, 4, 5):
        brought = rng.normal(size=(20000, seeds))
        pairs = brought + np.roll(brought, -1, axis=1)
        estimated = (pairs.var(axis=1, ddof=1) / seeds) ** 0.5
        assert ring_factor(seeds) * (estimated**2).mean() ** 0.5 == pytest.approx(pairs.mean(axis=1).std(), rel=0.02)
        within = stdtrit(ring_degrees(seeds), 1 - ALPHA / 2) * ring_factor(seeds) * estimated
        # Exact for three and four pairs, slightly too careful for more.
        assert 0.943 < (abs(pairs.mean(axis=1)) < within).mean() < 0.97


def test_p_by_hand():
    """Catches a p that is one-sided, 0, above 1, or computed on the wrong side of the null."""
    values = np.arange(1.0, 100.0)  # 99 of them
    found = Resampled(50.0, values, seeds=1, sections=9, seed_error=np.nan, section_error=1.0)
    assert found.p_above(0.5) == pytest.approx(2 * 1 / 100)
    assert found.p_above(2.0) == pytest.approx(2 * 3 / 100)
    assert found.p_above(1000.0) == 1.0


def test_the_interval_contains_the_middle_of_the_values():
    """Catches an interval whose level differs from that of p."""
    values = np.linspace(0, 1, 1001)
    low, high = Resampled(0.5, values, seeds=1, sections=9, seed_error=np.nan, section_error=1.0).interval
    assert (low, high) == pytest.approx((ALPHA / 2, 1 - ALPHA / 2))


def test_the_estimate_weights_sections_by_their_tokens():
    """Catches an unweighted mean of section means."""
    sample = np.array([[[10.0, 10.0], [90.0, 30.0]]])
    assert resample([sample], mean, resamples=10, seed=0).value == pytest.approx(100 / 40)


def test_one_seed_has_no_error_over_seeds():
    """Catches a spread computed from a single run."""
    rng = np.random.default_rng(0)
    found = resample([losses(rng.normal(3, 0.1, (1, 20)))], mean, resamples=50, seed=0)
    assert np.isnan(found.seed_error) and (found.seeds, found.sections) == (1, 20)


def test_standard_errors_over_seeds_and_over_sections():
    """Catches standard errors not divided by the root of the number, or swapped."""
    rng = np.random.default_rng(0)
    over_seeds = losses(np.array([[1.0], [2.0], [3.0]]) + np.zeros((3, 50)))
    found = resample([over_seeds], mean, resamples=100, seed=0)
    assert found.seed_error == pytest.approx(1 / 3**0.5) and found.section_error == pytest.approx(0)
    nats = rng.normal(3, 0.5, (1, 400))
    over_sections = resample([losses(nats)], mean, resamples=4000, seed=0)
    assert over_sections.section_error == pytest.approx(np.std(nats, ddof=1) / 20, rel=0.05)


def test_pairing_removes_seed_effects_shared_by_arms():
    """Catches a seed effect common to both arms that counts as an error of their difference."""
    luck = np.array([[0.0], [0.5], [1.0]]) + np.zeros((3, 20))
    above, below = losses(luck + 0.1), losses(luck)

    def difference(totals):
        own, base = totals if len(totals) == 2 else (totals[0][..., :2], totals[0][..., 2:])
        return mean([own]) - mean([base])

    assert resample([paired(above, below)], difference, resamples=50, seed=0).seed_error == pytest.approx(0)
    assert resample([above, below], difference, resamples=50, seed=0).seed_error > 0.1


def test_pairs_in_a_ring_have_a_larger_error():
    """Catches a missing correction for pairs that share seeds."""
    sample = losses(np.array([[1.0], [2.0], [3.0]]) + np.zeros((3, 20)))
    alone, ring = (resample([sample], mean, resamples=50, seed=0, rings=[one]) for one in (False, True))
    assert ring.seed_error == pytest.approx(2 * alone.seed_error)


def test_one_section_has_no_interval():
    """Catches an interval of width zero, which would support any claim."""
    found = resample([losses(np.full((2, 1), 3.0))], mean, resamples=50, seed=0)
    assert np.isnan(found.interval).all() and found.p_above(0.0) == 1.0


def test_the_same_seed_gives_the_same_values():
    """Catches unseeded draws: the same files would give different tables."""
    sample = losses(np.random.default_rng(0).normal(3, 0.1, (2, 20)))
    one, same, other = (resample([sample], mean, resamples=50, seed=seed).values for seed in (0, 0, 1))
    assert (one == same).all() and (one != other).any()
