"""Every claim can come out every way, on synthetic evaluation files with planted effects."""

from dataclasses import replace

import pytest
from synthetic_study import ROWS, Plan, write_study

from localist.claims.claims import CLAIMS
from localist.claims.judging import checked_arms, judge

SUPPORTED, NOT_SUPPORTED, UNDECIDED, NOT_TESTED = "supported", "not supported", "undecided", "not tested"
# Above 0 and below the smallest effect of interest of 1 %, with intervals that hold both.
WIDE = {"noise": 0.15}

PLANS = {
    "near_baseline": {
        SUPPORTED: Plan(losses={"quintic": 0.01}),
        NOT_SUPPORTED: Plan(losses={"quintic": 0.1}),
        UNDECIDED: Plan(losses={"quintic": 0.05}, **WIDE),
        NOT_TESTED: Plan(without=["quintic"]),
    },
    "steeper_is_better": {
        SUPPORTED: Plan(losses={"linear": 0.06, "cubic": 0.03}),
        # The second step is missing.
        NOT_SUPPORTED: Plan(losses={"linear": 0.06}),
        UNDECIDED: Plan(losses={"linear": 0.02, "cubic": 0.01}, **WIDE),
        NOT_TESTED: Plan(without=["cubic"]),
    },
    "steeper_is_better_dose_matched": {
        SUPPORTED: Plan(losses={"linear_dose": 0.06, "cubic_dose": 0.03}),
        # Dear without matched doses, and that is another claim.
        NOT_SUPPORTED: Plan(losses={"linear": 0.06, "cubic": 0.03}),
        UNDECIDED: Plan(losses={"linear_dose": 0.02, "cubic_dose": 0.01}, **WIDE),
        NOT_TESTED: Plan(without=["linear_dose"]),
    },
    "progressive_beats_localist": {
        SUPPORTED: Plan(losses={"localist": 0.06}),
        NOT_SUPPORTED: Plan(losses={"localist": -0.06}),
        UNDECIDED: Plan(losses={"localist": 0.01}, **WIDE),
        NOT_TESTED: Plan(without=["localist"]),
    },
    "progressive_beats_localist_dose_matched": {
        SUPPORTED: Plan(losses={"uniform": 0.06}),
        NOT_SUPPORTED: Plan(losses={"localist": 0.06}),
        UNDECIDED: Plan(losses={"uniform": 0.01}, **WIDE),
        NOT_TESTED: Plan(without=["uniform"]),
    },
    "late_layers_localised": {
        SUPPORTED: Plan(),
        # Locality by looking away.
        NOT_SUPPORTED: Plan(sinks={"quintic": 0.8}),
        UNDECIDED: Plan(sinks={"quintic": 0.6}, sink_noise=0.1),
        NOT_TESTED: Plan(without=["quintic"]),
    },
    "early_layers_preserved": {
        SUPPORTED: Plan(),
        NOT_SUPPORTED: Plan(divergences={"quintic": 0.03}),
        UNDECIDED: Plan(divergences={"quintic": 0.015}, divergence_noise=0.5),
        NOT_TESTED: Plan(without=["quintic"]),
    },
    "semantic_beats_fixed": {
        SUPPORTED: Plan(losses={"quintic_fixed": 0.06}),
        NOT_SUPPORTED: Plan(),
        UNDECIDED: Plan(losses={"quintic_fixed": 0.01}, **WIDE),
        NOT_TESTED: Plan(without=["quintic_fixed"]),
    },
    "low_fidelity_preserves_capacity": {
        SUPPORTED: Plan(losses={"low": -0.03, "high": 0.04}),
        NOT_SUPPORTED: Plan(losses={"low": 0.03, "high": -0.01}),
        UNDECIDED: Plan(losses={"low": -0.005, "high": 0.005}, **WIDE),
        NOT_TESTED: Plan(without=["low"]),
    },
    "robust_across_seeds": {
        SUPPORTED: Plan(seeds=range(20), seed_spread={"quintic": 0.01, "distributed": 0.05}),
        NOT_SUPPORTED: Plan(seeds=range(20), seed_spread={"quintic": 0.15, "distributed": 0.05}),
        UNDECIDED: Plan(seeds=range(5), seed_spread={"quintic": 0.05, "distributed": 0.05}),
        NOT_TESTED: Plan(without=["quintic"]),
    },
    "direction_matters": {
        SUPPORTED: Plan(losses={"reversed": 0.06, "uniform": 0.04}),
        NOT_SUPPORTED: Plan(losses={"reversed": 0.06}),
        UNDECIDED: Plan(losses={"reversed": 0.01, "uniform": 0.01}, **WIDE),
        NOT_TESTED: Plan(without=["reversed"]),
    },
    "meaning_matters": {
        SUPPORTED: Plan(losses={"quintic_shifted": 0.06}),
        NOT_SUPPORTED: Plan(),
        UNDECIDED: Plan(losses={"quintic_shifted": 0.01}, **WIDE),
        NOT_TESTED: Plan(without=["quintic_shifted"]),
    },
    "localisation_is_used": {
        SUPPORTED: Plan(
            knockouts={("distributed", "semantic"): 0.2, ("quintic", "semantic"): 0.1, ("quintic", "shifted"): 0.2}
        ),
        # As much under the wrong blocks as under its own.
        NOT_SUPPORTED: Plan(
            knockouts={("distributed", "semantic"): 0.2, ("quintic", "semantic"): 0.1, ("quintic", "shifted"): 0.1}
        ),
        UNDECIDED: Plan(knockouts={("distributed", "semantic"): 0.01, ("quintic", "shifted"): 0.01}, **WIDE),
        NOT_TESTED: Plan(measured=["semantic", "fixed"]),
    },
}


