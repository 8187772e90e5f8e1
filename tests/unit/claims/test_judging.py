"""Obstacles to a verdict, advice for open claims, and how often a whole study mistakes chance for an effect."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from planted_claims import PLANS, judged, needed
from planted_null import null_effect
from synthetic_study import MARGINS, Plan, planted_study

from localist.claims.claims import CLAIMS, Claim
from localist.claims.judged_study import Study
from localist.claims.judging import judge, manipulation_checks
from localist.claims.verdicts import SUPPORTED, UNDECIDED, Description, Margin, Message, bootstrap_contrast


@pytest.mark.parametrize("name", CLAIMS)
def test_an_inactive_constraint_leaves_the_claim_undecided(name):
    """Catches a verdict on perplexity although the constraint did not change attention."""
    found = judged(name, replace(PLANS[name][SUPPORTED], gain=0.01))
    assert found.verdict == UNDECIDED and found.reason.code == "constraint_inactive"
    assert found.reason.facts["gain"] == pytest.approx(0.01) and 0.01 < found.reason.facts["needed"] <= 0.05


@pytest.mark.parametrize("name", [name for name, claim in CLAIMS.items() if claim.matched])
def test_unmatched_controls_leave_the_claim_undecided(name):
    """Catches a comparison of blocks with unequal chance."""
    other = CLAIMS[name].matched[1]
    found = judged(name, replace(PLANS[name][SUPPORTED], chances={other: 0.54}))
    assert found.verdict == UNDECIDED and found.reason.code == "chances_not_matched"
    assert found.reason.facts["gap"] == pytest.approx(0.04)


def test_an_arm_that_spreads_its_dose_needs_less_gain():
    """Catches a threshold that controls cannot reach by design, and one that is lowered for other arms."""
    study = planted_study(Plan())
    needed = {arm: study.min_fidelity_gain(arm) for arm in study.evidence.arms if arm != "distributed"}
    # Six layers: the mean of quintic is 0.236, that of its last two layers 0.664.
    quintic = np.linspace(0, 1, 6) ** 5
    quintic[quintic < 0.01] = 0
    spread = 0.05 * quintic.mean() / quintic[-2:].mean()
    for arm in ("reversed", "uniform", "linear_dose", "cubic_dose"):
        assert needed[arm] == pytest.approx(spread), arm
    for arm in ("quintic", "linear", "localist", "quintic_shifted", "high"):
        assert needed[arm] == 0.05, arm


@pytest.mark.parametrize(("shift", "verdict"), [(0.0008, SUPPORTED), (-0.0012, UNDECIDED)])
def test_insufficient_precision_leaves_the_claim_undecided(shift, verdict):
    """Catches a verdict caused by rounding: a tenth of the smallest effect of 1 % is 0.001 nats."""
    study = planted_study(needed("near_baseline", PLANS["near_baseline"][SUPPORTED]))
    runs = {
        run: replace(one, precision_shift=0.01 + (shift if run == ("quintic", 2) else 0.0))
        for run, one in study.evidence.runs.items()
    }
    rounded = replace(study, evidence=replace(study.evidence, runs=runs))
    claims = {"near_baseline": CLAIMS["near_baseline"]}
    (found,) = judge(rounded, min_sections=20, gains=manipulation_checks(rounded), claims=claims)
    assert found.verdict == verdict
    if verdict == UNDECIDED:
        assert found.reason.code == "precision_too_low" and found.reason.facts["arm"] == "quintic"


@pytest.mark.parametrize("name", [name for name, claim in CLAIMS.items() if claim.min_seeds > 1])
def test_too_few_seeds_leave_the_claim_undecided(name):
    """Catches a verdict on variation between seeds from a single seed."""
    found = judged(name, replace(PLANS[name][SUPPORTED], seeds=[1]))
    assert found.verdict == UNDECIDED and found.reason.code == "too_few_seeds"
    assert found.reason.facts == {"seeds": 1, "needed": CLAIMS[name].min_seeds}


def test_too_few_sections_leave_the_claim_undecided():
    """Catches a verdict from a few pages of text."""
    found = judged("near_baseline", PLANS["near_baseline"][SUPPORTED], min_sections=25)
    assert found.verdict == UNDECIDED and found.reason.code == "too_few_sections"
    assert found.reason.facts == {"sections": 24, "needed": 25, "sampled": False}


def test_a_sample_of_too_few_sections_leaves_the_claim_undecided():
    """Catches a verdict on faithfulness from a few windows of a long text."""
    plan = replace(PLANS["attention_is_faithful"][SUPPORTED], probed=3)
    found = judged("attention_is_faithful", plan)
    assert found.verdict == UNDECIDED and found.contrasts
    assert found.reason == Message("too_few_sections", {"sections": 3, "needed": 20, "sampled": True})


def test_a_constraint_without_layers_is_reported_as_such():
    """Catches a NaN gain compared with its minimum if no layer is constrained."""
    study = planted_study(needed("near_baseline", PLANS["near_baseline"][SUPPORTED]))
    nowhere = replace(study, evidence=replace(study.evidence, min_locality=1.5))
    claims = {"near_baseline": CLAIMS["near_baseline"]}
    (found,) = judge(nowhere, min_sections=20, gains=manipulation_checks(nowhere), claims=claims)
    assert found.verdict == UNDECIDED and found.reason.code == "constraint_nowhere"


@pytest.mark.parametrize(
    ("plan", "code"),
    [
        (Plan(without=["quintic"]), "arm_missing"),
        (Plan(without=["low"]), "too_few_targets"),
    ],
)
def test_an_untested_claim_names_what_is_missing(plan, code):
    """Catches an untested claim without a reason."""
    assert judged("low_fidelity_preserves_capacity", plan).reason.code == code


def test_a_partition_that_was_not_measured_is_named():
    """Catches a claim judged without the knockout it needs."""
    found = judged("localisation_is_used", Plan(measured=["semantic", "fixed"]))
    assert (found.reason.code, found.reason.facts) == ("partition_not_measured", {"partitions": ["shifted"]})


@pytest.mark.parametrize(
    ("verdict", "code"),
    [(SUPPORTED, "beyond_the_null"), ("not supported", "short_of_the_smallest"), (UNDECIDED, "too_wide")],
)
def test_a_reason_has_the_numbers_of_the_weakest_contrast(verdict, code):
    """Catches the numbers of another part of the claim."""
    found = judged("direction_matters", PLANS["direction_matters"][verdict])
    assert found.reason.code == code and found.weakest is not None
    assert found.reason.facts["label"] == found.weakest.description.label
    assert (found.reason.facts["null"], found.reason.facts["smallest"]) == pytest.approx((0, 1))
    assert found.reason.facts["parts"] == 2


def test_a_claim_depends_on_its_weakest_part():
    """Catches a supported claim reported by its strongest part if resampling gives both the same p."""
    found = judged("steeper_is_better", Plan(losses={"linear": 0.3, "cubic": 0.05}))
    assert found.verdict == SUPPORTED and len({contrast.p for contrast in found.contrasts}) == 1
    assert found.weakest.description.label == "cubic against quintic"


@pytest.mark.parametrize("seeds", [[1], [1, 2, 3]])
def test_an_open_claim_has_advice(seeds):
    """Catches an undecided verdict without advice, and a number of seeds estimated from a single seed."""
    found = judged("meaning_matters", Plan(losses={"quintic_shifted": 0.06}, noise=0.12, seeds=seeds))
    assert found.verdict == UNDECIDED and found.advice.power == 0.8
    if len(seeds) == 1:
        assert found.advice.seeds is None and found.advice.sections > 24
    else:
        assert found.advice.seeds > len(seeds)


@pytest.mark.parametrize("verdict", [SUPPORTED, "not supported"])
def test_a_decided_claim_has_no_advice(verdict):
    """Catches advice for a claim that is already decided."""
    assert judged("near_baseline", PLANS["near_baseline"][verdict]).advice is None


def null_study() -> Study:
    """A study with only sections, seeds, margins and exact losses."""
    evidence = {"sections": range(24), "seeds": [1, 2, 3], "measured": [], "arms": {}}
    return Study(SimpleNamespace(**evidence, precision_shift=lambda arm: 0.0), None, MARGINS)


def contrast_of(resampled, smallest):
    description = Description("a against b", ("a", "b"), "points", Message("any"))
    return [bootstrap_contrast(resampled, Margin("higher", 0.0, smallest), description)]


def test_holm_may_leave_a_supported_claim_open():
    """Catches a claim that stays supported although its corrected p is large, or that gets no advice."""
    rng = np.random.default_rng(0)
    effect = null_effect(rng, 3, 24, 0.01)
    # One value in fifty lies below 0.
    moved = float(np.quantile(effect.values, 0.02))
    shifted = replace(effect, value=effect.value - moved, values=effect.values - moved)
    claims = {f"claim{number}": Claim("", {}, lambda study, arms: contrast_of(shifted, 0.0)) for number in range(9)}
    alone = judge(null_study(), min_sections=20, gains={}, claims={"claim0": claims["claim0"]})
    together = judge(null_study(), min_sections=20, gains={}, claims=claims)
    assert alone[0].verdict == SUPPORTED and alone[0].p_holm == alone[0].p
    assert {one.verdict for one in together} == {UNDECIDED}
    assert {one.reason.code for one in together} == {"may_be_chance"}
    assert all(one.advice is not None and one.reason.facts == {"p_holm": one.p_holm} for one in together)


@pytest.mark.slow
def test_a_study_of_many_claims_rarely_supports_a_wrong_one():
    """Catches an ineffective correction: at most 5 % of studies without any effect may support some claim."""
    rng = np.random.default_rng(0)
    claims = {
        f"claim{number}": Claim("", {}, lambda study, arms: contrast_of(null_effect(rng, 3, 24, 0.01), 0.05))
        for number in range(11)
    }
    wrong = [
        any(one.verdict == SUPPORTED for one in judge(null_study(), min_sections=20, gains={}, claims=claims))
        for _ in range(100)
    ]
    assert sum(wrong) <= 10  # at most 5 are expected; more than 10 occur once in a hundred times


def test_windows_with_too_few_pairs_of_blocks_leave_faithfulness_undecided():
    """Catches a traceback for short texts, none of whose windows has three pairs of blocks."""
    name = "attention_is_faithful"
    study = planted_study(PLANS[name][SUPPORTED])
    for run in study.evidence.runs.values():
        run.faithfulness["rho_windows"] = 0
    (found,) = judge(study, min_sections=20, gains=manipulation_checks(study), claims={name: CLAIMS[name]})
    assert (found.verdict, found.reason.code, found.contrasts) == (UNDECIDED, "nothing_to_compare", ())
