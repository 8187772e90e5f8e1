"""Semantic blocks: sentence embeddings clustered, with the number of clusters chosen by the data."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score
from tqdm import tqdm

from localist.errors import UserError

SILHOUETTE_SAMPLE = 10_000


def choose_clustering(
    train_embeddings: np.ndarray, candidates: Sequence[int], *, restarts: int, seed: int
) -> tuple[KMeans, pd.DataFrame]:
    """Fit k-means for each candidate number of blocks and keep the one with the highest cosine silhouette.

    train_embeddings: float [segments, dimensions], of unit length, from training segments alone. Returns the fitted
    clustering and the selection curve (blocks, silhouette, chosen). Raises UserError for too few distinct segments.
    """
    distinct = len(np.unique(train_embeddings, axis=0))
    possible = [count for count in candidates if count < distinct]
    if not possible:
        raise UserError(
            f"blocks.semantic.minimum_blocks is {min(candidates)}, but the training text has only {distinct} distinct "
            "sentences: use a longer corpus or fewer blocks."
        )
    fits: dict[int, KMeans] = {}
    rows = []
    for count in tqdm(possible, desc="Number of blocks", unit="fit", mininterval=1):
        fits[count] = KMeans(count, n_init=restarts, random_state=seed).fit(train_embeddings)
        score = silhouette_score(
            train_embeddings,
            fits[count].labels_,
            metric="cosine",
            sample_size=min(SILHOUETTE_SAMPLE, len(train_embeddings)),
            random_state=seed,
        )
        rows.append((count, float(score)))
    curve = pd.DataFrame(rows, columns=["blocks", "silhouette"])
    best = int(curve.loc[curve["silhouette"].idxmax(), "blocks"])
    curve["chosen"] = curve["blocks"] == best
    return fits[best], curve