def needed(name, plan):
    """The plan with the arms alone that the claim may look at, so that few files are written."""
    rows = [frozenset(row.items()) for row in CLAIMS[name].rows.values()]
    others = {"low", "high"} if name == "low_fidelity_preserves_capacity" else set()
    same = {"uniform"} if name.endswith("localist_dose_matched") else set()
    keep = {arm for arm, row in ROWS.items() if frozenset(row.items()) in rows} | others | same
    plan.without = [*plan.without, *(set(ROWS) - keep)]
    return plan


def judged(name, plan, folder, min_sections=20):
    study = write_study(folder, needed(name, plan))
    (found,) = judge(study, min_sections=min_sections, gains=checked_arms(study), claims={name: CLAIMS[name]})
    return found


def test_every_claim_and_verdict_is_tried():
    """Catches a claim that is added without proof that it can be decided each way."""
    assert set(PLANS) == set(CLAIMS)
    assert all(set(plans) == {SUPPORTED, NOT_SUPPORTED, UNDECIDED, NOT_TESTED} for plans in PLANS.values())


@pytest.mark.parametrize(("name", "verdict"), [(name, verdict) for name in PLANS for verdict in PLANS[name]])
def test_planted_effects_get_their_verdict(name, verdict, tmp_path):
    """Catches a claim with a sign the wrong way round, that reads another arm, or that can only come out one way."""
    found = judged(name, PLANS[name][verdict], tmp_path)
    assert found.verdict == verdict, found.sentence
    assert found.sentence.startswith(verdict.capitalize())
    assert bool(found.contrasts) == (verdict != NOT_TESTED)


@pytest.mark.parametrize("name", CLAIMS)
def test_an_inactive_constraint_decides_nothing(name, tmp_path):
    """Catches a verdict about a method that was never applied: whatever perplexity says, attention did not move."""
    plan = PLANS[name][SUPPORTED]
    inactive = Plan(**vars(plan) | {"gain": 0.04})
    found = judged(name, inactive, tmp_path)
    assert found.verdict == UNDECIDED and "constraint inactive" in found.reason


@pytest.mark.parametrize("name", [name for name, claim in CLAIMS.items() if claim.matched])
def test_controls_that_are_not_matched_decide_nothing(name, tmp_path):
    """Catches a comparison of blocks of which one is easier to hit by chance."""
    other = CLAIMS[name].matched[1]
    found = judged(name, Plan(**vars(PLANS[name][SUPPORTED]) | {"chances": {other: 0.54}}), tmp_path)
    assert found.verdict == UNDECIDED and "controls not matched" in found.reason


