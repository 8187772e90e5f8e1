"""The verdict rule by hand, Holm's correction, the advice, and how often chance is taken for an effect."""

from types import SimpleNamespace

import numpy as np
import pytest

from localist.claims.bootstrap import ALPHA, Resampled, paired, resample, ring_factor
from localist.claims.claims import Claim, Study
from localist.claims.judging import judge
from localist.claims.tables import mean_loss
from localist.claims.verdicts import advice, bootstrap_contrast, holm, overall, spread_contrast

SUPPORTED, NOT_SUPPORTED, UNDECIDED = "supported", "not supported", "undecided"
DESCRIPTION = {"label": "a against b", "arms": ("a", "b"), "unit": "points"}


def contrast(low, high, *, better, null, smallest):
    """A contrast whose 95 % interval is from low to high."""
    values = np.linspace(low - 0.025 / 0.95 * (high - low), high + 0.025 / 0.95 * (high - low), 2001)
    resampled = Resampled((low + high) / 2, values, seeds=3, sections=20, seed_error=0.1, section_error=0.1)
    margins = {"better": better, "null": null, "smallest": smallest}
    return bootstrap_contrast(
        resampled, scale=float, form="{:.3g}".format, power=0.8, phrase="{:.1f}".format, **margins, **DESCRIPTION
    )


@pytest.mark.parametrize(
    ("interval", "verdict"),
    [
        ((0.1, 3.0), SUPPORTED),
        ((1.5, 3.0), SUPPORTED),
        ((-0.1, 3.0), UNDECIDED),
        ((-3.0, 1.1), UNDECIDED),
        # Surely there, and surely too small to matter.
        ((0.1, 0.9), NOT_SUPPORTED),
        ((-3.0, 0.9), NOT_SUPPORTED),
        ((-3.0, -2.0), NOT_SUPPORTED),
    ],
)
def test_the_rule_by_hand(interval, verdict):
    """Catches a verdict that forgets the smallest effect of interest, or the side that the claim is on."""
    low, high = interval
    assert contrast(low, high, better="higher", null=0, smallest=1).verdict == verdict
    assert contrast(-high, -low, better="lower", null=0, smallest=-1).verdict == verdict


def test_p_and_interval_agree():
    """Catches a p below 0.05 where the interval holds the null, on either side."""
    for better, sign in (("higher", 1), ("lower", -1)):
        beyond = contrast(*sorted((sign * 0.1, sign * 3)), better=better, null=0, smallest=0)
        within = contrast(*sorted((sign * -0.1, sign * 3)), better=better, null=0, smallest=0)
        assert beyond.p < ALPHA < within.p


def test_what_cannot_be_computed_is_not_significant():
    """Catches NaN that counts as beyond every null, with the smallest p there is."""
    broken = Resampled(np.nan, np.full(100, np.nan), seeds=3, sections=20, seed_error=np.nan, section_error=np.nan)
    assert broken.p_above(0.0) == 1.0


def test_the_error_of_a_ring_of_pairs_by_simulation():
    """Catches a floor that counts each seed twice and takes its pairs for independent."""
    rng = np.random.default_rng(0)
    for seeds in (3, 5):
        brought = rng.normal(size=(20000, seeds))
        pairs = brought + np.roll(brought, -1, axis=1)
        estimated = (pairs.var(axis=1, ddof=1) / seeds).mean() ** 0.5
        assert ring_factor(seeds) * estimated == pytest.approx(pairs.mean(axis=1).std(), rel=0.02)


def test_all_parts_of_a_claim_must_hold():
    """Catches a claim that is supported by its best part."""
    parts = {verdict: SimpleNamespace(verdict=verdict) for verdict in (SUPPORTED, NOT_SUPPORTED, UNDECIDED)}
    assert overall([parts[SUPPORTED], parts[SUPPORTED]]) == SUPPORTED
    assert overall([parts[SUPPORTED], parts[UNDECIDED]]) == UNDECIDED
    assert overall([parts[UNDECIDED], parts[NOT_SUPPORTED]]) == NOT_SUPPORTED
    assert overall([]) == UNDECIDED


def test_holm_by_hand():
    """Catches a correction that counts claims without p, or that is not stepwise."""
    assert holm([0.01, np.nan, 0.04, 0.03]) == pytest.approx([0.03, np.nan, 0.06, 0.06], nan_ok=True)
    assert np.isnan(holm([np.nan])).all()


