"""The claims: which arms each needs, what it compares, and what makes it undecidable (method.md, Claims)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce

import numpy as np
import pandas as pd

from localist.claims.bootstrap import Resampled, Totals, paired
from localist.claims.evidence import FIDELITY_SUMS, SINK_SUMS, Evidence, fidelity_of_sums
from localist.claims.judged_study import Row, Study
from localist.claims.tables import loss_difference, mean_loss
from localist.claims.verdicts import (
    Contrast,
    Description,
    Direction,
    Fact,
    Margin,
    Message,
    bootstrap_contrast,
    spread_contrast,
)
from localist.study.arms import DISTRIBUTED, FIXED, QUINTIC, SEMANTIC, SHIFTED

PERPLEXITY, FIDELITY, SHARE = "% perplexity", "chance-corrected fidelity", "share of attention"
RHO = "Spearman's ρ"
DIVERGENCES, DEVIATIONS = "ratio of divergences", "ratio of standard deviations"

BASELINE: Row = {"schedule": DISTRIBUTED}
LOCALIST = {"schedule": "localist", "partition": SEMANTIC}
LINEAR = {"schedule": "linear", "partition": SEMANTIC}
CUBIC = {"schedule": "cubic", "partition": SEMANTIC}
REVERSED: Row = {"schedule": "reversed", "degree": 5, "partition": SEMANTIC}
UNIFORM: Row = {"schedule": "uniform", "degree": 5, "partition": SEMANTIC}
DOSE = {"dose": "quintic"}
# The perplexity budget of local_within_budget.
BUDGET = 0.02


Arms = Mapping[str, str]  # part in a claim → name of the arm


def constrained_arms(study: Study, arms: Arms) -> list[str]:
    """All arms of a claim except the baseline."""
    return [arm for arm in arms.values() if arm != arms["baseline"]]


def highest_target(study: Study, arms: Arms) -> list[str]:
    """The arm with the highest target; lower targets may leave the constraint inactive by design."""
    return list(study.targets().values())[-1:]


@dataclass(frozen=True)
class Claim:
    """One claim. rows: the arms that it needs, by their role, as config rows.

    compare: computes the contrasts from the study and the arm names. min_seeds: with fewer seeds it is undecided.
    matched: two compared partitions, and the split on whose windows their chances must agree. partitions: those that
    must be measured. min_targets: number of arms that must differ from quintic only in their fidelity target.
    checked_arms: those whose manipulation check must pass.
    """

    statement: str
    rows: Mapping[str, Row]
    compare: Callable[[Study, Arms], list[Contrast]]
    min_seeds: int = 1
    matched: tuple[str, str, str] | None = None
    partitions: Sequence[str] = ()
    min_targets: int = 0
    checked_arms: Callable[[Study, Arms], list[str]] = constrained_arms


def _percent(nats: float) -> float:
    """A difference of losses as a difference of perplexities in percent."""
    return float(100 * np.expm1(nats))


def _ratio(logarithm: float) -> float:
    return float(np.exp(logarithm))


def _higher(study: Study) -> Margin:
    """For a claim that one perplexity is higher than another: the smallest difference of interest, in nats."""
    return Margin("higher", null=0.0, smallest=float(np.log1p(study.margins.smallest_effect)))


def _within(better: Direction, bound: float) -> Margin:
    """For a claim that a value stays on one side of a bound; any value beyond the bound counts."""
    return Margin(better, null=bound, smallest=bound)


def _perplexity(study: Study, above: str, below: str, margin: Margin) -> Contrast:
    """How far one arm's perplexity is above another's."""
    evidence = study.evidence
    difference = evidence.resample([paired(evidence.losses(above), evidence.losses(below))], loss_difference)
    description = Description(f"{above} against {below}", (above, below), PERPLEXITY, Message("perplexity"))
    return bootstrap_contrast(difference, margin, description, _percent)


def _near_baseline(study: Study, arms: Arms) -> list[Contrast]:
    margin = _within("lower", float(np.log1p(study.margins.near_baseline_margin)))
    return [_perplexity(study, arms["quintic"], arms["baseline"], margin)]


def _above_each(study: Study, arms: Arms, pairs: Sequence[tuple[str, str]]) -> list[Contrast]:
    return [_perplexity(study, arms[above], arms[below], _higher(study)) for above, below in pairs]


def _late_layers(study: Study, arms: Arms) -> list[Contrast]:
    margins, names = study.margins, (arms["quintic"], arms["baseline"])
    label = f"{names[0]} against {names[1]}: late"

    def contrast(change: Resampled, margin: Margin, measure: str, unit: str, code: str) -> Contrast:
        return bootstrap_contrast(change, margin, Description(f"{label} {measure}", names, unit, Message(code)))

    fidelity = _late_change(study.evidence, names, FIDELITY_SUMS, fidelity_of_sums)
    sink = _late_change(study.evidence, names, SINK_SUMS, lambda sums: sums[..., 0] / sums[..., 1])
    gained = Margin("higher", null=0.0, smallest=margins.min_fidelity_gain)
    not_more, not_less = _within("lower", margins.sink_margin), _within("higher", -margins.sink_margin)
    return [
        contrast(fidelity, gained, "fidelity", FIDELITY, "late_fidelity"),
        contrast(sink, not_more, "sink share, not more", SHARE, "late_sink_share"),
        contrast(sink, not_less, "sink share, not less", SHARE, "late_sink_share"),
    ]


def _late_change(
    evidence: Evidence, names: tuple[str, str], columns: Sequence[str], measure: Callable[[np.ndarray], np.ndarray]
) -> Resampled:
    """By how much a measure of the late layers is higher in the first arm than in the second."""

    def change(totals: Totals) -> np.ndarray:
        own, base = np.split(totals[0], 2, axis=-1)  # each […, columns]
        return measure(own) - measure(base)

    return evidence.resample([paired(*(evidence.late_sums(name, SEMANTIC, columns) for name in names))], change)


def _early_layers(study: Study, arms: Arms) -> list[Contrast]:
    evidence, (quintic, baseline) = study.evidence, (arms["quintic"], arms["baseline"])
    pairs = [pair for pair in evidence.comparisons if pair[0] == quintic and pair[2] == baseline]
    floor = [pair for pair in evidence.comparisons if pair[0] == pair[2] == baseline]
    if not floor:
        return []
    ratio = evidence.resample(
        [evidence.early_divergence(pairs), evidence.early_divergence(floor)],
        lambda totals: np.log(mean_loss(totals[0])) - np.log(mean_loss(totals[1])),
        # Each seed is in two pairs of the floor, so the spread over pairs understates the spread over seeds.
        rings=(False, True),
    )
    label = f"{quintic} against {baseline}, relative to two seeds of {baseline}"
    description = Description(label, (quintic, baseline), DIVERGENCES, Message("early_divergence"))
    margin = _within("lower", float(np.log1p(study.margins.divergence_margin)))
    return [bootstrap_contrast(ratio, margin, description, _ratio)]


def _trend(study: Study, arms: Arms) -> list[Contrast]:
    evidence, targets = study.evidence, study.targets()
    values = np.array(list(targets))
    centred = values - values.mean()
    slope = centred / (centred**2).sum()

    def rise(totals: Totals) -> np.ndarray:
        by_arm = totals[0].reshape(*totals[0].shape[:-1], len(values), 2)
        return mean_loss(by_arm) @ slope * np.ptp(values)

    label = f"τ = {values[-1]:g} against {values[0]:g}, linear fit"
    facts: Mapping[str, Fact] = {"targets": len(values), "lowest": float(values[0]), "highest": float(values[-1])}
    description = Description(label, tuple(targets.values()), PERPLEXITY, Message("target_trend", facts))
    losses = paired(*map(evidence.losses, targets.values()))
    return [bootstrap_contrast(evidence.resample([losses], rise), _higher(study), description, _percent)]


def _spread(study: Study, arms: Arms) -> list[Contrast]:
    names = (arms["quintic"], arms["baseline"])
    if len(study.evidence.seeds) < 2:
        return []
    spread, baseline = (mean_loss(study.evidence.losses(name).sum(axis=1)) for name in names)
    label = f"{names[0]} against {names[1]}, over seeds"
    return [
        spread_contrast(
            spread,
            baseline,
            null=1 + study.margins.spread_margin,
            sections=len(study.evidence.sections),
            description=Description(label, names, DEVIATIONS, Message("spread_over_seeds")),
        )
    ]


def _knockout(study: Study, arms: Arms) -> list[Contrast]:
    evidence, (quintic, baseline) = study.evidence, (arms["quintic"], arms["baseline"])

    def lost_more(totals: Totals) -> np.ndarray:
        above, below = np.split(totals[0], 2, axis=-1)  # each […, 4]: with the knockout, and without
        return loss_difference([above]) - loss_difference([below])

    def contrast(above: tuple[str, str], more: str) -> Contrast:
        losses = [(evidence.knockout_losses(arm, partition), evidence.losses(arm)) for arm, partition in (above, own)]
        description = Description(
            label=f"{more} against {less}",
            arms=(quintic, baseline),
            unit=PERPLEXITY,
            finding=Message("knockout", {"above": more, "below": less}),
        )
        change = evidence.resample([paired(*losses[0], *losses[1])], lost_more)
        return bootstrap_contrast(change, _higher(study), description, _percent)

    own, less = (quintic, SEMANTIC), f"the knockout of {quintic}"
    return [
        contrast((baseline, SEMANTIC), f"the knockout of {baseline}"),
        contrast((quintic, SHIFTED), f"the shifted knockout of {quintic}"),
    ]


def _faithful(study: Study, arms: Arms) -> list[Contrast]:
    evidence, names = study.evidence, (arms["quintic"], arms["baseline"])
    known = [evidence.runs[name, seed].faithfulness for name in names for seed in evidence.seeds]
    sections = reduce(pd.Index.union, [table.index[table["rho_windows"] > 0] for table in known])
    if not len(sections):
        return []

    def gain(totals: Totals) -> np.ndarray:
        own, base = np.split(totals[0], 2, axis=-1)  # each […, 2]
        with np.errstate(invalid="ignore", divide="ignore"):
            return mean_loss(own) - mean_loss(base)

    change = evidence.resample([paired(*(evidence.faithfulness(name, sections) for name in names))], gain)
    label = f"{names[0]} against {names[1]}: attribution and effect"
    margin = Margin("higher", null=0.0, smallest=study.margins.min_rho_gain)
    return [bootstrap_contrast(change, margin, Description(label, names, RHO, Message("faithfulness")))]


def _within_budget(study: Study, arms: Arms) -> list[Contrast]:
    budget, baseline = arms["budget"], arms["baseline"]
    sums = study.evidence.late_sums(budget, SEMANTIC, FIDELITY_SUMS)
    fidelity = study.evidence.resample([sums], lambda totals: fidelity_of_sums(totals[0]))
    description = Description(f"{budget}: late fidelity", (budget, baseline), FIDELITY, Message("late_level"))
    return [
        _perplexity(study, budget, baseline, _within("lower", float(np.log1p(BUDGET)))),
        bootstrap_contrast(fidelity, _within("higher", study.margins.local_fidelity), description),
    ]


CLAIMS: Mapping[str, Claim] = {
    "near_baseline": Claim(
        "Quintic's perplexity is close to the distributed baseline's.",
        {"quintic": QUINTIC, "baseline": BASELINE},
        _near_baseline,
    ),
    "steeper_is_better": Claim(
        "The steeper the schedule, the lower the perplexity: linear is above cubic, cubic above quintic.",
        {"linear": LINEAR, "cubic": CUBIC, "quintic": QUINTIC, "baseline": BASELINE},
        partial(_above_each, pairs=[("linear", "cubic"), ("cubic", "quintic")]),
    ),
    "steeper_is_better_dose_matched": Claim(
        "The steeper the schedule, the lower the perplexity, at the same sum of locality.",
        {"linear": LINEAR | DOSE, "cubic": CUBIC | DOSE, "quintic": QUINTIC, "baseline": BASELINE},
        partial(_above_each, pairs=[("linear", "cubic"), ("cubic", "quintic")]),
    ),
    "progressive_beats_localist": Claim(
        "Quintic has a lower perplexity than fully localist training.",
        {"localist": LOCALIST, "quintic": QUINTIC, "baseline": BASELINE},
        partial(_above_each, pairs=[("localist", "quintic")]),
    ),
    "progressive_beats_localist_dose_matched": Claim(
        "Quintic has a lower perplexity than localist training with the same sum of locality.",
        {"localist": LOCALIST | DOSE, "quintic": QUINTIC, "baseline": BASELINE},
        partial(_above_each, pairs=[("localist", "quintic")]),
    ),
    "late_layers_localised": Claim(
        "Quintic localises the late layers without moving attention to the sink.",
        {"quintic": QUINTIC, "baseline": BASELINE},
        _late_layers,
        partitions=[SEMANTIC],
    ),
    "early_layers_preserved": Claim(
        "Quintic's early layers stay as close to the baseline's as another seed's do.",
        {"quintic": QUINTIC, "baseline": BASELINE},
        _early_layers,
        min_seeds=3,
    ),
    "semantic_beats_fixed": Claim(
        "Semantic blocks give a lower perplexity than blocks of fixed length.",
        {"window": QUINTIC | {"partition": FIXED}, "quintic": QUINTIC, "baseline": BASELINE},
        partial(_above_each, pairs=[("window", "quintic")]),
        matched=(SEMANTIC, FIXED, "train"),
    ),
    "low_fidelity_preserves_capacity": Claim(
        "The lower the fidelity target, the lower the perplexity.",
        {"quintic": QUINTIC, "baseline": BASELINE},
        _trend,
        min_targets=3,
        checked_arms=highest_target,
    ),
    "robust_across_seeds": Claim(
        "Quintic's perplexity varies no more over seeds than the baseline's.",
        {"quintic": QUINTIC, "baseline": BASELINE},
        _spread,
        min_seeds=5,
    ),
    "direction_matters": Claim(
        "Quintic has a lower perplexity than reversed, and than the same dose in every layer (our controls).",
        {"reversed": REVERSED, "uniform": UNIFORM, "quintic": QUINTIC, "baseline": BASELINE},
        partial(_above_each, pairs=[("reversed", "quintic"), ("uniform", "quintic")]),
    ),
    "meaning_matters": Claim(
        "Semantic blocks give a lower perplexity than the same blocks shifted out of place (our control).",
        {"shifted": QUINTIC | {"partition": SHIFTED}, "quintic": QUINTIC, "baseline": BASELINE},
        partial(_above_each, pairs=[("shifted", "quintic")]),
        matched=(SEMANTIC, SHIFTED, "train"),
    ),
    "localisation_is_used": Claim(
        "Late attention knockout costs quintic less than the baseline, and less than with shifted blocks.",
        {"quintic": QUINTIC, "baseline": BASELINE},
        _knockout,
        matched=(SEMANTIC, SHIFTED, "test"),
        partitions=[SEMANTIC, SHIFTED],
    ),
    "attention_is_faithful": Claim(
        "Late attention shows which blocks the model uses more faithfully in quintic than in the baseline.",
        {"quintic": QUINTIC, "baseline": BASELINE},
        _faithful,
        partitions=[SEMANTIC],
    ),
    "local_within_budget": Claim(
        "Within 2 % of the baseline's perplexity, the late layers become local.",
        {"budget": QUINTIC | {"perplexity_budget": BUDGET}, "baseline": BASELINE},
        _within_budget,
        partitions=[SEMANTIC],
    ),
}