@pytest.mark.parametrize("name", [name for name, claim in CLAIMS.items() if claim.min_seeds > 1])
def test_too_few_seeds_decide_nothing(name, tmp_path):
    """Catches a verdict about seeds from one of them."""
    found = judged(name, Plan(**vars(PLANS[name][SUPPORTED]) | {"seeds": [1]}), tmp_path)
    assert found.verdict == UNDECIDED and "seeds" in found.reason


def test_doses_are_not_matched_where_the_target_is_scaled(tmp_path):
    """Catches arms called dose-matched in a study in which α says nothing of how hard a layer is pushed."""
    name = "progressive_beats_localist_dose_matched"
    study = write_study(tmp_path, needed(name, PLANS[name][SUPPORTED]))
    scaled = replace(study, constraint=study.constraint | {"applies_to": "target"})
    (found,) = judge(scaled, min_sections=20, gains=checked_arms(study), claims={name: CLAIMS[name]})
    assert found.verdict == NOT_TESTED and "λ scales the target" in found.reason


def test_a_constraint_that_acts_nowhere_is_told_apart(tmp_path):
    """Catches "added nan" where no layer is constrained at all."""
    plan = needed("near_baseline", PLANS["near_baseline"][SUPPORTED])
    study = write_study(tmp_path, plan)
    evidence = replace(study.evidence, min_locality=1.5)
    nowhere = replace(study, evidence=evidence)
    claims = {"near_baseline": CLAIMS["near_baseline"]}
    (found,) = judge(nowhere, min_sections=20, gains=checked_arms(nowhere), claims=claims)
    assert found.verdict == UNDECIDED and "acts on no layer" in found.reason


@pytest.mark.parametrize(
    ("name", "margin"),
    [
        ("near_baseline", "The interval lies below 5 % perplexity."),
        ("early_layers_preserved", "The interval lies below a ratio of 1.5."),
        (
            "late_layers_localised",
            "that of quintic against distributed: late fidelity lies above 0 chance-corrected fidelity.",
        ),
    ],
)
def test_a_reason_names_the_margin_in_its_unit(name, margin, tmp_path):
    """Catches "1.5 ratio of divergences", and the margin of another part of the claim."""
    assert margin in judged(name, PLANS[name][SUPPORTED], tmp_path).sentence


def test_a_large_effect_is_written_without_exponent(tmp_path):
    """Catches sentences in which a gap of six times the baseline reads 5.6e+02 %."""
    found = judged("progressive_beats_localist", Plan(losses={"localist": 1.887}), tmp_path)
    assert "e+0" not in found.sentence and "560 % above" in found.sentence


def test_too_few_sections_decide_nothing(tmp_path):
    """Catches a study of a few pages that decides."""
    found = judged("near_baseline", PLANS["near_baseline"][SUPPORTED], tmp_path, min_sections=25)
    assert found.verdict == UNDECIDED and "24 test sections are too few" in found.reason


def test_arms_are_known_by_what_they_mean(tmp_path):
    """Catches a claim that asks for names: here quintic's row has its own, and its target spelt out."""
    found = judged("progressive_beats_localist_dose_matched", Plan(losses={"uniform": 0.06}), tmp_path)
    assert found.arms == ("uniform", "quintic")


def test_one_seed_says_whom_it_speaks_of(tmp_path):
    """Catches a sentence that sells one run as the method."""
    found = judged("near_baseline", Plan(losses={"quintic": 0.01}, seeds=[1]), tmp_path)
    assert found.verdict == SUPPORTED and "not of the method" in found.sentence


@pytest.mark.parametrize(("seeds", "remedy"), [([1], "test sections"), ([1, 2, 3], "seeds")])
def test_an_open_claim_says_what_would_decide_it(seeds, remedy, tmp_path):
    """Catches an undecided verdict that leaves the reader without a next step."""
    found = judged("meaning_matters", Plan(losses={"quintic_shifted": 0.06}, noise=0.12, seeds=seeds), tmp_path)
    assert found.verdict == UNDECIDED
    assert remedy in found.reason and "probability 0.8" in found.reason
