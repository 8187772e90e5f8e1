"""What can choose the number of blocks: a score for each clustering that was tried, the largest being best."""

from collections.abc import Callable, Mapping

import numpy as np
from sklearn.decomposition import PCA
from sklearn.metrics import silhouette_score
from sklearn.mixture import GaussianMixture

from localist.blocks.clusterers import spectral_coordinates

MIXTURE_DIMENSIONS = 16


def silhouettes(vectors: np.ndarray, tried: Mapping[int, np.ndarray], seed: int) -> list[float]:
    """Mean cosine silhouette of the clusters; NaN where all are single sentences or one holds everything."""
    possible = [2 <= len(np.unique(labels)) < len(vectors) for labels in tried.values()]
    return [
        float(silhouette_score(vectors, labels, metric="cosine")) if defined else float("nan")
        for defined, labels in zip(possible, tried.values(), strict=True)
    ]


def eigengaps(vectors: np.ndarray, tried: Mapping[int, np.ndarray], seed: int) -> list[float]:
    """λ(k + 1) − λ(k) of the normalised Laplacian of the graph of nearest neighbours by cosine, for k blocks."""
    eigenvalues, _ = spectral_coordinates(vectors, max(tried) + 1)
    return [float(eigenvalues[number] - eigenvalues[number - 1]) for number in tried]


def penalised_likelihoods(vectors: np.ndarray, tried: Mapping[int, np.ndarray], seed: int) -> list[float]:
    """−BIC of a diagonal Gaussian mixture on the principal components, with as many components as blocks."""
    reduced = PCA(min(MIXTURE_DIMENSIONS, *vectors.shape), random_state=seed).fit_transform(vectors)
    mixtures = (GaussianMixture(number, covariance_type="diag", random_state=seed).fit(reduced) for number in tried)
    return [-float(mixture.bic(reduced)) for mixture in mixtures]


CRITERIA: Mapping[str, Callable[[np.ndarray, Mapping[int, np.ndarray], int], list[float]]] = {
    "silhouette": silhouettes,
    "eigengap": eigengaps,
    "bic": penalised_likelihoods,
}
