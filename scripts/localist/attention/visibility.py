"""The earlier keys that a query sees under the model's own mask: V(i) (method.md, Fidelity)."""

from dataclasses import dataclass

import torch

from localist.tokens.windows import NO_ID

# Rows of a mask that are converted to float at a time.
ROWS = 256


def key_groups(blocks: torch.Tensor, block_count: int) -> torch.Tensor:
    """One-hot float32 [batch, T, 1 + block_count]: column 0 for keys without a block (sink, padding), then the blocks.

    blocks: long [batch, T], -1 for no block, else below `block_count`.
    """
    return (blocks[..., None] == torch.arange(NO_ID, block_count, device=blocks.device)).float()


def visible_keys(
    mask: torch.Tensor | None, batch: int, queries: slice, device: torch.device
) -> tuple[slice, torch.Tensor, torch.Tensor | None]:
    """The keys that any query of the slice `queries` of window `batch` sees, and the pairs that are hidden.

    mask: bool [batch or 1, 1, T, T], True where a query sees a key; None for plain causal attention. Returns the slice
    of keys; bool [queries, last keys], True where a key is hidden (it covers only the last keys that need it); and bool
    [queries], True where a query sees no key, or None if every query sees one.
    """
    count = queries.stop - queries.start
    if mask is None:
        return slice(0, queries.stop), torch.ones(count, count, dtype=torch.bool, device=device).triu(1), None
    seen = mask[batch if mask.shape[0] > 1 else 0, 0, queries]  # [queries, T]
    used = seen.any(dim=0).nonzero()  # [used keys, 1]
    first = min(int(used[0]), queries.start) if len(used) else queries.start
    last = max(int(used[-1]) + 1, queries.stop) if len(used) else queries.stop
    seen = seen[:, first:last]  # [queries, keys]
    blind = ~seen.any(dim=1)  # [queries]
    return slice(first, last), ~seen, blind if blind.any() else None


@dataclass(frozen=True)
class VisibleBlocks:
    """The blocks of V(i) for each query i.

    counts: keys of V(i) in each block; chance: C, 0 where V(i) is empty; counted: whether V(i) holds both own and
    foreign keys; own: the query's block, 0 if it has none.
    """

    counts: torch.Tensor  # float32 [batch, T, blocks]
    chance: torch.Tensor  # float32 [batch, T]
    counted: torch.Tensor  # bool [batch, T]
    own: torch.Tensor  # long [batch, T]


def visible_blocks(groups: torch.Tensor, mask: torch.Tensor | None) -> VisibleBlocks:
    """Count the keys of V(i) by block. groups: as from `key_groups`; mask: as in `visible_keys`."""
    with torch.autocast(groups.device.type, enabled=False):  # counts above 256 are not whole in bf16
        counts = _earlier_keys(groups, mask)[..., 1:]  # [batch, T, blocks]
    blocks = groups[..., 1:]  # [batch, T, blocks]
    own_count = (counts * blocks).sum(-1)  # [batch, T]
    total = counts.sum(-1)  # [batch, T]
    has_block = blocks.any(-1)  # [batch, T]
    return VisibleBlocks(
        counts=counts,
        chance=torch.where(has_block, own_count / total.clamp(min=1), 0.0),
        counted=has_block & (own_count > 0) & (own_count < total),
        own=blocks.argmax(-1),
    )


def _earlier_keys(groups: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """float32 [batch, T, groups]: number of keys before each query that it sees, by group."""
    if mask is None:
        whole = groups.int()  # on a GPU, the order in which floats are summed varies
        return (whole.cumsum(dim=1, dtype=torch.int32) - whole).to(groups.dtype)
    counts = torch.empty_like(groups)
    for start in range(0, groups.shape[1], ROWS):
        rows = mask[:, 0, start : start + ROWS].tril(start - 1).float()  # [batch or 1, rows, T]
        counts[:, start : start + ROWS] = rows @ groups
    return counts
