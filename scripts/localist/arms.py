"""The arm table: what a named arm means, looked up in config."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

PRETRAINED = "pretrained"
PRETRAINED_SEED = 0
DISTRIBUTED = "distributed"


@dataclass(frozen=True)
class Arm:
    """One row of the arm table. partition is None for the distributed arm, and schedule too for the untuned model."""

    name: str
    schedule: str | None
    partition: str | None
    fidelity_target: float | None
    strength: float | None

    def as_params(self) -> dict[str, Any]:
        """Plain data for a rule's params, so that a change of the row, and nothing else, reruns what depends on it."""
        return asdict(self)


def arm_table(config: Mapping[str, Any]) -> dict[str, Arm]:
    """The arms of a study in config order, defaults filled in from `constraint`; without the untuned model."""
    table = {}
    for name, row in config["arms"].items():
        free = row["schedule"] == DISTRIBUTED
        table[name] = Arm(
            name=name,
            schedule=row["schedule"],
            partition=None if free else row["partition"],
            fidelity_target=None if free else row.get("fidelity_target", config["constraint"]["fidelity_target"]),
            strength=None if free else row.get("strength", config["constraint"]["strength"]),
        )
    return table
