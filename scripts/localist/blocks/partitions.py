"""Partitions: the block of every token in every window (method.md, Partitions)."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from localist.blocks.chance import chance_table
from localist.plumbing.errors import UserError
from localist.tokens.windows import NO_ID, Windows

logger = logging.getLogger(__name__)

# Largest accepted difference between the mean chance of fixed windows and of semantic blocks.
MAX_GAP = 0.02

SplitWindows = Mapping[str, Windows]
# By split: int32 [windows, T], the block of each token, NO_ID on sink and padding.
SplitBlocks = dict[str, np.ndarray]


@dataclass(frozen=True)
class Partition:
    """A way to assign a block to every token.

    made_from: the sentence blocks that it starts from, `semantic` or `spans`. make: maps the windows of each split, the
    table of these blocks (sentence, block, split) and a seed to the token blocks of each split and the entries of the
    partition's summary.
    """

    made_from: str
    make: Callable[[SplitWindows, pd.DataFrame, int], tuple[SplitBlocks, dict[str, Any]]]


def as_fitted(windows: SplitWindows, table: pd.DataFrame, seed: int) -> tuple[SplitBlocks, dict[str, Any]]:
    """Each token has the block of its sentence."""
    by_sentence = blocks_by_sentence(table)
    return {split: semantic_blocks(part, by_sentence) for split, part in windows.items()}, {}


def fixed(windows: SplitWindows, table: pd.DataFrame, seed: int) -> tuple[SplitBlocks, dict[str, Any]]:
    """Windows of a fixed width, chosen on each split so that mean chance equals that of the fitted blocks there."""
    fitted, _ = as_fitted(windows, table, seed)
    blocks, widths, gaps = {}, {}, {}
    for split, part in windows.items():
        target = mean_chance(fitted[split])
        widths[split] = matched_width(part, target)
        blocks[split] = fixed_blocks(part, widths[split])
        gaps[split] = abs(mean_chance(blocks[split]) - target)
        if not gaps[split] <= MAX_GAP:
            logger.warning(
                "No width matches the chance of semantic blocks on %s windows: the closest differs by %.3f.",
                *(split, gaps[split]),
            )
    return blocks, {"width_tokens": widths, "chance_gap": gaps}


def shifted(windows: SplitWindows, table: pd.DataFrame, seed: int) -> tuple[SplitBlocks, dict[str, Any]]:
    """The fitted blocks shifted out of place, with the same runs and sizes."""
    fitted, _ = as_fitted(windows, table, seed)
    return {split: shifted_blocks(windows[split], ids) for split, ids in fitted.items()}, {}


def shuffled(windows: SplitWindows, table: pd.DataFrame, seed: int) -> tuple[SplitBlocks, dict[str, Any]]:
    """The fitted blocks permuted over the sentences of each split."""
    return as_fitted(windows, shuffled_sentences(table, seed), seed)


PARTITIONS: Mapping[str, Partition] = {
    "semantic": Partition("semantic", as_fitted),
    "spans": Partition("spans", as_fitted),
    "fixed": Partition("semantic", fixed),
    "shifted": Partition("semantic", shifted),
    "shuffled": Partition("semantic", shuffled),
}


def semantic_blocks(windows: Windows, block_of_sentence: np.ndarray) -> np.ndarray:
    """int32 [windows, T]: the block of each token's sentence; -1 on sink and padding."""
    return np.where(windows.is_text, block_of_sentence[windows.sentence_ids], NO_ID).astype(np.int32)


def fixed_blocks(windows: Windows, width: int) -> np.ndarray:
    """int32 [windows, T]: runs of `width` tokens, counted from the start of each stretch."""
    blocks = np.full(windows.sentence_ids.shape, NO_ID, dtype=np.int32)
    is_text = windows.is_text
    for rows in _stretches(windows):
        inside = is_text[rows]
        part = blocks[rows]
        part[inside] = np.arange(inside.sum()) // width
        blocks[rows] = part
    return blocks


