"""Gradient accumulation: a step's windows in several parts whose sums equal those of the complete batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from localist.attention.ranks import mean_over_ranks
from localist.attention.visibility import key_groups, visible_blocks
from localist.training.next_token_loss import NOT_A_TARGET

# Values of a step as a whole; the other parts of a record are sums over its micro-batches.
OF_THE_STEP = ("weight", "excess")


def targets_of(labels: torch.Tensor) -> torch.Tensor:
    """Number of predicted tokens in a batch, a scalar. labels: long [batch, T]."""
    return (labels[:, 1:] != NOT_A_TARGET).sum()


def counted_queries(blocks: torch.Tensor, block_count: int) -> torch.Tensor:
    """Number of counted queries under plain causal attention, a scalar. blocks: long [batch, T], as in `key_groups`."""
    return visible_blocks(key_groups(blocks, block_count), None).counted.sum()


@dataclass(frozen=True)
class StepTotals:
    """Targets and counted queries of all micro-batches of a step, scalars, averaged over ranks.

    A mean over the step is the sum of the means over its micro-batches, each weighted by its share of the count.
    """

    targets: torch.Tensor
    counted: torch.Tensor

    @classmethod
    def of(cls, batches: Sequence[Mapping[str, torch.Tensor]], block_count: int, device: torch.device) -> StepTotals:
        """The totals of `batches`. block_count: as in `key_groups`, for batches with blocks."""
        targets = [targets_of(batch["labels"]) for batch in batches]
        counted = [counted_queries(batch["blocks"], block_count) for batch in batches if "blocks" in batch]
        return cls(*(mean_over_ranks(sum(counts, torch.tensor(0)).to(device)) for counts in (targets, counted)))

    def share_of_counted(self, blocks: torch.Tensor, block_count: int) -> torch.Tensor:
        """The share of the step's counted queries that are in a micro-batch, over all ranks; 0 if there are none."""
        return mean_over_ranks(counted_queries(blocks, block_count)) / (self.counted + (self.counted == 0))


@dataclass
class StepParts:
    """Records of a step's micro-batches so far: scalars by name, and fidelity by layer, if any."""

    parts: dict[str, torch.Tensor]
    fidelity: torch.Tensor | None

    def add(self, parts: Mapping[str, torch.Tensor], fidelity: torch.Tensor | None) -> None:
        """Add the records of another micro-batch."""
        sums = {name: self.parts[name] + value for name, value in parts.items() if name not in OF_THE_STEP}
        self.parts = {**parts, **sums}
        if self.fidelity is not None and fidelity is not None:
            self.fidelity = self.fidelity + fidelity
