"""The locality constraint that training adds to the cross-entropy (method.md, The constraint)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch

from localist.attention.block_attention import attention_with_block_mass
from localist.attention.observed_attention import ByMask, LayerInputs
from localist.attention.ranks import mean_over_ranks
from localist.attention.visibility import VisibleBlocks, key_groups, visible_blocks
from localist.plumbing.errors import UserError
from localist.study.arms import TARGET, WEIGHT

GROUP_SPARSITY_FLOOR = 1e-6


@dataclass(frozen=True)
class Constraint:
    """λ of each layer, the penalty, its fidelity target τ (hinge only), its weight α, and what λ scales.

    weight: None where a perplexity budget adapts it; query_key_rate: learning rate of the query and key projections of
    constrained layers, as a multiple of that of all other weights. If every λ is 0, training is plain fine-tuning and
    the other values are unused (None).
    """

    locality: Sequence[float]
    penalty: str | None = None
    target: float | None = None
    weight: float | None = None
    applies_to: str | None = WEIGHT
    query_key_rate: float = 1.0

    @property
    def layers(self) -> list[int]:
        """Indices of the constrained layers."""
        return [layer for layer, value in enumerate(self.locality) if value > 0]

    def layer_weight(self, layer: int) -> float:
        """The factor of a constrained layer's penalty, besides α."""
        return 1.0 if self.applies_to == TARGET else self.locality[layer]

    def target_of(self, layer: int) -> float:
        """τ of a constrained layer; 0 for a penalty without a target."""
        target = self.target or 0.0
        return self.locality[layer] * target if self.applies_to == TARGET else target


def hinge(mass: torch.Tensor, visible: VisibleBlocks, target: float) -> torch.Tensor:
    """max(0, C + τ (1 − C) − F) of each query and head, [batch, heads, T].

    mass: [batch, heads, T, blocks], the attention on the blocks of V(i), up to a factor for each query.
    """
    threshold = visible.chance + target * (1 - visible.chance)  # [batch, T]
    return (threshold[:, None] - fidelity(mass, visible)).clamp(min=0)


def group_sparsity(mass: torch.Tensor, visible: VisibleBlocks, target: float = 0.0) -> torch.Tensor:
    """Σ_{g≠b(i)} √(|g ∩ V(i)| / #V(i)) (√(m_g + ε) − √ε) of each query and head, [batch, heads, T].

    mass: as for `hinge`; m_g is the share of own and foreign attention that falls on foreign block g; target: unused.
    """
    share = mass / _total(mass)  # [batch, heads, T, blocks]
    size = visible.counts / visible.counts.sum(-1, keepdim=True).clamp(min=1)  # [batch, T, blocks]
    foreign = torch.ones_like(size).scatter_(-1, visible.own[..., None], 0)  # [batch, T, blocks]
    floor = GROUP_SPARSITY_FLOOR
    return ((size.sqrt() * foreign)[:, None] * ((share + floor).sqrt() - floor**0.5)).sum(-1)


PENALTIES: Mapping[str, Callable[[torch.Tensor, VisibleBlocks, float], torch.Tensor]] = {
    "hinge": hinge,
    "group_sparsity": group_sparsity,
}


def fidelity(mass: torch.Tensor, visible: VisibleBlocks) -> torch.Tensor:
    """F of each query and head, [batch, heads, T]; 0 where V(i) is empty. mass: as for `hinge`."""
    own = visible.own[:, None, :, None].expand(-1, mass.shape[1], -1, 1)  # [batch, heads, T, 1]
    return (mass.gather(-1, own) / _total(mass))[..., 0]


def _total(mass: torch.Tensor) -> torch.Tensor:
    """Sum over blocks, [batch, heads, T, 1], at least the smallest normal number."""
    return mass.sum(-1, keepdim=True).clamp(min=torch.finfo(mass.dtype).tiny)


@dataclass(frozen=True)
class LayerPenalty:
    """Scalars of one layer: P_l, with gradient; the share of its queries and heads with a penalty above 0; mean F."""

    penalty: torch.Tensor
    active: torch.Tensor
    fidelity: torch.Tensor


def counted_mean(values: torch.Tensor, counted: torch.Tensor) -> torch.Tensor:
    """Mean over heads and counted queries, a scalar; 0 if none are counted.

    values: [batch, heads, T]; counted: bool [batch, T]. With several ranks, the mean of the ranks' results is the mean
    over all queries.
    """
    count = mean_over_ranks(counted.sum()) * values.shape[1]
    return (values * counted[:, None]).sum() / (count + (count == 0)).to(values.dtype)


