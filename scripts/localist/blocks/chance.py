"""The keys on which a query is measured, and the chance of hitting its own block (method.md, Fidelity; NumPy)."""

import numpy as np


def chance_table(blocks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Chance C of each query and whether it is counted, both [windows, T], from block ids [windows, T].

    Position 0 is the sink; -1 marks tokens without a block (sink, padding). V(i) holds the keys before i that have a
    block. A query is counted if V(i) has both own and foreign keys; chance is NaN if V(i) is empty.
    """
    has_block = blocks >= 0
    own = np.where(has_block, _earlier_in_same_block(blocks), 0)
    visible = np.cumsum(has_block, axis=1) - has_block
    counted = has_block & (own > 0) & (own < visible)
    with np.errstate(divide="ignore", invalid="ignore"):
        chance = np.where(has_block & (visible > 0), own / visible, np.nan)
    return chance, counted


def _earlier_in_same_block(blocks: np.ndarray) -> np.ndarray:
    """Number of earlier positions in the window that share the block; memory is linear in T, not quadratic."""
    windows, context = blocks.shape
    group = (np.arange(windows)[:, None] * (int(blocks.max(initial=0)) + 2) + blocks + 1).ravel()
    order = np.argsort(group, kind="stable")
    ordered = group[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    rank = np.arange(ordered.size) - np.repeat(starts, np.diff(starts, append=ordered.size))
    earlier = np.empty_like(rank)
    earlier[order] = rank
    return earlier.reshape(windows, context)
