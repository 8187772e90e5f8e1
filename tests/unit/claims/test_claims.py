"""Every claim can get every verdict, in studies with planted effects."""

from dataclasses import asdict, replace

import pytest
from planted_claims import PLANS, judged, needed
from synthetic_study import MARGINS, Plan, planted_study

import plot_claims
from localist.claims.claims import CLAIMS, constrained_arms, highest_target
from localist.claims.judged_study import ConstraintDefaults
from localist.claims.judging import judge, manipulation_checks
from localist.claims.verdicts import NOT_SUPPORTED, NOT_TESTED, SUPPORTED, UNDECIDED


def test_every_claim_and_verdict_is_tested():
    """Catches a new claim without proof that it can get every verdict."""
    assert set(PLANS) == set(CLAIMS)
    assert all(set(plans) == {SUPPORTED, NOT_SUPPORTED, UNDECIDED, NOT_TESTED} for plans in PLANS.values())


@pytest.mark.parametrize(("name", "verdict"), [(name, verdict) for name in PLANS for verdict in PLANS[name]])
def test_planted_effects_get_their_verdict(name, verdict):
    """Catches a claim with the wrong sign, one that reads another arm, or one that always gets the same verdict."""
    found = judged(name, PLANS[name][verdict])
    assert found.verdict == verdict, found.reason
    assert bool(found.contrasts) == (verdict != NOT_TESTED)


@pytest.mark.parametrize(
    ("name", "null", "smallest"),
    [
        ("near_baseline", 5, 5),
        ("steeper_is_better", 0, 1),
        ("early_layers_preserved", 1.5, 1.5),
        ("robust_across_seeds", 1.5, 1.5),
        ("late_layers_localised", 0, 0.05),
    ],
)
def test_effects_are_compared_with_their_margin_in_the_same_unit(name, null, smallest):
    """Catches the margin of another claim, and a margin in nats for an effect in percent."""
    contrast = judged(name, PLANS[name][SUPPORTED]).contrasts[0]
    assert (contrast.null, contrast.smallest) == pytest.approx((null, smallest))


def test_doses_are_not_matched_if_the_target_is_scaled():
    """Catches arms treated as dose-matched in a study in which α cannot equalise doses."""
    name = "progressive_beats_localist_dose_matched"
    study = planted_study(needed(name, PLANS[name][SUPPORTED]))
    scaled = replace(study, constraint=replace(study.constraint, applies_to="target"))
    (found,) = judge(scaled, min_sections=20, gains=manipulation_checks(study), claims={name: CLAIMS[name]})
    assert found.verdict == NOT_TESTED and found.reason.code == "dose_not_matched"


def test_every_effect_has_a_panel_in_the_figure():
    """Catches a claim with a new unit, whose effects the figure of claims would omit."""
    units = {contrast.description.unit for name in PLANS for contrast in judged(name, PLANS[name][SUPPORTED]).contrasts}
    assert units == set(plot_claims.UNITS)


def test_arms_are_identified_by_meaning():
    """Catches arms looked up by name: here, `uniform` is the same as localist with the dose of quintic."""
    found = judged("progressive_beats_localist_dose_matched", Plan(losses={"uniform": 0.06}))
    assert found.arms == ("uniform", "quintic")


def test_a_trend_checks_only_the_highest_target():
    """Catches a sweep that is always undecided because its lowest target leaves the constraint inactive by design."""
    study = planted_study(needed("low_fidelity_preserves_capacity", Plan()))
    arms = {"quintic": "quintic", "baseline": "distributed"}
    assert highest_target(study, arms) == ["high"]
    assert constrained_arms(study, arms) == ["quintic"]


def test_missing_or_unknown_config_keys_are_noticed():
    """Catches unknown margins and missing defaults that are silently accepted."""
    with pytest.raises(TypeError):
        type(MARGINS)(**asdict(MARGINS) | {"new_margin": 1.0})
    with pytest.raises(TypeError):
        ConstraintDefaults(**{"penalty": "hinge"})
