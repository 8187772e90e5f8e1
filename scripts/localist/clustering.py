"""Semantic blocks: sentence embeddings clustered, with the number of blocks chosen by the data (method.md, Partitions).

Everything is fitted on training sentences. What needs a matrix of all pairs is fitted on a sample of them, and the
others join the nearest block.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.sparse import csr_array, identity
from scipy.sparse.csgraph import laplacian
from scipy.sparse.linalg import eigsh
from sklearn.cluster import AgglomerativeClustering, KMeans, MiniBatchKMeans, SpectralClustering
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score, silhouette_score
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import kneighbors_graph
from tqdm import tqdm

from localist.embeddings import ROWS_AT_ONCE, unit_length
from localist.errors import UserError

# Most sentences for what grows with their square, and for plain k-means (mini-batches beyond).
PAIRS_SAMPLE = 10_000
KMEANS_SAMPLE = 50_000
MIXTURE_DIMENSIONS = 16
NEIGHBOURS = 10


@dataclass(frozen=True)
class BlockSettings:
    """How blocks are found; sizes count training sentences, `maximum_size` None is no bound."""

    clusterer: str
    criterion: str
    minimum_blocks: int
    maximum_blocks: int
    candidates: int
    minimum_size: int
    maximum_size: int | None
    restarts: int
    seed: int

    @property
    def numbers(self) -> list[int]:
        """The numbers of blocks that are tried: all of them where they are few enough, else evenly on a log scale."""
        if self.maximum_blocks - self.minimum_blocks < self.candidates:
            return list(range(self.minimum_blocks, self.maximum_blocks + 1))
        spaced = np.geomspace(self.minimum_blocks, self.maximum_blocks, self.candidates)
        return sorted({int(number) for number in spaced.round()})


def choose_blocks(vectors: np.ndarray, settings: BlockSettings) -> tuple[np.ndarray, pd.DataFrame]:
    """Blocks of the training sentences, with their number chosen by the criterion and their sizes bounded.

    vectors: float32 [sentences, dimensions], of unit length. Returns int [sentences] and the selection curve (blocks,
    score, chosen; the largest score is best). One block, and a curve of one row, where no two sentences differ.
    Raises UserError where fewer distinct sentences than blocks are there.
    """
    distinct = _distinct(vectors, settings.maximum_blocks + 1)
    if distinct == 1:
        return np.zeros(len(vectors), dtype=int), pd.DataFrame({"blocks": [1], "score": [np.nan], "chosen": [True]})
    possible = [number for number in settings.numbers if number < distinct]
    if not possible:
        raise UserError(
            f"blocks.semantic.minimum_blocks is {settings.minimum_blocks}, but the training text has only {distinct} "
            "distinct sentences: use a longer corpus or fewer blocks."
        )
    sample = np.asarray(vectors[sample_rows(len(vectors), PAIRS_SAMPLE, settings.seed)])
    scores = CRITERIA[settings.criterion](sample, possible, settings)
    curve = pd.DataFrame({"blocks": possible, "score": scores})
    best = int(curve.loc[curve["score"].idxmax(), "blocks"])
    curve["chosen"] = curve["blocks"] == best
    return bounded(vectors, cluster(vectors, best, settings), settings.minimum_size, settings.maximum_size), curve


def _distinct(vectors: np.ndarray, most: int) -> int:
    """How many different rows there are; `most` where there are as many or more."""
    seen: set[bytes] = set()
    for row in vectors:
        seen.add(row.tobytes())
        if len(seen) == most:
            break
    return len(seen)


def cluster(vectors: np.ndarray, number: int, settings: BlockSettings) -> np.ndarray:
    """int [sentences]: `number` clusters. What needs all pairs is fitted on a sample that the other sentences join."""
    if settings.clusterer == "kmeans":
        kind = KMeans if len(vectors) <= KMEANS_SAMPLE else MiniBatchKMeans
        return kind(number, n_init=settings.restarts, random_state=settings.seed).fit_predict(vectors)
    rows = sample_rows(len(vectors), PAIRS_SAMPLE, settings.seed)
    labels = CLUSTERERS[settings.clusterer](number, settings.seed).fit_predict(vectors[rows])
    return labels if len(rows) == len(vectors) else nearest_block(vectors, centres(vectors[rows], labels))


def _agglomerative(number: int, seed: int) -> AgglomerativeClustering:
    return AgglomerativeClustering(number, metric="cosine", linkage="average")


def _spectral(number: int, seed: int) -> SpectralClustering:
    return SpectralClustering(
        number, affinity="nearest_neighbors", n_neighbors=NEIGHBOURS, assign_labels="cluster_qr", random_state=seed
    )


CLUSTERERS = {"agglomerative": _agglomerative, "spectral": _spectral}


def silhouettes(vectors: np.ndarray, numbers: Sequence[int], settings: BlockSettings) -> list[float]:
    """Mean cosine silhouette of the clusters."""
    progress = tqdm(numbers, desc="Number of blocks", unit="fit", mininterval=1)
    return [silhouette_score(vectors, cluster(vectors, number, settings), metric="cosine") for number in progress]


def eigengaps(vectors: np.ndarray, numbers: Sequence[int], settings: BlockSettings) -> list[float]:
    """λ(k + 1) − λ(k) of the normalised Laplacian of the graph of nearest neighbours by cosine, for k blocks."""
    neighbours = kneighbors_graph(vectors, min(NEIGHBOURS, len(vectors) - 1), metric="cosine")
    affinity = (neighbours + neighbours.T) / 2
    similarity = csr_array(identity(len(vectors)) - laplacian(affinity, normed=True))
    start = np.random.default_rng(settings.seed).random(len(vectors))
    largest = eigsh(
        similarity, k=min(max(numbers) + 1, len(vectors) - 1), which="LA", v0=start, return_eigenvectors=False
    )
    eigenvalues = 1 - np.sort(largest)[::-1]
    return [eigenvalues[number] - eigenvalues[number - 1] for number in numbers]


def penalised_likelihoods(vectors: np.ndarray, numbers: Sequence[int], settings: BlockSettings) -> list[float]:
    """−BIC of a diagonal Gaussian mixture on the principal components."""
    reduced = PCA(min(MIXTURE_DIMENSIONS, *vectors.shape), random_state=settings.seed).fit_transform(vectors)
    progress = tqdm(numbers, desc="Number of blocks", unit="fit", mininterval=1)
    return [
        -GaussianMixture(number, covariance_type="diag", random_state=settings.seed).fit(reduced).bic(reduced)
        for number in progress
    ]


CRITERIA: Mapping[str, Callable[[np.ndarray, Sequence[int], BlockSettings], list[float]]] = {
    "silhouette": silhouettes,
    "eigengap": eigengaps,
    "bic": penalised_likelihoods,
}


def bounded(vectors: np.ndarray, labels: np.ndarray, minimum: int, maximum: int | None) -> np.ndarray:
    """The same clusters, numbered from 0, none with fewer than `minimum` sentences or more than `maximum`.

    A cluster that is too large is halved across its longest axis; one that is too small joins the nearest by the cosine
    of their centres, and both are halved where that is too many. `maximum` is at least twice `minimum`.
    """
    maximum = maximum or len(vectors)
    members = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    members = [part for rows in members for part in _halved(vectors, rows, maximum)]
    while len(members) > 1 and min(map(len, members)) < minimum:
        smallest = members.pop(min(range(len(members)), key=lambda place: len(members[place])))
        middles = unit_length(np.stack([vectors[rows].mean(axis=0) for rows in members]))
        nearest = int(np.argmax(middles @ vectors[smallest].mean(axis=0)))
        union = np.sort(np.concatenate([members.pop(nearest), smallest]))
        members += _halved(vectors, union, maximum)
    members.sort(key=lambda rows: rows[0])
    blocks = np.empty(len(vectors), dtype=int)
    for number, rows in enumerate(members):
        blocks[rows] = number
    return blocks


def _halved(vectors: np.ndarray, rows: np.ndarray, maximum: int) -> list[np.ndarray]:
    """`rows`, cut in two across the longest axis of their vectors until no part is larger than `maximum`."""
    if len(rows) <= maximum:
        return [rows]
    axis = PCA(1, svd_solver="randomized", random_state=0).fit(vectors[rows]).components_[0]
    order = rows[np.argsort(vectors[rows] @ axis, kind="stable")]
    halves = np.array_split(order, 2)
    return [part for half in halves for part in _halved(vectors, np.sort(half), maximum)]


def centres(vectors: np.ndarray, blocks: np.ndarray) -> np.ndarray:
    """float32 [blocks, dimensions], of unit length: the direction of each block's mean."""
    sums = np.zeros((blocks.max() + 1, vectors.shape[1]))
    for start in range(0, len(vectors), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        np.add.at(sums, blocks[rows], vectors[rows])
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


def stability(vectors: np.ndarray, blocks: np.ndarray, settings: BlockSettings, repeats: int) -> dict[str, float]:
    """Mean adjusted Rand index between `blocks` and the same clustering with other seeds, or on resampled sentences.

    The number of blocks stays what it is. Both are worked out on a sample of at most KMEANS_SAMPLE sentences. Nothing
    to compare, and so no value, where there is a single block.
    """
    rows = sample_rows(len(vectors), KMEANS_SAMPLE, settings.seed)
    vectors, blocks = np.asarray(vectors[rows]), blocks[rows]
    number = len(np.unique(blocks))
    generator = np.random.default_rng(settings.seed)
    found: dict[str, list[float]] = {"seeds": [], "resamples": []}
    for repeat in range(repeats if number > 1 else 0):
        other_seed = replace(settings, seed=settings.seed + 1 + repeat)
        drawn = generator.integers(len(vectors), size=len(vectors))
        for kind, fitted_on in (("seeds", vectors), ("resamples", vectors[drawn])):
            labels = bounded(
                fitted_on, cluster(fitted_on, number, other_seed), settings.minimum_size, settings.maximum_size
            )
            again = nearest_block(vectors, centres(fitted_on, labels))
            found[kind].append(adjusted_rand_score(blocks, again))
    return {kind: float(np.mean(values)) if values else None for kind, values in found.items()}
