"""The claims: which arms each needs, what it compares, and what makes it undecidable (method.md, Claims)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from localist.claims.bootstrap import Resampled, paired, ring_factor
from localist.claims.evidence import FIDELITY_SUMS, SINK_SUMS, Evidence, fidelity_of_sums
from localist.claims.tables import loss_difference, mean_loss
from localist.claims.verdicts import Contrast, bootstrap_contrast, spread_contrast
from localist.study.arms import DISTRIBUTED, FIXED, QUINTIC, SEMANTIC, SHIFTED, TARGET, Arm, meaning, named, sweep

PERPLEXITY, FIDELITY, SHARE = "% perplexity", "chance-corrected fidelity", "share of attention"
DIVERGENCES, DEVIATIONS = "ratio of divergences", "ratio of standard deviations"

BASELINE = {"schedule": DISTRIBUTED}
LOCALIST = {"schedule": "localist", "partition": SEMANTIC}
LINEAR = {"schedule": "linear", "partition": SEMANTIC}
CUBIC = {"schedule": "cubic", "partition": SEMANTIC}
REVERSED = {"schedule": "reversed", "degree": 5, "partition": SEMANTIC}
UNIFORM = {"schedule": "uniform", "degree": 5, "partition": SEMANTIC}
DOSE = {"dose": "quintic"}
MIN_TARGETS = 3


@dataclass(frozen=True)
class Study:
    """What claims are judged by: the evidence, the defaults of `constraint`, and the margins of `claims`."""

    evidence: Evidence
    constraint: Mapping[str, Any]
    margins: Mapping[str, float]

    @property
    def quintic(self) -> Arm:
        """What quintic means in this study."""
        return meaning(QUINTIC, self.constraint)

    @property
    def scales_target(self) -> bool:
        """Whether λ scales the target here, so that no α makes two schedules push equally hard."""
        return self.quintic.applies_to == TARGET

    def arm(self, row: Mapping[str, Any]) -> str | None:
        """The name of the arm that a config row means; None where the study has none."""
        return named(self.evidence.arms, meaning(row, self.constraint))

    def targets(self) -> dict[float, str]:
        """τ → arm: the arms that are quintic but for their target, in order of τ."""
        return sweep(self.evidence.arms, self.quintic, "fidelity_target")


@dataclass(frozen=True)
class Claim:
    """One claim. rows: the arms that it needs, by their part in it, as config rows.

    compare: from the study and the arms' names to the contrasts. min_seeds: with fewer it is undecided. matched: two
    partitions that are compared, and the split whose windows they act on. partitions: must be measured.
    """

    statement: str
    rows: Mapping[str, Mapping[str, Any]]
    compare: Callable[[Study, Mapping[str, str]], list[Contrast]]
    min_seeds: int = 1
    matched: tuple[str, str, str] | None = None
    partitions: Sequence[str] = field(default_factory=tuple)


def _percent(nats: float) -> float:
    """A difference of losses as a difference of perplexities in percent."""
    return float(100 * np.expm1(nats))


def _perplexity(study: Study, above: str, below: str, **held_against) -> Contrast:
    """How far the perplexity of one arm lies above another's; the claim is that it does, unless said otherwise."""
    evidence = study.evidence
    return _in_percent(
        study,
        evidence.resample([paired(evidence.losses(above), evidence.losses(below))], loss_difference),
        label=f"{above} against {below}",
        arms=(above, below),
        phrase=partial(_above_or_below, f"the perplexity of {above}", f"that of {below}"),
        **held_against,
    )


def _in_percent(study: Study, resampled: Resampled, **description) -> Contrast:
    """A difference of losses as one of perplexities, held against 0 and the smallest effect unless said otherwise."""
    smallest = np.log1p(study.margins["smallest_effect"])
    held_against = {"better": "higher", "null": 0.0, "smallest": smallest}
    return bootstrap_contrast(
        resampled,
        scale=_percent,
        form=_signed_percent,
        power=study.margins["power"],
        unit=PERPLEXITY,
        **held_against | description,
    )


def _above_or_below(one: str, other: str, percent: float) -> str:
    return f"{one} is {_digits(abs(percent))} % {'above' if percent >= 0 else 'below'} {other}"


def _digits(percent: float) -> str:
    """Two digits that mean something, and no exponent: 0.052, 5.2, 560."""
    return f"{percent:.0f}" if abs(percent) >= 10 else f"{percent:.2g}"


def _signed_percent(percent: float) -> str:
    return f"{'+' if percent >= 0 else ''}{_digits(percent)} %"


