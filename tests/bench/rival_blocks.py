"""Rivals of the default way to make blocks, each tried with several numbers of blocks.

Each takes the embeddings (float [sentences, dimensions]), the rows of each stretch and the span of each sentence, and
yields blocks (int [sentences]).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse import coo_array, csr_matrix, identity
from scipy.sparse.csgraph import laplacian
from scipy.sparse.linalg import eigsh
from sklearn.cluster import AgglomerativeClustering, KMeans, MiniBatchKMeans
from sklearn.neighbors import kneighbors_graph

from localist.blocks.centres import centres
from localist.blocks.embeddings import unit_length
from localist.blocks.spans import fitted_penalty, spans_of_stretches

NEIGHBOURS = 10
NEIGHBOUR_WEIGHT = 0.5
# Numbers of blocks, as fractions of the number of sentences.
SHARES = (0.04, 0.06, 0.08, 0.1, 0.13, 0.16, 0.2, 0.25)
# The eigensolver's time grows with the square of this number.
MOST_EIGENVECTORS = 400
SHORT_SPANS = (2, 12)


def undivided(vectors: np.ndarray, stretches: Sequence[slice], spans: np.ndarray) -> Iterator[np.ndarray]:
    """The spans themselves."""
    yield spans


def clustered_spans(vectors: np.ndarray, stretches: Sequence[slice], spans: np.ndarray) -> Iterator[np.ndarray]:
    """Short spans, joined by Ward's method on their means, wherever they are in the text."""
    penalty = fitted_penalty([vectors[rows] for rows in stretches], 60)
    for factor in (0.25, 0.5):
        short = spans_of_stretches(vectors, stretches, penalty * factor, SHORT_SPANS)
        tree = linkage(centres(vectors, short).astype(float), "ward")
        for share in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1):
            yield fcluster(tree, int(share * (short.max() + 1)), "maxclust")[short] - 1


def joined_parts(vectors: np.ndarray, stretches: Sequence[slice], spans: np.ndarray) -> Iterator[np.ndarray]:
    """Spans joined by Ward's method on their means, wherever they are in the text."""
    tree = linkage(centres(vectors, spans).astype(float), "ward")
    for share in (0.3, 0.5, 0.7, 0.9):
        yield fcluster(tree, max(int(share * (spans.max() + 1)), 1), "maxclust")[spans] - 1


def clustered_sentences(vectors: np.ndarray, stretches: Sequence[slice], spans: np.ndarray) -> Iterator[np.ndarray]:
    """k-means of all sentences, each averaged with its neighbours."""
    averaged = with_neighbours(vectors, stretches)
    for number in numbers(len(vectors)):
        yield KMeans(number, n_init=1, random_state=0).fit_predict(averaged)


def contiguous(vectors: np.ndarray, stretches: Sequence[slice], spans: np.ndarray) -> Iterator[np.ndarray]:
    """Ward's method, joining only neighbours in the text or in meaning."""
    averaged = with_neighbours(vectors, stretches)
    graph = neighbour_graph(averaged) + in_text(stretches, len(vectors))
    for number in numbers(len(vectors)):
        yield AgglomerativeClustering(number, linkage="ward", connectivity=graph).fit_predict(averaged)


def spectral(vectors: np.ndarray, stretches: Sequence[slice], spans: np.ndarray) -> Iterator[np.ndarray]:
    """Normalised spectral clustering of the sparse nearest-neighbour graph of all sentences."""
    averaged = with_neighbours(vectors, stretches)
    tried = [number for number in numbers(len(vectors)) if number <= MOST_EIGENVECTORS]
    matrix = 2 * identity(len(vectors)) - laplacian(neighbour_graph(averaged), normed=True)
    start = np.random.default_rng(0).normal(size=len(vectors))
    _, coordinates = eigsh(matrix, k=min(max(tried), len(vectors) - 1), which="LA", tol=1e-4, v0=start)
    for number in tried:
        rows = unit_length(coordinates[:, ::-1][:, :number])
        yield MiniBatchKMeans(number, n_init=1, random_state=0, batch_size=4096).fit_predict(rows)


Rival = Callable[[np.ndarray, Sequence[slice], np.ndarray], Iterator[np.ndarray]]
RIVALS: Mapping[str, Rival] = {
    "spans, undivided": undivided,
    "spans, joined by meaning": joined_parts,
    "short spans, clustered": clustered_spans,
    "sentences, k-means": clustered_sentences,
    "sentences, agglomerative": contiguous,
    "sentences, spectral": spectral,
}


def numbers(sentences: int) -> list[int]:
    return [max(int(share * sentences), 2) for share in SHARES]


def with_neighbours(vectors: np.ndarray, stretches: Sequence[slice]) -> np.ndarray:
    """Unit vectors: each embedding plus its two neighbours in the stretch, weighted by NEIGHBOUR_WEIGHT."""
    sums = np.array(vectors, dtype=np.float32)
    for rows in stretches:
        inside = vectors[rows]
        sums[rows][1:] += NEIGHBOUR_WEIGHT * inside[:-1]
        sums[rows][:-1] += NEIGHBOUR_WEIGHT * inside[1:]
    return unit_length(sums)


def neighbour_graph(vectors: np.ndarray) -> csr_matrix:
    """The symmetric graph of nearest neighbours by cosine."""
    graph = kneighbors_graph(vectors, min(NEIGHBOURS, len(vectors) - 1), metric="cosine")
    return (graph + graph.T) / 2


def in_text(stretches: Sequence[slice], count: int) -> coo_array:
    """The symmetric graph of neighbours in the text."""
    left = np.concatenate([np.arange(rows.start, rows.stop - 1) for rows in stretches])
    both = (np.concatenate([left, left + 1]), np.concatenate([left + 1, left]))
    return coo_array((np.ones(2 * len(left)), both), shape=(count, count))
