"""Adapts α during training to keep perplexity within a budget of distributed's (method.md, The constraint)."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd
import torch

from localist.plumbing.errors import UserError
from localist.plumbing.files import read_json
from localist.training.settings import BudgetSettings, LoraSettings, Optimisation, ReferenceRun


class PerplexityBudget:
    """A run's α, step by step, from its cross-entropy and the reference's on the same batch.

    share: ε, by which perplexity may exceed the reference's; reference: cross-entropy of each of its steps, in nats;
    weight: the current α; excess: the moving average of the difference in cross-entropy, in nats. Both are float64
    scalars on the device of the cross-entropy, so that nothing waits for the device.
    """

    def __init__(self, share: float, settings: BudgetSettings, reference: Sequence[float]):
        self.allowed = math.log1p(share)
        self.settings = settings
        self.reference = reference
        self.rate = settings.rate / len(reference)
        # Perplexity grows roughly with α to the power 1.5.
        self.weight = self._bounded(_scalar(settings.weight * (100 * share) ** (2 / 3)))
        self.excess = _scalar(0.0)

    def adapt(self, step: int, cross_entropy: torch.Tensor) -> None:
        """Update the average with the cross-entropy of a step (from 0), then update α."""
        self.take_in(step, cross_entropy)
        self.change_weight()

    def take_in(self, step: int, cross_entropy: torch.Tensor) -> None:
        """Update the average with the cross-entropy of a step (from 0)."""
        kept = self.settings.smoothing
        self.excess = kept * self.excess + (1 - kept) * (cross_entropy.double() - self.reference[step])

    def change_weight(self) -> None:
        """Update α from the average: log α falls by η (D − log(1 + ε)) / log(1 + ε)."""
        # A jump in the loss must not derail α, which changes by at most a factor of e.
        change = (self.rate * (1 - self.excess / self.allowed)).clamp(-1, 1)
        self.weight = self._bounded(self.weight * change.exp())

    def _bounded(self, weight: torch.Tensor) -> torch.Tensor:
        return weight.clamp(self.settings.min_weight, self.settings.max_weight)

    def resume(self, last_step: Mapping[str, Any]) -> None:
        """Restore the state after a step from its row of the history."""
        self.weight, self.excess = _scalar(last_step["weight"]), _scalar(last_step["excess"])


def _scalar(value: float) -> torch.Tensor:
    return torch.tensor(value, dtype=torch.float64)


def reference_losses(
    reference: ReferenceRun, *, seed: int, steps: int, optimisation: Optimisation, lora: LoraSettings | None = None
) -> list[float]:
    """Cross-entropy by step of the distributed run, which must have seen the same batches.

    Raises UserError, naming the file, if it is missing or has another seed, length, optimiser or adapters.
    """
    remedy = "Delete the folder of that run and start again; it is then trained first."
    try:
        settings = read_json(reference.settings)
        losses = pd.read_csv(reference.history)["cross_entropy"].tolist()
    except (OSError, ValueError, KeyError) as error:
        raise UserError(
            f"A perplexity budget requires the distributed run with the same seed: {error}. {remedy}"
        ) from error
    adapters = asdict(lora) if lora else None
    wanted = {"seed": seed, "steps": steps, "optimisation": asdict(optimisation), "lora": adapters}
    for name, value in wanted.items():
        if settings.get(name) != value:
            raise UserError(
                f"{reference.settings}: the distributed run has {name} {settings.get(name)}, but this run has {value}, "
                f"so their losses cannot be compared step by step. {remedy}"
            )
    if len(losses) != steps:
        raise UserError(f"{reference.history} has {len(losses)} steps, but this run has {steps}. {remedy}")
    return losses