def _near_baseline(study: Study, arms: Mapping[str, str]) -> list[Contrast]:
    margin = np.log1p(study.margins["near_baseline_margin"])
    return [_perplexity(study, arms["quintic"], arms["baseline"], better="lower", null=margin, smallest=margin)]


def _above_each(study: Study, arms: Mapping[str, str], pairs: Sequence[tuple[str, str]]) -> list[Contrast]:
    return [_perplexity(study, arms[above], arms[below]) for above, below in pairs]


def _late_layers(study: Study, arms: Mapping[str, str]) -> list[Contrast]:
    evidence, margins = study.evidence, study.margins
    names = (arms["quintic"], arms["baseline"])

    def gain(totals: Sequence[np.ndarray]) -> np.ndarray:
        own, base = np.split(totals[0], 2, axis=-1)
        return fidelity_of_sums(own) - fidelity_of_sums(base)

    def change(totals: Sequence[np.ndarray]) -> np.ndarray:
        own, base = np.split(totals[0], 2, axis=-1)
        return own[..., 0] / own[..., 1] - base[..., 0] / base[..., 1]

    fidelity, sink = (
        evidence.resample([paired(*(evidence.late_sums(name, SEMANTIC, columns) for name in names))], estimate)
        for columns, estimate in ((FIDELITY_SUMS, gain), (SINK_SUMS, change))
    )
    common = {"scale": float, "form": "{:+.2g}".format, "power": margins["power"], "arms": names}
    label, margin = "{} against {}: {}", margins["sink_margin"]
    moved = f"the late sink share of {names[0]} differs from that of {names[1]} by {{:+.2g}}".format
    return [
        bootstrap_contrast(
            fidelity,
            better="higher",
            null=0.0,
            smallest=margins["min_fidelity_gain"],
            unit=FIDELITY,
            label=label.format(*names, "late fidelity"),
            phrase=(
                f"the late chance-corrected fidelity of {names[0]} differs from that of {names[1]} by {{:+.2g}}"
            ).format,
            **common,
        ),
        *(
            bootstrap_contrast(
                sink,
                better=better,
                null=null,
                smallest=null,
                unit=SHARE,
                label=label.format(*names, f"late sink share, {bound}"),
                phrase=moved,
                **common,
            )
            for better, null, bound in (("lower", margin, "not more"), ("higher", -margin, "not less"))
        ),
    ]


def _early_layers(study: Study, arms: Mapping[str, str]) -> list[Contrast]:
    evidence, (quintic, baseline) = study.evidence, (arms["quintic"], arms["baseline"])
    pairs = [pair for pair in evidence.pairs if pair[0] == quintic and pair[2] == baseline]
    floor = [pair for pair in evidence.pairs if pair[0] == pair[2] == baseline]
    if not floor:
        return []
    resampled = evidence.resample(
        [evidence.early_divergence(pairs), evidence.early_divergence(floor)],
        lambda totals: np.log(mean_loss(totals[0])) - np.log(mean_loss(totals[1])),
        # Each seed is in two pairs of the floor: their spread tells too little of what other seeds would give.
        seed_factors=(1.0, ring_factor(len(floor))),
    )
    margin = np.log1p(study.margins["divergence_margin"])
    return [
        bootstrap_contrast(
            resampled,
            scale=lambda value: float(np.exp(value)),
            form="{:.2g}".format,
            power=study.margins["power"],
            better="lower",
            null=margin,
            smallest=margin,
            unit=DIVERGENCES,
            label=f"{quintic} against {baseline}, over {baseline} of two seeds",
            arms=(quintic, baseline),
            phrase=(
                f"in the first half of the layers {quintic} diverges from {baseline} {{:.2g}} times as much as two "
                f"seeds of {baseline} do"
            ).format,
        )
    ]


def _trend(study: Study, arms: Mapping[str, str]) -> list[Contrast]:
    evidence, targets = study.evidence, study.targets()
    values = np.array(list(targets))
    centred = values - values.mean()
    slope = centred / (centred**2).sum()

    def rise(totals: Sequence[np.ndarray]) -> np.ndarray:
        by_arm = totals[0].reshape(*totals[0].shape[:-1], len(values), 2)
        return mean_loss(by_arm) @ slope * np.ptp(values)

    return [
        _in_percent(
            study,
            evidence.resample([paired(*map(evidence.losses, targets.values()))], rise),
            label=f"τ = {values[-1]:g} against {values[0]:g}, by a straight line",
            arms=tuple(targets.values()),
            phrase=partial(
                _above_or_below,
                f"on a straight line through {len(values)} targets, the perplexity at τ = {values[-1]:g}",
                f"that at {values[0]:g}",
            ),
        )
    ]


