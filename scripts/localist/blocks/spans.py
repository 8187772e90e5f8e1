"""Contiguous blocks: the text cut where its meaning changes (kernel change points; method.md, Partitions)."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from ruptures import KernelCPD
from sklearn.preprocessing import normalize

# Change-point detection takes time quadratic in the length; longer stretches are cut into pieces of this length.
LONGEST_STRETCH = 4096
# For text without variance: the penalty must be positive.
SMALLEST_PENALTY = 1e-3


def span_ends(vectors: np.ndarray, penalty: float, minimum: int, maximum: int) -> list[int]:
    """The ends of the spans of one stretch; the last is the end of the stretch.

    vectors: float [sentences, dimensions]. Spans have at least `minimum` sentences if the stretch does, and at most
    `maximum` (at least twice the minimum); longer ones are cut at their best change point.
    """
    ends = []
    for start in range(0, len(vectors), LONGEST_STRETCH):
        piece = vectors[start : start + LONGEST_STRETCH]
        first = start
        for end in _breaks(piece, minimum, pen=penalty):
            ends += _bounded(vectors, first, start + end, minimum, maximum)
            first = start + end
    return ends


def spans_of_stretches(
    vectors: np.ndarray, stretches: Sequence[slice], penalty: float, sizes: tuple[int, int]
) -> np.ndarray:
    """int [sentences]: the span of each sentence, numbered through the text.

    stretches: the rows of each, together all of `vectors`; sizes: fewest and most sentences of a span.
    """
    ends = [rows.start + end for rows in stretches for end in span_ends(vectors[rows], penalty, *sizes)]
    return np.searchsorted(ends, np.arange(len(vectors)), side="right")


def fitted_penalty(stretches: Sequence[np.ndarray], maximum: int) -> float:
    """Twice the variance of a sentence about the mean of its longest possible span (Mallows' C_p).

    stretches: float [sentences, dimensions] each, of training text. A cut without a change lowers the scatter by about
    one variance; changes inside the longest spans count as variance, which makes the rule stricter.
    """
    scatter, freedom = 0.0, 0
    for stretch in stretches:
        unit = np.asarray(normalize(np.asarray(stretch, dtype=float)))
        for start in range(0, len(unit), maximum):
            part = unit[start : start + maximum]
            scatter += float(np.square(part - part.mean(axis=0)).sum())
            freedom += len(part) - 1
    return max(2 * scatter / max(freedom, 1), SMALLEST_PENALTY)


def _breaks(vectors: np.ndarray, minimum: int, **how: float) -> list[int]:
    """Ends of the spans of a stretch; a single span if it is too short for two."""
    if len(vectors) < 2 * minimum:
        return [len(vectors)]
    detector = KernelCPD(kernel="cosine", min_size=minimum).fit(np.asarray(vectors, dtype=float))
    return list(detector.predict(**how) or ())


def _bounded(vectors: np.ndarray, start: int, end: int, minimum: int, maximum: int) -> list[int]:
    """Ends of a span's parts, none longer than `maximum`."""
    if end - start <= maximum:
        return [end]
    middle = start + _breaks(vectors[start:end], minimum, n_bkps=1)[0]
    return [*_bounded(vectors, start, middle, minimum, maximum), *_bounded(vectors, middle, end, minimum, maximum)]


def stretch_rows(sentences: pd.DataFrame) -> list[slice]:
    """The rows of each stretch of text: consecutive sentences of one document and one split."""
    changes = (sentences[["document", "split"]] != sentences[["document", "split"]].shift()).any(axis=1)
    starts = np.flatnonzero(changes.to_numpy())
    return [slice(int(start), int(end)) for start, end in zip(starts, [*starts[1:], len(sentences)], strict=True)]
