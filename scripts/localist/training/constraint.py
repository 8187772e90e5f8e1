"""The locality constraint that training adds to the cross-entropy (method.md, The constraint)."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from localist.attention.block_attention import attention_with_block_mass
from localist.attention.observed_attention import LayerInputs
from localist.attention.ranks import mean_over_ranks
from localist.attention.visibility import VisibleBlocks, key_groups, visible_blocks
from localist.plumbing.errors import UserError
from localist.study.arms import TARGET, WEIGHT

GROUP_SPARSITY_FLOOR = 1e-6


@dataclass(frozen=True)
class Constraint:
    """λ of each layer, the penalty, its fidelity target τ (the hinge alone has one), its weight α, and what λ scales.

    Without a layer with λ > 0 it is plain fine-tuning, and the rest means nothing.
    """

    locality: Sequence[float]
    penalty: str | None = None
    target: float | None = None
    weight: float | None = None
    applies_to: str | None = WEIGHT

    @property
    def layers(self) -> list[int]:
        """The layers that are constrained."""
        return [layer for layer, value in enumerate(self.locality) if value > 0]

    def layer_weight(self, layer: int) -> float:
        """What the penalty of a constrained layer is multiplied by, besides α."""
        return 1.0 if self.applies_to == TARGET else self.locality[layer]

    def target_of(self, layer: int) -> float | None:
        """τ of a constrained layer."""
        return self.locality[layer] * self.target if self.applies_to == TARGET else self.target


def hinge(mass: torch.Tensor, visible: VisibleBlocks, target: float) -> torch.Tensor:
    """max(0, C + τ (1 − C) − F) of each query and head, [batch, heads, T].

    mass: [batch, heads, T, blocks], the attention on the blocks of V(i), up to a factor for each query.
    """
    threshold = visible.chance + target * (1 - visible.chance)
    return (threshold[:, None] - fidelity(mass, visible)).clamp(min=0)


def group_sparsity(mass: torch.Tensor, visible: VisibleBlocks, target: float = 0.0) -> torch.Tensor:
    """Σ_{g≠b(i)} √(|g ∩ V(i)| / #V(i)) (√(m_g + ε) − √ε) of each query and head, [batch, heads, T].

    mass: as for `hinge`; m_g is the share of own and foreign attention that falls on foreign block g. It has no target.
    """
    share = mass / _total(mass)
    size = visible.counts / visible.counts.sum(-1, keepdim=True).clamp(min=1)
    foreign = torch.ones_like(size).scatter_(-1, visible.own[..., None], 0)
    floor = GROUP_SPARSITY_FLOOR
    return ((size.sqrt() * foreign)[:, None] * ((share + floor).sqrt() - floor**0.5)).sum(-1)


PENALTIES: Mapping[str, Callable[[torch.Tensor, VisibleBlocks, float], torch.Tensor]] = {
    "hinge": hinge,
    "group_sparsity": group_sparsity,
}


def fidelity(mass: torch.Tensor, visible: VisibleBlocks) -> torch.Tensor:
    """F of each query and head, [batch, heads, T]; 0 where V(i) is empty. mass: as for `hinge`."""
    own = visible.own[:, None, :, None].expand(-1, mass.shape[1], -1, 1)
    return (mass.gather(-1, own) / _total(mass))[..., 0]


def _total(mass: torch.Tensor) -> torch.Tensor:
    return mass.sum(-1, keepdim=True).clamp(min=torch.finfo(mass.dtype).tiny)


@dataclass
class LayerPenalty:
    """P_l, the share of counted queries and heads with a penalty above 0, and mean F; tensors of no dimension."""

    penalty: torch.Tensor
    active: torch.Tensor
    fidelity: torch.Tensor


def counted_mean(values: torch.Tensor, counted: torch.Tensor) -> torch.Tensor:
    """Mean over heads and counted queries of values [batch, heads, T]; 0 where nothing is counted.

    With several ranks, the mean over them of what they return is the mean over all of their queries.
    """
    count = mean_over_ranks(counted.sum()) * values.shape[1]
    return (values * counted[:, None]).sum() / (count + (count == 0)).to(values.dtype)


@dataclass
class ConstraintObserver:
    """Computes the constrained layers with their block mass, and adds the penalty to the loss of the same forward pass.

    blocks: long [batch, T], -1 on sink and padding; block_count: more than the largest id. `layers` holds what each
    constrained layer gave. The penalty's gradient enters the network where the layer's output leaves it, so that it is
    right under either kind of gradient checkpointing, where what a first forward pass leaves behind has no gradient.
    """

    constraint: Constraint
    blocks: torch.Tensor
    block_count: int
    layers: dict[int, LayerPenalty] = field(default_factory=dict)
    penalty_gradient: torch.Tensor | None = None

    def __post_init__(self):
        self.groups = key_groups(self.blocks, self.block_count)
        self._visible: list[tuple[torch.Tensor | None, VisibleBlocks]] = []

    def observe(self, layer: int, inputs: LayerInputs) -> torch.Tensor | None:
        """Compute a constrained layer; the others cost nothing."""
        if not self.constraint.locality[layer]:
            return None
        if inputs.query.shape[2] != self.blocks.shape[1]:
            raise UserError(
                f"Layer {layer} has {inputs.query.shape[2]} tokens, the blocks {self.blocks.shape[1]}: they are not of "
                "the same windows."
            )
        output, mass = attention_with_block_mass(
            inputs.query, inputs.key, inputs.value, self.groups, inputs.mask, inputs.scaling, inputs.dropout
        )
        visible, mass = self._visible_blocks(inputs.mask), mass[..., 1:]
        penalties = PENALTIES[self.constraint.penalty](mass, visible, self.constraint.target_of(layer))
        penalty = counted_mean(penalties, visible.counted)
        with torch.no_grad():
            self.layers[layer] = LayerPenalty(
                penalty.detach(),
                counted_mean((penalties > 0).float(), visible.counted),
                counted_mean(fidelity(mass, visible), visible.counted),
            )
        return _CarryPenalty.apply(output, penalty, self, self.constraint.layer_weight(layer))

    def add_to(self, loss: torch.Tensor, weight: float) -> torch.Tensor:
        """loss + weight · (1/L) Σ λ_l P_l, with the gradient of both; no λ_l where it scales the target instead."""
        return _AddPenalty.apply(loss, weight * self.penalty(), self, weight / len(self.constraint.locality))

    def penalty(self) -> torch.Tensor:
        """(1/L) Σ λ_l P_l, without gradient."""
        return self._weighted({layer: found.penalty for layer, found in self.layers.items()})

    def summary(self) -> dict[str, float | str]:
        """For a log, of all ranks: penalty, share of active penalties, and mean fidelity by layer as JSON."""
        layers = sorted(self.layers)
        found = (self.layers[layer] for layer in layers)
        of_all = mean_over_ranks(torch.stack([torch.stack([one.penalty, one.active, one.fidelity]) for one in found]))
        penalties, active, fidelities = of_all.unbind(dim=1)
        return {
            "penalty": self._weighted(dict(zip(layers, penalties, strict=True))).item(),
            "active_share": float(np.mean(active.tolist())),
            "fidelity": json.dumps(
                {str(layer): value for layer, value in zip(layers, fidelities.tolist(), strict=True)}
            ),
        }

    def _weighted(self, penalties: Mapping[int, torch.Tensor]) -> torch.Tensor:
        weighted = (self.constraint.layer_weight(layer) * penalty for layer, penalty in penalties.items())
        return sum(weighted) / len(self.constraint.locality)

    def _visible_blocks(self, mask: torch.Tensor | None) -> VisibleBlocks:
        """V(i) under this mask; layers share masks, so that each is counted once."""
        for known, visible in self._visible:
            if known is mask:
                return visible
        self._visible.append((mask, visible_blocks(self.groups, mask)))
        return self._visible[-1][1]


class _CarryPenalty(torch.autograd.Function):
    """Returns a layer's output; the backward pass also sends the penalty its gradient, as `_AddPenalty` left it."""

    @staticmethod
    def forward(ctx, output, penalty, observer, weight):
        ctx.observer, ctx.weight = observer, weight
        return output.view_as(output)

    @staticmethod
    def backward(ctx, output_gradient):
        return output_gradient, ctx.observer.penalty_gradient * ctx.weight, None, None


class _AddPenalty(torch.autograd.Function):
    """Adds the penalty to the loss; being behind the loss, its backward pass comes before that of any layer."""

    @staticmethod
    def forward(ctx, loss, penalty, observer, weight):
        ctx.observer, ctx.weight = observer, weight
        return loss + penalty

    @staticmethod
    def backward(ctx, loss_gradient):
        ctx.observer.penalty_gradient = loss_gradient * ctx.weight
        return loss_gradient, None, None, None


def ramp(step: int, warmup_steps: int) -> float:
    """The share of α in force at `step` (from 0): rises linearly over the warm-up, then 1."""
    return min(1.0, (step + 1) / (warmup_steps + 1))