def _spread(study: Study, arms: Mapping[str, str]) -> list[Contrast]:
    names = (arms["quintic"], arms["baseline"])
    if len(study.evidence.seeds) < 2:
        return []
    by_seed = [mean_loss(study.evidence.losses(name).sum(axis=1)) for name in names]
    return [
        spread_contrast(
            *by_seed,
            null=1 + study.margins["spread_margin"],
            power=study.margins["power"],
            unit=DEVIATIONS,
            label=f"{names[0]} against {names[1]}, over seeds",
            arms=names,
            sections=len(study.evidence.sections),
            phrase=f"over seeds, the test loss of {names[0]} varies {{:.2g}} times as much as that of {names[1]}",
        )
    ]


def _knockout(study: Study, arms: Mapping[str, str]) -> list[Contrast]:
    evidence, (quintic, baseline) = study.evidence, (arms["quintic"], arms["baseline"])

    def lost_more(totals: Sequence[np.ndarray]) -> np.ndarray:
        above, below = np.split(totals[0], 2, axis=-1)  # each […, 4]: with the knockout, and without
        return loss_difference([above]) - loss_difference([below])

    def contrast(above: tuple[str, str], below: tuple[str, str], more: str, less: str) -> Contrast:
        losses = [(evidence.knockout_losses(arm, partition), evidence.losses(arm)) for arm, partition in (above, below)]
        return _in_percent(
            study,
            evidence.resample([paired(*losses[0], *losses[1])], lost_more),
            label=f"{more} against {less}",
            arms=(quintic, baseline),
            phrase=lambda percent: (
                f"{more} costs {_digits(abs(percent))} % {'more' if percent >= 0 else 'less'} perplexity than {less}"
            ),
        )

    own, base, wrong = (quintic, SEMANTIC), (baseline, SEMANTIC), (quintic, SHIFTED)
    names = {
        own: f"the knockout of {quintic}",
        base: f"the knockout of {baseline}",
        wrong: f"the shifted knockout of {quintic}",
    }
    return [contrast(above, own, names[above], names[own]) for above in (base, wrong)]


CLAIMS: Mapping[str, Claim] = {
    "near_baseline": Claim(
        "Quintic's perplexity is near the distributed baseline's.",
        {"quintic": QUINTIC, "baseline": BASELINE},
        _near_baseline,
    ),
    "steeper_is_better": Claim(
        "The steeper the schedule, the lower the perplexity: linear above cubic above quintic.",
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
        "Quintic localises the late layers, and not by looking at the sink instead.",
        {"quintic": QUINTIC, "baseline": BASELINE},
        _late_layers,
        partitions=[SEMANTIC],
    ),
    "early_layers_preserved": Claim(
        "Quintic leaves the early layers near the baseline's, as near as another seed would.",
        {"quintic": QUINTIC, "baseline": BASELINE},
        _early_layers,
        min_seeds=3,
    ),
    "semantic_beats_fixed": Claim(
        "Semantic blocks give a lower perplexity than fixed windows.",
        {"window": QUINTIC | {"partition": FIXED}, "quintic": QUINTIC, "baseline": BASELINE},
        partial(_above_each, pairs=[("window", "quintic")]),
        matched=(SEMANTIC, FIXED, "train"),
    ),
    "low_fidelity_preserves_capacity": Claim(
        "The lower the fidelity target, the lower the perplexity.",
        {"quintic": QUINTIC, "baseline": BASELINE},
        _trend,
    ),
    "robust_across_seeds": Claim(
        "Quintic's perplexity varies over seeds no more than the baseline's.",
        {"quintic": QUINTIC, "baseline": BASELINE},
        _spread,
        min_seeds=5,
    ),
    "direction_matters": Claim(
        "Quintic has a lower perplexity than the reversed schedule and than its dose in every layer (our control).",
        {"reversed": REVERSED, "uniform": UNIFORM, "quintic": QUINTIC, "baseline": BASELINE},
        partial(_above_each, pairs=[("reversed", "quintic"), ("uniform", "quintic")]),
    ),
    "meaning_matters": Claim(
        "Semantic blocks give a lower perplexity than the same blocks in the wrong place (our control).",
        {"shifted": QUINTIC | {"partition": SHIFTED}, "quintic": QUINTIC, "baseline": BASELINE},
        partial(_above_each, pairs=[("shifted", "quintic")]),
        matched=(SEMANTIC, SHIFTED, "train"),
    ),
    "localisation_is_used": Claim(
        "Held to its blocks in the late layers, quintic loses less than the baseline, and less than in wrong ones.",
        {"quintic": QUINTIC, "baseline": BASELINE},
        _knockout,
        matched=(SEMANTIC, SHIFTED, "test"),
        partitions=[SEMANTIC, SHIFTED],
    ),
}
