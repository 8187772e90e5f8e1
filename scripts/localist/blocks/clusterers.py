"""The clusterers behind semantic blocks: fitted once, then asked for any number of clusters.

What needs all pairs of sentences is fitted on a sample of them that the others join by the nearest centre.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.linalg import eigh, qr, svd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import laplacian
from scipy.spatial.distance import pdist
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.neighbors import kneighbors_graph

from localist.blocks.embeddings import ROWS_AT_ONCE, unit_length

# Most sentences for what grows with their square, and for plain k-means (mini-batches beyond).
PAIRS_SAMPLE = 6_000
KMEANS_SAMPLE = 50_000
NEIGHBOURS = 10

Clustering = Callable[[int], np.ndarray]


def fitted_clusterer(clusterer: str, vectors: np.ndarray, largest: int, restarts: int, seed: int) -> Clustering:
    """A function from a number of clusters, at most `largest`, to the cluster of each sentence (int [sentences]).

    vectors: float32 [sentences, dimensions], of unit length. restarts: of k-means alone.
    """
    if clusterer == "kmeans":
        kind: Any = KMeans if len(vectors) <= KMEANS_SAMPLE else MiniBatchKMeans
        return lambda number: kind(number, n_init=restarts, random_state=seed).fit_predict(vectors)
    rows = sample_rows(len(vectors), PAIRS_SAMPLE, seed)
    sample = np.asarray(vectors[rows])
    fitted = agglomerative(sample) if clusterer == "agglomerative" else spectral(sample, largest)
    if len(rows) == len(vectors):
        return fitted
    return lambda number: nearest_block(vectors, centres(sample, fitted(number)))


def agglomerative(vectors: np.ndarray) -> Clustering:
    """Average linkage by cosine distance, which for unit vectors is half of the squared Euclidean one.

    The tree is that of scikit-learn, whose average linkage is SciPy's too; here it is built once for all numbers.
    """
    tree = linkage(pdist(vectors, "sqeuclidean"), "average")
    return lambda number: fcluster(tree, number, "maxclust")


def spectral(vectors: np.ndarray, largest: int) -> Clustering:
    """Normalised spectral clustering of the graph of nearest neighbours, cut by pivoted QR.

    The cut is that of Damle, Minden and Ying (Information and Inference 8, 2019): it starts nowhere at random, and
    takes a fraction of the time that k-means takes on many coordinates.
    """
    _, coordinates = spectral_coordinates(vectors, largest)

    def cut(number: int) -> np.ndarray:
        rows = coordinates[:, :number]
        pivots = qr(rows.T, mode="economic", pivoting=True)[-1]
        left, _, right = svd(rows[pivots[:number]].T)
        return np.abs(rows @ (left @ right)).argmax(axis=1)

    return cut


def spectral_coordinates(vectors: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray]:
    """The `number` smallest eigenvalues (rising) of the normalised Laplacian, and their vectors [sentences, number].

    Its graph joins each sentence to its nearest NEIGHBOURS by cosine. Fewer come back where there are fewer sentences.
    The dense solver is taken since iterative ones miss some of the equal eigenvalues of a graph in several parts.
    """
    if len(vectors) == 1:
        return np.zeros(1), np.ones((1, 1))
    neighbours = kneighbors_graph(vectors, min(NEIGHBOURS, len(vectors) - 1), metric="cosine")
    matrix = laplacian((neighbours + neighbours.T).toarray() / 2, normed=True, copy=False)
    return eigh(matrix, subset_by_index=(0, min(number, len(vectors)) - 1), overwrite_a=True, check_finite=False)


def centres(vectors: np.ndarray, blocks: np.ndarray) -> np.ndarray:
    """float32 [blocks, dimensions], of unit length: the direction of each block's mean."""
    _, blocks = np.unique(blocks, return_inverse=True)
    sums = np.zeros((blocks.max() + 1, vectors.shape[1]))
    for start in range(0, len(vectors), ROWS_AT_ONCE):
        part = blocks[start : start + ROWS_AT_ONCE]
        members = csr_array((np.ones(len(part)), (part, np.arange(len(part)))), shape=(len(sums), len(part)))
        sums += members @ vectors[start : start + ROWS_AT_ONCE]
    return unit_length(sums).astype(np.float32)


def nearest_block(vectors: np.ndarray, block_centres: np.ndarray) -> np.ndarray:
    """int [sentences]: the block whose centre is nearest by cosine."""
    parts = (vectors[start : start + ROWS_AT_ONCE] for start in range(0, len(vectors), ROWS_AT_ONCE))
    return np.concatenate([np.argmax(part @ block_centres.T, axis=1) for part in parts])


def sample_rows(count: int, most: int, seed: int) -> np.ndarray:
    """Sorted numbers of at most `most` of `count` rows, drawn at random."""
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, most, replace=False))