def test_the_advice_is_that_of_the_t_test():
    """Catches numbers of seeds or sections out of thin air: half a standard deviation takes 34 pairs at 80 % power."""
    one_seed = Resampled(0.5, np.zeros(1), seeds=1, sections=10, seed_error=np.nan, section_error=10**-0.5)
    assert "about 34 test sections" in advice(one_seed, 0.0, 0.0, 0.8, alpha=0.05)
    stricter = advice(one_seed, 0.0, 0.0, 0.8, alpha=0.005)
    assert int(stricter.split()[1]) > 50
    assert "seeds" not in stricter
    two = Resampled(0.5, np.zeros(1), seeds=2, sections=10, seed_error=0.4, section_error=0.01)
    assert "seeds" in advice(two, 0.0, 0.0, 0.8, alpha=0.05)
    assert "test sections" not in advice(
        Resampled(0.03, np.zeros(1), seeds=3, sections=24, seed_error=0.01, section_error=0.001), 0.0, 0.0, 0.8, 0.05
    )
    # Just short of the smallest effect of 0.5: that it is above 0 can be told with 34 pairs, not that it is too small.
    nearly = Resampled(0.4999, np.zeros(1), seeds=1, sections=10, seed_error=np.nan, section_error=10**-0.5)
    assert "about 34 test sections" in advice(nearly, 0.0, 0.5, 0.8, alpha=0.05)
    many = Resampled(0.5, np.zeros(1), seeds=1, sections=5000, seed_error=np.nan, section_error=1.0)
    assert "within reach" in advice(many, 0.0, 0.0, 0.8, alpha=0.05)
    at_the_margin = Resampled(1e-6, np.zeros(1), seeds=1, sections=10, seed_error=np.nan, section_error=1.0)
    assert "within reach" in advice(at_the_margin, 0.0, 0.0, 0.8, alpha=0.05)


def test_a_spread_has_the_interval_of_the_variance_ratio():
    """Catches an interval or p that is not the F test's: at five seeds its limits lie a factor of 3.1 away."""
    found = spread_contrast(
        np.array([0.0, 2, 4, 6, 8]), np.array([0.0, 1, 2, 3, 4]), null=1.5, power=0.8, phrase="{:.2f}", sections=20,
        **DESCRIPTION,
    )  # fmt: skip
    assert found.value == pytest.approx(2)
    assert (found.high / found.value, found.value / found.low) == pytest.approx((9.6045**0.5, 9.6045**0.5), rel=1e-3)
    assert found.verdict == UNDECIDED and "seeds would decide it" in found.advise(ALPHA)


def null_effect(rng, seeds, sections, seed_spread) -> Resampled:
    """Two arms that differ by nothing but chance: over seeds, over sections, and with sections of any length."""
    tokens = rng.integers(60, 260, sections).astype(float)

    def losses():
        nats = 3 + rng.normal(0, 0.03, sections) + rng.normal(0, seed_spread, (seeds, 1))
        nats = nats + rng.normal(0, 0.01, (seeds, sections))
        return np.stack([nats * tokens, np.broadcast_to(tokens, nats.shape)], axis=-1)

    return resample(
        [paired(losses(), losses())],
        lambda totals: mean_loss(totals[0][..., :2]) - mean_loss(totals[0][..., 2:]),
        resamples=300,
        seed=int(rng.integers(2**31)),
    )


@pytest.mark.parametrize(("seeds", "seed_spread"), [(1, 0.0), (3, 0.02), (5, 0.02)])
def test_chance_is_rarely_taken_for_an_effect(seeds, seed_spread):
    """Catches intervals that are too short: without an effect, 2.5 % of all studies may support a claim."""
    rng = np.random.default_rng(seeds)
    found = [
        bootstrap_contrast(
            null_effect(rng, seeds, 24, seed_spread), scale=float, form="{:.3g}".format, power=0.8, better="higher",
            null=0.0, smallest=0.01, phrase="{}".format, **DESCRIPTION,
        ).verdict
        for _ in range(2000)
    ]  # fmt: skip
    assert found.count(SUPPORTED) <= 66  # 50 are expected; more than 66 happen once in a hundred times


def test_a_study_of_many_claims_rarely_supports_a_wrong_one():
    """Catches a correction that does nothing: of studies without any effect, 5 % at most may support some claim."""
    rng = np.random.default_rng(0)
    evidence = SimpleNamespace(sections=range(24), seeds=[1, 2, 3], measured=[], arms={})
    study = Study(evidence, {}, {"max_chance_gap": 0.03, "min_fidelity_gain": 0.05})

    def compare(study, arms):
        resampled = null_effect(rng, 3, 24, 0.01)
        margins = {"better": "higher", "null": 0.0, "smallest": 0.05}
        return [
            bootstrap_contrast(
                resampled, scale=float, form="{:.3g}".format, power=0.8, phrase="{}".format, **margins, **DESCRIPTION
            )
        ]

    claims = {f"claim{number}": Claim("", {}, compare) for number in range(11)}
    wrong = [
        any(one.verdict == SUPPORTED for one in judge(study, min_sections=20, gains={}, claims=claims))
        for _ in range(100)
    ]
    assert sum(wrong) <= 10  # 5 at most are expected; more than 10 happen once in a hundred times
