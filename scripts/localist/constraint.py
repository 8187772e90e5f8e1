"""The locality constraint that training adds to the cross-entropy (method.md, The constraint)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from localist.fidelity import chance_table


@dataclass(frozen=True)
class ConstraintTerms:
    """penalty: (1/L) Σ λ_l P_l, with gradient. active: share of hinges above zero. fidelity: mean F of each layer."""

    penalty: torch.Tensor
    active: float
    fidelity: dict[int, float]


def hinge_penalty(
    fidelity: torch.Tensor, chance: torch.Tensor, counted: torch.Tensor, target: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """P_l = mean over heads and counted queries of max(0, C + τ (1 − C) − F), and the share of these that is positive.

    fidelity: [batch, heads, T]; chance, counted: [batch, T]; target: τ. Both results are 0 where nothing is counted.
    """
    shortfall = (chance + target * (1 - chance))[:, None, :] - fidelity
    hinges = shortfall.clamp(min=0) * counted[:, None, :]
    count = (counted.sum() * fidelity.shape[1]).clamp(min=1)
    return hinges.sum() / count, (hinges > 0).sum() / count


def constraint_terms(
    fidelity: Mapping[int, torch.Tensor],
    chance: torch.Tensor,
    counted: torch.Tensor,
    locality: Sequence[float],
    target: float,
) -> ConstraintTerms:
    """Sum the hinge penalty over the layers in `fidelity`, weighted by λ (`locality`, one value per layer)."""
    total = chance.new_zeros(())
    active = []
    means = {}
    count = (counted.sum()).clamp(min=1)
    for layer, values in fidelity.items():
        penalty, share = hinge_penalty(values, chance, counted, target)
        total = total + locality[layer] * penalty
        active.append(float(share))
        means[layer] = float((values.detach().mean(dim=1) * counted).sum() / count)
    return ConstraintTerms(total / len(locality), float(np.mean(active)), means)


def ramp(step: int, warmup_steps: int) -> float:
    """The share of α in force at `step` (from 0): rises linearly over the warm-up, then 1."""
    return min(1.0, (step + 1) / (warmup_steps + 1))


def window_blocks_for_training(blocks: np.ndarray) -> dict[str, np.ndarray]:
    """What the constraint needs of each window: blocks renumbered from 0 within it, chance (0 if undefined), counted.

    blocks: int [windows, T]. All three arrays have that shape. Renumbering keeps the one-hot values narrow.
    """
    renumbered = np.full(blocks.shape, -1, dtype=np.int64)
    for row, window in enumerate(blocks):
        inside = window >= 0
        renumbered[row, inside] = np.unique(window[inside], return_inverse=True)[1]
    chance, counted = chance_table(blocks)
    return {"blocks": renumbered, "chance": np.nan_to_num(chance).astype(np.float32), "counted": counted}
