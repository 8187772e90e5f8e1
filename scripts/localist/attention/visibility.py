"""Which earlier keys a query sees, by the model's own mask: V(i) of method.md, Fidelity."""

from dataclasses import dataclass

import torch
from torch.nn.functional import one_hot

from localist.plumbing.errors import UserError
from localist.tokens.windows import NO_ID

# Rows of a mask that are held as numbers at a time.
ROWS = 256


def key_groups(blocks: torch.Tensor, block_count: int) -> torch.Tensor:
    """One-hot float32 [batch, T, 1 + block_count]: column 0 for keys without a block (the sink), then the blocks.

    blocks: long [batch, T], -1 for no block. Raises UserError for ids outside -1 … block_count - 1.
    """
    low, high = blocks.aminmax()
    if low < NO_ID or high >= block_count:
        wrong = int(low) if low < NO_ID else int(high)
        raise UserError(f"block id {wrong} is outside {NO_ID} (no block) to {block_count - 1}: the blocks are damaged.")
    return one_hot(blocks - NO_ID, block_count + 1).float()


def visible_keys(
    mask: torch.Tensor | None, batch: int, queries: slice, device: torch.device
) -> tuple[slice, torch.Tensor, torch.Tensor | None]:
    """The keys that any of these queries sees, and which query does not see which of the last of them.

    mask: bool [batch or 1, 1, T, T], True where a query sees a key; None for plain causal attention. Returns the keys,
    bool [queries, last keys] (True: not seen), and bool [queries] where a query sees nothing at all (None: nowhere).
    """
    count = queries.stop - queries.start
    if mask is None:
        return slice(0, queries.stop), torch.ones(count, count, dtype=torch.bool, device=device).triu(1), None
    seen = mask[batch if mask.shape[0] > 1 else 0, 0, queries]
    used = seen.any(dim=0).nonzero()
    first = min(int(used[0]), queries.start) if len(used) else queries.start
    last = max(int(used[-1]) + 1, queries.stop) if len(used) else queries.stop
    seen = seen[:, first:last]
    blind = ~seen.any(dim=1)
    return slice(first, last), ~seen, blind if blind.any() else None


@dataclass(frozen=True)
class VisibleBlocks:
    """What each query has in V(i). counts: float32 [batch, T, blocks]; the rest are [batch, T].

    chance: C, 0 where V(i) is empty; counted: V(i) holds own and foreign keys; own: the query's block, or 0.
    """

    counts: torch.Tensor
    chance: torch.Tensor
    counted: torch.Tensor
    own: torch.Tensor


def visible_blocks(groups: torch.Tensor, mask: torch.Tensor | None) -> VisibleBlocks:
    """Count the keys of V(i) by block. groups: as from `key_groups`; mask: as in `visible_keys`."""
    with torch.autocast(groups.device.type, enabled=False):  # counts above 256 are not whole in bf16
        counts = _earlier_keys(groups, mask)[..., 1:]
    blocks = groups[..., 1:]
    own_count = (counts * blocks).sum(-1)
    total = counts.sum(-1)
    has_block = blocks.any(-1)
    return VisibleBlocks(
        counts=counts,
        chance=torch.where(has_block, own_count / total.clamp(min=1), 0.0),
        counted=has_block & (own_count > 0) & (own_count < total),
        own=blocks.argmax(-1),
    )


def _earlier_keys(groups: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """float32 [batch, T, groups]: the keys before each query that it sees, by group."""
    if mask is None:
        return groups.cumsum(dim=1) - groups
    counts = torch.empty_like(groups)
    for start in range(0, groups.shape[1], ROWS):
        rows = mask[:, 0, start : start + ROWS].tril(start - 1).float()  # [batch or 1, rows, T]
        counts[:, start : start + ROWS] = rows @ groups
    return counts