@dataclass(frozen=True)
class ConstraintSummary:
    """penalty: (1/L) Σ λ_l P_l; active_share: of the penalties; fidelity: mean F, [constrained layers]."""

    penalty: torch.Tensor
    active_share: torch.Tensor
    fidelity: torch.Tensor


@dataclass
class ConstraintObserver:
    """Computes the constrained layers with their block mass, and adds their penalties to the loss of the forward pass.

    blocks: long [batch, T], -1 on sink and padding; block_count: more than the largest id. `layers` holds the penalty
    of each constrained layer once the forward pass is done. Not for reentrant gradient checkpointing, whose first
    forward pass builds no graph: the penalties would have no gradient.
    """

    constraint: Constraint
    blocks: torch.Tensor
    block_count: int
    layers: dict[int, LayerPenalty] = field(default_factory=dict)

    def __post_init__(self):
        self.groups = key_groups(self.blocks, self.block_count)  # [batch, T, 1 + blocks]
        self._visible = ByMask(lambda inputs: visible_blocks(self.groups, inputs.mask))

    def observe(self, layer: int, inputs: LayerInputs) -> torch.Tensor | None:
        """The output of a constrained layer; None, at no cost, for others. Raises UserError if T differs."""
        if not self.constraint.locality[layer]:
            return None
        assert self.constraint.penalty is not None  # set wherever a layer is constrained
        if inputs.query.shape[2] != self.blocks.shape[1]:
            raise UserError(
                f"Layer {layer} has {inputs.query.shape[2]} tokens, the blocks {self.blocks.shape[1]}: they belong to "
                "different windows."
            )
        # [batch, heads, T, value width], [batch, heads, T, 1 + blocks]
        output, mass = attention_with_block_mass(
            inputs.query, inputs.key, inputs.value, self.groups, inputs.mask, inputs.scaling, inputs.dropout
        )
        visible, mass = self._visible.of(inputs), mass[..., 1:]  # [batch, heads, T, blocks]
        # [batch, heads, T]
        penalties = PENALTIES[self.constraint.penalty](mass, visible, self.constraint.target_of(layer))
        penalty = counted_mean(penalties, visible.counted)  # scalar
        with torch.no_grad():
            active = counted_mean((penalties > 0).float(), visible.counted)
            mean_fidelity = counted_mean(fidelity(mass, visible), visible.counted)
        # Only the first forward pass is recorded; gradient checkpointing computes the layer again for its gradient.
        self.layers.setdefault(layer, LayerPenalty(penalty, active, mean_fidelity))
        return output

    def add_to(self, loss: torch.Tensor, weight: torch.Tensor | float) -> torch.Tensor:
        """loss + weight · (1/L) Σ λ_l P_l, with its gradient; without λ_l where λ scales the target instead."""
        penalties = {layer: one.penalty for layer, one in self.layers.items()}
        return loss + self._weighted_sum(penalties) * torch.as_tensor(
            weight / len(self.constraint.locality), dtype=loss.dtype
        )

    def summary(self) -> ConstraintSummary:
        """The values to log, over all ranks."""
        layers = sorted(self.layers)
        rows = [(one.penalty.detach(), one.active, one.fidelity) for one in (self.layers[layer] for layer in layers)]
        over_ranks = mean_over_ranks(torch.stack([torch.stack(row) for row in rows]))  # [layers, 3]
        penalties, active, fidelities = over_ranks.unbind(dim=1)  # [layers] each
        weighted = self._weighted_sum(dict(zip(layers, penalties, strict=True)))
        return ConstraintSummary(weighted / len(self.constraint.locality), active.double().mean(), fidelities)

    def _weighted_sum(self, penalties: Mapping[int, torch.Tensor]) -> torch.Tensor:
        """Σ λ_l P_l, a scalar; 0 without a constrained layer."""
        weighted = (self.constraint.layer_weight(layer) * penalty for layer, penalty in penalties.items())
        return sum(weighted, self.groups.new_zeros(()))


def ramp(step: int, warmup_steps: int) -> float:
    """The share of α in force at `step` (from 0): rises linearly over the warm-up, then 1."""
    return min(1.0, (step + 1) / (warmup_steps + 1))
