"""Gradient accumulation: a step's windows in several parts, whose sums are those of the whole batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from localist.attention.ranks import mean_over_ranks
from localist.attention.visibility import key_groups, visible_blocks
from localist.training.next_token_loss import NOT_A_TARGET

# What holds for a step as a whole; the other parts of a record are sums over its micro-batches.
OF_THE_STEP = ("weight", "excess")


def targets_of(labels: torch.Tensor) -> torch.Tensor:
    """Tokens that are predicted in a batch, a scalar. labels: long [batch, T]."""
    return (labels[:, 1:] != NOT_A_TARGET).sum()


def counted_queries(blocks: torch.Tensor, block_count: int) -> torch.Tensor:
    """Queries that count under plain causal attention, a scalar. blocks: long [batch, T], as in `key_groups`."""
    return visible_blocks(key_groups(blocks, block_count), None).counted.sum()


@dataclass(frozen=True)
class StepTotals:
    """Targets and counted queries of all micro-batches of a step, scalars, in the mean over ranks.

    A mean over the step is the sum of the means over its micro-batches, each times its share of what is counted.
    """

    targets: torch.Tensor
    counted: torch.Tensor

    @classmethod
    def of(cls, batches: Sequence[Mapping[str, torch.Tensor]], block_count: int, device: torch.device) -> StepTotals:
        """block_count: as in `key_groups`, for batches with blocks."""
        targets = [targets_of(batch["labels"]) for batch in batches]
        counted = [counted_queries(batch["blocks"], block_count) for batch in batches if "blocks" in batch]
        return cls(*(mean_over_ranks(sum(counts, torch.tensor(0)).to(device)) for counts in (targets, counted)))

    def share_of_counted(self, blocks: torch.Tensor, block_count: int) -> torch.Tensor:
        """The counted queries of a micro-batch, of all ranks, as a share; 0 where none counts in the step."""
        return mean_over_ranks(counted_queries(blocks, block_count)) / (self.counted + (self.counted == 0))


@dataclass
class StepParts:
    """What the micro-batches of a step have recorded so far: scalars by name, and fidelity by layer, if any."""

    parts: dict[str, torch.Tensor]
    fidelity: torch.Tensor | None

    def add(self, parts: Mapping[str, torch.Tensor], fidelity: torch.Tensor | None) -> None:
        """Add those of one more."""
        sums = {name: self.parts[name] + value for name, value in parts.items() if name not in OF_THE_STEP}
        self.parts = {**parts, **sums}
        if self.fidelity is not None and fidelity is not None:
            self.fidelity = self.fidelity + fidelity
