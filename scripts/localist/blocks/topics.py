"""Topics: groups of blocks similar in meaning, few enough to inspect (method.md, Topics)."""

import numpy as np
from scipy.cluster.hierarchy import fcluster, leaves_list, linkage
from sklearn.metrics import pairwise_distances, silhouette_score

from localist.blocks.centres import centres, nearest_centre, sample_rows

# Limit for computations quadratic in the number of blocks; other blocks join the nearest topic.
MOST_BLOCKS = 3_000


def topics_of_blocks(block_centres: np.ndarray, fewest: int, most: int, seed: int) -> np.ndarray:
    """int [blocks]: the topic of each block, numbered so that topics with similar numbers are similar in meaning.

    block_centres: float [blocks, dimensions], of unit length. Ward's method; the number of topics, from `fewest` to
    `most`, has the best mean cosine silhouette. If there are at most `fewest` blocks, each is a topic.
    """
    rows = sample_rows(len(block_centres), MOST_BLOCKS, seed)
    sample = block_centres[rows]
    if len(sample) < 3:
        return np.arange(len(sample))
    tree = linkage(np.asarray(sample, dtype=float), "ward", optimal_ordering=len(sample) <= MOST_BLOCKS // 2)
    topics = _in_order(fcluster(tree, _best_number(sample, tree, fewest, most), "maxclust"), leaves_list(tree))
    if len(rows) == len(block_centres):
        return topics
    return nearest_centre(block_centres, centres(sample, topics))


def _best_number(vectors: np.ndarray, tree: np.ndarray, fewest: int, most: int) -> int:
    numbers = range(fewest, min(most, len(vectors) - 1) + 1)
    distances = np.clip(pairwise_distances(vectors, metric="cosine"), 0, None)
    np.fill_diagonal(distances, 0)
    tried = {number: fcluster(tree, number, "maxclust") for number in numbers}
    scores = {
        number: silhouette_score(distances, topics, metric="precomputed")
        for number, topics in tried.items()
        if 1 < len(np.unique(topics)) < len(vectors)  # fewer if blocks coincide
    }
    return max(scores, key=lambda number: scores[number]) if scores else min(fewest, len(vectors))


def _in_order(topics: np.ndarray, leaves: np.ndarray) -> np.ndarray:
    """The same topics (1 to k), renumbered from 0 in the order of the tree's leaves."""
    _, first = np.unique(topics[leaves], return_index=True)
    return np.argsort(topics[leaves][np.sort(first)])[topics - 1]