def shifted_blocks(windows: Windows, blocks: np.ndarray) -> np.ndarray:
    """int32 [windows, T]: `blocks` moved along each stretch by half its length, circularly."""
    shifted = np.full_like(blocks, NO_ID)
    is_text = windows.is_text
    for rows in _stretches(windows):
        inside = is_text[rows]
        part = shifted[rows]
        part[inside] = np.roll(blocks[rows][inside], inside.sum() // 2)
        shifted[rows] = part
    return shifted


def shuffled_sentences(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The table (sentence, block, split) with the blocks permuted over the sentences of each split."""
    generator = np.random.default_rng(seed)
    shuffled = table.copy()
    for split in sorted(table["split"].unique()):
        rows = (table["split"] == split).to_numpy()
        shuffled.loc[rows, "block"] = generator.permutation(table.loc[rows, "block"].to_numpy())
    return shuffled


def mean_chance(blocks: np.ndarray) -> float:
    """Mean chance C of `blocks` ([windows, T]) over the queries that see a key with a block, whether counted or not.

    Windows with a single block (C = 1) are included, so that the mean increases with the width of fixed blocks and can
    be matched. NaN if no query sees such a key.
    """
    chance, _ = chance_table(blocks)
    return float(np.nanmean(chance)) if np.isfinite(chance).any() else float("nan")


def matched_width(windows: Windows, target: float) -> int:
    """The width at which the mean chance of fixed blocks is closest to `target` on these windows."""

    def distance(width: int) -> float:
        return abs(mean_chance(fixed_blocks(windows, width)) - target)

    context = windows.sentence_ids.shape[1]
    coarse = np.unique(np.geomspace(2, context - 1, num=min(48, context)).astype(int))
    best = min(range(len(coarse)), key=lambda place: distance(coarse[place]))
    low, high = coarse[max(best - 1, 0)], coarse[min(best + 1, len(coarse) - 1)]
    return int(min(range(low, high + 1), key=distance))


def block_statistics(blocks: np.ndarray) -> dict[str, float | None]:
    """A partition's summary on one split: chance, share of tokens that are counted queries, blocks per window.

    mean_chance_counted is None if no query is counted.
    """
    chance, counted = chance_table(blocks)
    per_window = [len(np.unique(row[row != NO_ID])) for row in blocks]
    return {
        "mean_chance": mean_chance(blocks),
        "mean_chance_counted": float(chance[counted].mean()) if counted.any() else None,
        "counted_share": float(counted.sum() / max((blocks != NO_ID).sum(), 1)),
        "median_blocks_per_window": float(np.median(per_window)),
    }


def run_lengths(blocks: np.ndarray) -> np.ndarray:
    """int [runs]: the tokens of each maximal run of one block in `blocks` ([windows, T]), in reading order.

    A run ends with its window; sink and padding (-1) end a run and do not form runs.
    """
    begins = np.ones(blocks.shape, dtype=bool)
    begins[:, 1:] = blocks[:, 1:] != blocks[:, :-1]
    places = np.flatnonzero(begins)
    return np.diff(places, append=blocks.size)[blocks.ravel()[places] >= 0]


def blocks_by_sentence(table: pd.DataFrame) -> np.ndarray:
    """int32 [sentences]: the block of each sentence, from the table (sentence, block)."""
    ordered = table.sort_values("sentence")
    if not np.array_equal(ordered["sentence"], np.arange(len(ordered))):
        raise UserError("sentence_blocks.parquet does not list every sentence exactly once: delete it and run again.")
    return ordered["block"].to_numpy(dtype=np.int32)


def _stretches(windows: Windows) -> list[np.ndarray]:
    """Row numbers of the windows of each stretch, in order."""
    order = np.arange(len(windows.stretch_ids))
    return [order[windows.stretch_ids == stretch] for stretch in np.unique(windows.stretch_ids)]
