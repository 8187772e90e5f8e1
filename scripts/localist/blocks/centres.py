"""Centres of groups of sentences, nearest centres, and random samples of rows."""

import numpy as np
from scipy.sparse import csr_array

from localist.blocks.embeddings import ROWS_AT_ONCE, unit_length


def centres(vectors: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """float32 [groups, dimensions], of unit length: the direction of each group's mean, in the order of their numbers.

    Negative numbers mean no group. vectors: float [rows, dimensions]; groups: int [rows].
    """
    inside = groups >= 0
    _, numbers = np.unique(groups[inside], return_inverse=True)
    column = np.full(len(groups), -1)
    column[inside] = numbers
    sums = np.zeros((numbers.max() + 1, vectors.shape[1]))
    for start in range(0, len(vectors), ROWS_AT_ONCE):
        part = column[start : start + ROWS_AT_ONCE]
        rows = np.flatnonzero(part >= 0)
        members = csr_array((np.ones(len(rows)), (part[rows], rows)), shape=(len(sums), len(part)))
        sums += members @ vectors[start : start + ROWS_AT_ONCE]
    return unit_length(sums).astype(np.float32)


def nearest_centre(vectors: np.ndarray, group_centres: np.ndarray) -> np.ndarray:
    """int [rows]: the group whose centre is nearest by cosine."""
    parts = (vectors[start : start + ROWS_AT_ONCE] for start in range(0, len(vectors), ROWS_AT_ONCE))
    return np.concatenate([np.argmax(part @ group_centres.T, axis=1) for part in parts])


def sample_rows(count: int, most: int, seed: int) -> np.ndarray:
    """Sorted numbers of at most `most` out of `count` rows, drawn at random."""
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, most, replace=False))
