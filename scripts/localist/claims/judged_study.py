"""The basis for judging claims: the evidence, the meaning of a study's arms, and the margins."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from localist.claims.evidence import Evidence
from localist.study.arms import QUINTIC, TARGET, Arm, meaning, named, sweep
from localist.study.layers import late_layers
from localist.study.schedules import CONTROLS, DEGREES, locality_by_layer

Row = Mapping[str, str | float]  # a row of the arm table, as in config


@dataclass(frozen=True)
class Margins:
    """What counts as an effect: the keys of `claims` in config; the schema explains each."""

    near_baseline_margin: float
    smallest_effect: float
    min_fidelity_gain: float
    sink_margin: float
    divergence_margin: float
    spread_margin: float
    max_chance_gap: float
    min_rho_gain: float
    local_fidelity: float
    power: float


@dataclass(frozen=True)
class ConstraintDefaults:
    """Defaults for values missing in an arm's row: the keys of `constraint` in config. weight: α by penalty."""

    penalty: str
    fidelity_target: float
    weight: Mapping[str, float]
    applies_to: str
    min_locality: float


@dataclass(frozen=True)
class Study:
    """The basis for judging claims: the evidence, the defaults of arms, and the margins."""

    evidence: Evidence
    constraint: ConstraintDefaults
    margins: Margins

    @property
    def quintic(self) -> Arm:
        """What quintic means in this study."""
        return meaning(QUINTIC, asdict(self.constraint))

    @property
    def scales_target(self) -> bool:
        """Whether λ scales the target in this study, so that no α can equalise the doses of two schedules."""
        return self.quintic.applies_to == TARGET

    def arm(self, row: Row) -> str | None:
        """The name of the arm with the meaning of a config row; None if the study has none."""
        return named(self.evidence.arms, meaning(row, asdict(self.constraint)))

    def targets(self) -> dict[float, str]:
        """τ → arm: the arms that differ from quintic only in their target, in order of τ."""
        return sweep(self.evidence.arms, self.quintic, "fidelity_target")

    def min_fidelity_gain(self, arm: str) -> float:
        """The chance-corrected fidelity that the constraint of an arm must add to count as active.

        An arm with another schedule's dose spreads its weight over the layers, so its threshold is lower: the margin
        times the mean λ of that dose over the mean λ of quintic's late layers.
        """
        row, depth, smallest = self.evidence.arms[arm], self.evidence.depth, self.constraint.min_locality
        degree = DEGREES[row.dose] if row.dose else row.degree if row.schedule in CONTROLS else None
        if degree is None:
            return self.margins.min_fidelity_gain
        (spread, *_) = locality_by_layer("uniform", depth, min_locality=smallest, degree=degree)
        quintic = locality_by_layer("quintic", depth, min_locality=smallest)
        late = np.mean([quintic[layer] for layer in late_layers(depth)])
        return float(self.margins.min_fidelity_gain * min(1.0, spread / late))
