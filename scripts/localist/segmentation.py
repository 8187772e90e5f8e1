"""Contiguous blocks: the text cut where its meaning changes (kernel change points; method.md, Partitions)."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from ruptures import KernelCPD

# Change-point detection takes time with the square of the length; longer stretches are cut in pieces of this length.
LONGEST_STRETCH = 4096
# The penalty is the smallest (to 1 %) at which text in random order breaks at fewer sentences than this share of them.
FALSE_BREAKS = 1 / 100
SMALLEST_PENALTY = 1e-3


def span_ends(vectors: np.ndarray, penalty: float, minimum: int, maximum: int) -> list[int]:
    """Where the spans of one stretch end, the last one with the stretch.

    vectors: float [sentences, dimensions]. Spans have at least `minimum` sentences where the stretch has as many, and
    at most `maximum` (at least twice as many); a longer one is cut at its best change point.
    """
    ends = []
    for start in range(0, len(vectors), LONGEST_STRETCH):
        piece = vectors[start : start + LONGEST_STRETCH]
        first = start
        for end in _breaks(piece, minimum, pen=penalty):
            ends += _bounded(vectors, first, start + end, minimum, maximum)
            first = start + end
    return ends


def fitted_penalty(stretches: Sequence[np.ndarray], minimum: int, seed: int) -> float:
    """The smallest penalty at which sentences without any order break rarely (FALSE_BREAKS).

    stretches: float [sentences, dimensions] each, of training text. Sentences are drawn from all of them, and put in
    random order: breaks that are found there are false ones. A higher penalty gives fewer.
    """
    generator = np.random.default_rng(seed)
    everything = np.concatenate(stretches)
    rows = generator.permutation(len(everything))[:LONGEST_STRETCH]
    disordered = everything[rows]
    low, high = 0.0, max(float(len(disordered)), 1.0)
    while high - low > max(0.01 * high, SMALLEST_PENALTY):
        middle = (low + high) / 2
        false_breaks = len(_breaks(disordered, minimum, pen=middle)) - 1
        low, high = (low, middle) if false_breaks < FALSE_BREAKS * len(disordered) else (middle, high)
    return high


def _breaks(vectors: np.ndarray, minimum: int, **how: float) -> list[int]:
    """Ends of the spans of a stretch; one span where it is too short for two."""
    if len(vectors) < 2 * minimum:
        return [len(vectors)]
    return KernelCPD(kernel="cosine", min_size=minimum).fit(np.asarray(vectors, dtype=float)).predict(**how)


def _bounded(vectors: np.ndarray, start: int, end: int, minimum: int, maximum: int) -> list[int]:
    """Ends of a span's parts, none longer than `maximum`."""
    if end - start <= maximum:
        return [end]
    middle = start + _breaks(vectors[start:end], minimum, n_bkps=1)[0]
    return [*_bounded(vectors, start, middle, minimum, maximum), *_bounded(vectors, middle, end, minimum, maximum)]


def stretch_starts(segments: pd.DataFrame) -> np.ndarray:
    """Numbers of the sentences at which a stretch of text starts: another document, or another split."""
    changes = (segments[["document", "split"]] != segments[["document", "split"]].shift()).any(axis=1)
    return np.flatnonzero(changes.to_numpy())
