"""The arm table: what a named arm means, looked up in config."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

PRETRAINED = "pretrained"
PRETRAINED_SEED = 0
DISTRIBUTED = "distributed"
HINGE = "hinge"


@dataclass(frozen=True)
class Arm:
    """One row of the arm table; None where a row has no use for a value, as the distributed arm for a partition."""

    name: str
    schedule: str | None
    partition: str | None
    penalty: str | None
    fidelity_target: float | None
    strength: float | None

    def as_params(self) -> dict[str, Any]:
        """Plain data for a rule's params, so that a change of the row, and nothing else, reruns what depends on it."""
        return asdict(self)


def arm_table(config: Mapping[str, Any]) -> dict[str, Arm]:
    """The arms of a study in config order, defaults filled in from `constraint`; without the untuned model."""
    defaults = config["constraint"]
    table = {}
    for name, row in config["arms"].items():
        if row["schedule"] == DISTRIBUTED:
            table[name] = Arm(name, DISTRIBUTED, partition=None, penalty=None, fidelity_target=None, strength=None)
            continue
        penalty = row.get("penalty", defaults["penalty"])
        table[name] = Arm(
            name=name,
            schedule=row["schedule"],
            partition=row["partition"],
            penalty=penalty,
            fidelity_target=row.get("fidelity_target", defaults["fidelity_target"]) if penalty == HINGE else None,
            strength=row.get("strength", defaults["strength"][penalty]),
        )
    return table
