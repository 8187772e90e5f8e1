"""For every claim, a planted study for each possible verdict."""

from collections.abc import Mapping
from dataclasses import asdict, replace

from synthetic_study import CONSTRAINT, ROWS, Plan, planted_study

from localist.claims.claims import CLAIMS
from localist.claims.judging import Judgement, judge, manipulation_checks
from localist.claims.verdicts import NOT_SUPPORTED, NOT_TESTED, SUPPORTED, UNDECIDED, Verdict
from localist.study.arms import arm_table, meaning, named

# For effects between 0 and the smallest effect of interest (1 %), with intervals that contain both.
WIDE = {"noise": 0.15}

PLANS: Mapping[str, Mapping[Verdict, Plan]] = {
    "near_baseline": {
        SUPPORTED: Plan(losses={"quintic": 0.01}),
        NOT_SUPPORTED: Plan(losses={"quintic": 0.1}),
        UNDECIDED: Plan(losses={"quintic": 0.05}, **WIDE),
        NOT_TESTED: Plan(without=["quintic"]),
    },
    "steeper_is_better": {
        SUPPORTED: Plan(losses={"linear": 0.06, "cubic": 0.03}),
        # The second step, from cubic to quintic, has no effect.
        NOT_SUPPORTED: Plan(losses={"linear": 0.06}),
        UNDECIDED: Plan(losses={"linear": 0.02, "cubic": 0.01}, **WIDE),
        NOT_TESTED: Plan(without=["cubic"]),
    },
    "steeper_is_better_dose_matched": {
        SUPPORTED: Plan(losses={"linear_dose": 0.06, "cubic_dose": 0.03}),
        # Costly only without matched doses, which is another claim.
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
        # Local only because attention goes to the sink.
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
        # The same loss under the wrong blocks as under its own.
        NOT_SUPPORTED: Plan(
            knockouts={("distributed", "semantic"): 0.2, ("quintic", "semantic"): 0.1, ("quintic", "shifted"): 0.1}
        ),
        UNDECIDED: Plan(knockouts={("distributed", "semantic"): 0.01, ("quintic", "shifted"): 0.01}, **WIDE),
        NOT_TESTED: Plan(measured=["semantic", "fixed"]),
    },
    "attention_is_faithful": {
        SUPPORTED: Plan(faithful={"quintic": 0.8}),
        # More faithful, but by too little to matter.
        NOT_SUPPORTED: Plan(faithful={"quintic": 0.42}),
        UNDECIDED: Plan(faithful={"quintic": 0.5}, faithful_noise=0.6),
        NOT_TESTED: Plan(without=["quintic"]),
    },
    "local_within_budget": {
        SUPPORTED: Plan(losses={"budget": 0.01}, gain=0.85),
        # Within the budget, but not local.
        NOT_SUPPORTED: Plan(losses={"budget": 0.01}, gain=0.4),
        UNDECIDED: Plan(losses={"budget": 0.02}, gain=0.85, **WIDE),
        NOT_TESTED: Plan(without=["budget"]),
    },
}


def needed(name: str, plan: Plan) -> Plan:
    """The plan with only the arms that the claim may use."""
    claim, defaults = CLAIMS[name], asdict(CONSTRAINT)
    table = arm_table({"constraint": defaults, "arms": ROWS})
    keep = {named(table, meaning(row, defaults)) for row in claim.rows.values()}
    if claim.min_targets:
        keep |= {"low", "high"}
    return replace(plan, without=[*plan.without, *(set(ROWS) - keep)])


def judged(name: str, plan: Plan, min_sections: int = 20) -> Judgement:
    """One claim's judgement in a planted study."""
    study = planted_study(needed(name, plan))
    checks = manipulation_checks(study)
    (judgement,) = judge(study, min_sections=min_sections, gains=checks, claims={name: CLAIMS[name]})
    return judgement
