"""Records of every training step, kept on the device until they are fetched.

Reading them at every step would make every step wait for the GPU.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

# On a CPU, waiting costs nothing. On a GPU, this is how often the progress bar moves and the loss is checked.
STEPS_BETWEEN_FETCHES: Mapping[str, int] = {"cpu": 1, "cuda": 20}


@dataclass
class StepRecords:
    """Records of the steps since the last fetch.

    layers: the constrained layers, whose fidelity is recorded; interval: steps from one fetch to the next.
    """

    layers: list[int]
    interval: int
    _pending: list[tuple[dict[str, Any], list[str], torch.Tensor]] = field(default_factory=list)

    def add(
        self, step: int, learning_rate: float, parts: Mapping[str, torch.Tensor], fidelity: torch.Tensor | None
    ) -> None:
        """Record a step (from 1). parts: scalars by name; fidelity: mean F by constrained layer, [layers], or None."""
        values = [part.detach().double().reshape(1) for part in parts.values()]
        if fidelity is not None:
            values.append(fidelity.detach().double())
        known = {"step": step, "learning_rate": learning_rate}
        self._pending.append((known, list(parts), torch.cat(values)))

    def is_due(self, step: int) -> bool:
        """Whether to fetch after this step (from 1)."""
        return step % self.interval == 0

    def fetch(self) -> list[dict[str, Any]]:
        """One row per step that was added since the last fetch: its parts as numbers, fidelity as JSON by layer."""
        pending, self._pending = self._pending, []
        if not pending:
            return []
        fetched = torch.stack([values for _, _, values in pending]).tolist()
        rows = []
        for (known, names, _), values in zip(pending, fetched, strict=True):
            row = known | dict(zip(names, values[: len(names)], strict=True))
            row["targets"] = round(row["targets"])
            if len(values) > len(names):
                by_layer = dict(zip(map(str, self.layers), values[len(names) :], strict=True))
                row["fidelity"] = json.dumps(by_layer)
            rows.append(row)
        return rows


def first_not_finite_row(rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The first row whose loss is not finite, if any."""
    return next((row for row in rows if not math.isfinite(row["loss"])), None)
