"""Checks blocks without labels: are they reproducible, and due to meaning rather than order? (method.md, Check)."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from sklearn.metrics import adjusted_rand_score

from localist.blocks.embeddings import unit_length
from localist.blocks.semantic import BlockSettings, divided, parts_of_spans
from localist.blocks.spans import fitted_penalty, spans_of_stretches

# Sentences used in the check, in complete stretches drawn at random.
MOST_SENTENCES = 6_000
# The share of the sentences on which blocks are computed again.
KEPT = 0.5
# Largest distance at which sentences are compared, and number of random shifts of the blocks.
REACH = 10
SHIFTS = 199


def block_check(
    vectors: np.ndarray,
    stretches: Sequence[slice],
    size: float,
    span_sizes: tuple[int, int],
    settings: BlockSettings,
    repeats: int,
    seed: int,
) -> dict[str, float | None]:
    """Check the blocks of these stretches. Returns returned, runs, same_block, other_block and p.

    vectors: float [sentences, dimensions]; size: sentences per block; span_sizes: fewest and most sentences of a span.
    returned: mean adjusted Rand index with blocks computed on random halves of the sentences. runs: the same index for
    runs of equal length, as many as there are blocks: the effect of order alone. same_block, other_block: mean cosine
    of sentences up to REACH apart, with blocks computed in every other dimension and cosines in the rest. p: of a
    difference at least this large for blocks shifted along the text. None if there is nothing to compare.
    """
    vectors, edges = sampled(vectors, stretches, seed)

    def found(rows: np.ndarray, share: float, dimensions: slice) -> np.ndarray:
        kept = [np.flatnonzero((rows >= start) & (rows < end)) for start, end in pairwise(edges)]
        parts = [slice(int(part[0]), int(part[-1]) + 1) for part in kept if len(part)]
        own = vectors[rows, dimensions]
        spans = spans_of_stretches(own, parts, fitted_penalty([own[part] for part in parts], span_sizes[1]), span_sizes)
        return divided(parts_of_spans(own, spans, settings), spans, size * share)

    everything = np.arange(len(vectors))
    blocks = found(everything, 1, slice(None))
    generator = np.random.default_rng(seed)
    returned = []
    for _ in range(repeats if len(np.unique(blocks)) > 1 else 0):
        rows = np.flatnonzero(generator.random(len(vectors)) < KEPT)
        if len(rows) > 1:
            returned.append(adjusted_rand_score(blocks[rows], found(rows, KEPT, slice(None))))
    close = closeness(vectors[:, 1::2], found(everything, 1, slice(0, None, 2)), edges, generator)
    return {
        "returned": float(np.mean(returned)) if returned else None,
        "runs": float(adjusted_rand_score(blocks, equal_runs(edges, len(np.unique(blocks))))) if returned else None,
        **close,
    }


def sampled(vectors: np.ndarray, stretches: Sequence[slice], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Complete stretches with at least MOST_SENTENCES sentences (or all), and where each stretch begins."""
    chosen, count = [], 0
    for place in np.random.default_rng(seed).permutation(len(stretches)):
        if count < MOST_SENTENCES:
            chosen.append(stretches[place])
            count += stretches[place].stop - stretches[place].start
    chosen = sorted(chosen, key=lambda rows: rows.start)
    lengths = [rows.stop - rows.start for rows in chosen]
    return np.concatenate([vectors[rows] for rows in chosen]), np.cumsum([0, *lengths])


def equal_runs(edges: np.ndarray, count: int) -> np.ndarray:
    """int [sentences]: runs of equal length inside each stretch, about `count` in total."""
    length = max(round(edges[-1] / count), 1)
    ids = np.concatenate([np.arange(end - start) // length for start, end in pairwise(edges)])
    return np.repeat(np.arange(len(edges) - 1), np.diff(edges)) * (edges[-1] + 1) + ids


def closeness(
    vectors: np.ndarray, blocks: np.ndarray, edges: np.ndarray, generator: np.random.Generator
) -> dict[str, float | None]:
    """Mean cosine of nearby sentences in the same block and in different blocks, and p (see `block_check`)."""
    unit = unit_length(np.asarray(vectors, dtype=float))
    stretch = np.repeat(np.arange(len(edges) - 1), np.diff(edges))
    pairs = [(step, stretch[step:] == stretch[:-step]) for step in range(1, min(REACH + 1, len(unit)))]
    left = np.concatenate([np.flatnonzero(near) for _, near in pairs]) if pairs else np.zeros(0, dtype=int)
    right = np.concatenate([np.flatnonzero(near) + step for step, near in pairs]) if pairs else left
    similarity = np.concatenate(
        [np.einsum("ij,ij->i", unit[:-step][near], unit[step:][near]) for step, near in pairs] or [np.zeros(0)]
    )

    def means(ids: np.ndarray) -> tuple[float, float]:
        same = ids[left] == ids[right]
        return (
            float(similarity[same].mean()) if same.any() else np.nan,
            float(similarity[~same].mean()) if not same.all() else np.nan,
        )

    same, other = means(blocks)
    if not np.isfinite(same - other):
        return {"same_block": None, "other_block": None, "p": None}
    reached = 0
    for _ in range(SHIFTS):
        moved = [np.roll(blocks[start:end], generator.integers(end - start)) for start, end in pairwise(edges)]
        one, another = means(np.concatenate(moved))
        reached += not one - another < same - other
    return {"same_block": same, "other_block": other, "p": (1 + reached) / (1 + SHIFTS)}
