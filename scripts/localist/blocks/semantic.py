"""Semantic blocks: sentence embeddings clustered, with the number of blocks chosen by the data (method.md, Partitions).

Everything is fitted on training sentences.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score
from tqdm import tqdm

from localist.blocks.clusterers import PAIRS_SAMPLE, centres, fitted_clusterer, nearest_block, sample_rows
from localist.blocks.criteria import CRITERIA
from localist.blocks.embeddings import unit_length
from localist.blocks.partitions import block_statistics
from localist.plumbing.errors import UserError
from localist.tokens.windows import NO_ID

SAME_DECIMALS = 4


@dataclass(frozen=True)
class BlockSettings:
    """How blocks are found; sizes count training sentences, `max_size` None is no bound.

    Only numbers of blocks are chosen at which the mean chance C of a training window is at most `max_chance`, and
    the median window has at least `min_blocks_per_window`: elsewhere locality means little.
    """

    clusterer: str
    criterion: str
    min_blocks: int
    max_blocks: int
    candidates: int
    max_chance: float
    min_blocks_per_window: float
    min_size: int
    max_size: int | None
    restarts: int
    seed: int

    @property
    def numbers(self) -> list[int]:
        """The numbers of blocks that are tried: all of them where they are few enough, else evenly on a log scale."""
        if self.max_blocks - self.min_blocks < self.candidates:
            return list(range(self.min_blocks, self.max_blocks + 1))
        spaced = np.geomspace(self.min_blocks, self.max_blocks, self.candidates)
        return sorted({int(number) for number in spaced.round()})


def choose_blocks(
    vectors: np.ndarray, sentence_of_token: np.ndarray, settings: BlockSettings
) -> tuple[np.ndarray, pd.DataFrame]:
    """Blocks of the training sentences, with their number chosen by the criterion and their sizes bounded.

    vectors: float32 [sentences, dimensions], of unit length. sentence_of_token: int [windows, T], the row of each
    token's sentence in `vectors`, -1 for sink and padding. Returns int [sentences] and the selection curve (one row per
    number of blocks tried: blocks, score, mean_chance, median_blocks_per_window, allowed, chosen). Where no number is
    allowed, the one with the lowest chance is taken. One block, and a curve of one row, where no two sentences differ.
    Raises UserError where fewer distinct sentences than blocks are there.
    """
    tried = tried_blocks(vectors, settings)
    curve = with_choice(selection_curve(tried, scores(vectors, tried, settings), sentence_of_token), settings)
    return tried[int(curve.loc[curve["chosen"], "blocks"].item())], curve


def tried_blocks(vectors: np.ndarray, settings: BlockSettings) -> dict[int, np.ndarray]:
    """The blocks (int [sentences]) for each number of clusters that is tried, their sizes bounded."""
    distinct = _distinct(vectors, settings.max_blocks + 1)
    if distinct == 1:
        return {1: np.zeros(len(vectors), dtype=int)}
    numbers = [number for number in settings.numbers if number < distinct]
    if not numbers:
        raise UserError(
            f"blocks.semantic.min_blocks is {settings.min_blocks}, but the training text has only {distinct} "
            "distinct sentences: use a longer corpus or fewer blocks."
        )
    clusters = fitted_clusterer(settings.clusterer, vectors, max(numbers), settings.restarts, settings.seed)
    progress = tqdm(numbers, desc="Numbers of blocks", unit="fit", mininterval=1)
    return {number: bounded(vectors, clusters(number), settings.min_size, settings.max_size) for number in progress}


def scores(vectors: np.ndarray, tried: dict[int, np.ndarray], settings: BlockSettings) -> list[float]:
    """The criterion's score of each number that was tried, on a sample of the sentences; NaN for a single number."""
    if len(tried) == 1:
        return [np.nan]
    rows = sample_rows(len(vectors), PAIRS_SAMPLE, settings.seed)
    on_sample = {number: blocks[rows] for number, blocks in tried.items()}
    return CRITERIA[settings.criterion](np.asarray(vectors[rows]), on_sample, settings.seed)


def selection_curve(
    tried: dict[int, np.ndarray], scores_of_tried: list[float], sentence_of_token: np.ndarray
) -> pd.DataFrame:
    """One row per number of blocks tried: blocks, score, mean_chance, median_blocks_per_window."""
    curve = pd.DataFrame({"blocks": list(tried), "score": scores_of_tried})
    seen = [block_statistics(token_blocks(blocks, sentence_of_token)) for blocks in tried.values()]
    for name in ("mean_chance", "median_blocks_per_window"):
        curve[name] = [statistics[name] for statistics in seen]
    return curve


def with_choice(curve: pd.DataFrame, settings: BlockSettings) -> pd.DataFrame:
    """The curve with the numbers that are allowed and the chosen one: the best score, or the lowest chance."""
    allowed = (curve["mean_chance"] <= settings.max_chance) & (
        curve["median_blocks_per_window"] >= settings.min_blocks_per_window
    )
    eligible = curve[allowed] if allowed.any() else curve.sort_values("mean_chance").head(1)
    best = eligible["score"].fillna(-np.inf).idxmax()
    return curve.assign(allowed=allowed, chosen=curve.index == best)


def token_blocks(blocks: np.ndarray, sentence_of_token: np.ndarray) -> np.ndarray:
    """int [windows, T]: the block of each token's sentence; -1 on sink and padding."""
    return np.where(sentence_of_token >= 0, blocks[sentence_of_token], NO_ID)


def _distinct(vectors: np.ndarray, most: int) -> int:
    """How many different rows there are; `most` where there are as many or more.

    The same sentence has not the same bits in another batch of the encoder, or beside other neighbours.
    """
    seen: set[bytes] = set()
    for row in vectors:
        seen.add((row.round(SAME_DECIMALS) + 0.0).tobytes())  # + 0.0: no negative zeros
        if len(seen) == most:
            break
    return len(seen)


def bounded(vectors: np.ndarray, labels: np.ndarray, minimum: int, maximum: int | None) -> np.ndarray:
    """The same clusters, numbered from 0, none with fewer than `minimum` sentences or more than `maximum`.

    A cluster that is too large is halved across its longest axis; one that is too small joins the nearest by the cosine
    of their centres, and both are halved where that is too many. `maximum` is at least twice `minimum`.
    """
    maximum = maximum or len(vectors)
    members = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    members = [part for rows in members for part in _halved(vectors, rows, maximum)]
    sums = [vectors[rows].sum(axis=0) for rows in members]
    while len(members) > 1 and min(map(len, members)) < minimum:
        place = min(range(len(members)), key=lambda place: len(members[place]))
        smallest, its_sum = members.pop(place), sums.pop(place)
        nearest = int(np.argmax(unit_length(np.stack(sums)) @ its_sum))
        sums.pop(nearest)
        parts = _halved(vectors, np.sort(np.concatenate([members.pop(nearest), smallest])), maximum)
        members += parts
        sums += [vectors[rows].sum(axis=0) for rows in parts]
    members.sort(key=lambda rows: rows[0])
    blocks = np.empty(len(vectors), dtype=int)
    for number, rows in enumerate(members):
        blocks[rows] = number
    return blocks


def _halved(vectors: np.ndarray, rows: np.ndarray, maximum: int) -> list[np.ndarray]:
    """`rows`, cut in two across the longest axis of their vectors until no part is larger than `maximum`."""
    if len(rows) <= maximum:
        return [rows]
    pca = PCA(1, svd_solver="randomized", random_state=0).fit(vectors[rows])
    order = rows[np.argsort(vectors[rows] @ np.asarray(pca.components_)[0], kind="stable")]
    halves = np.array_split(order, 2)
    return [part for half in halves for part in _halved(vectors, np.sort(half), maximum)]


def stability(
    vectors: np.ndarray, blocks: np.ndarray, settings: BlockSettings, repeats: int
) -> dict[str, float | None]:
    """Mean adjusted Rand index between `blocks` and the same clustering with other seeds, or on resampled sentences.

    The number of blocks stays what it is. Both are worked out on a sample of at most PAIRS_SAMPLE sentences. Nothing
    to compare, and so no value, where there is a single block.
    """
    rows = sample_rows(len(vectors), PAIRS_SAMPLE, settings.seed)
    vectors, blocks = np.asarray(vectors[rows]), blocks[rows]
    number = len(np.unique(blocks))
    generator = np.random.default_rng(settings.seed)
    found: dict[str, list[float]] = {"seeds": [], "resamples": []}
    for repeat in range(repeats if number > 1 else 0):
        seed = settings.seed + 1 + repeat
        drawn = generator.integers(len(vectors), size=len(vectors))
        for kind, fitted_on in (("seeds", vectors), ("resamples", vectors[drawn])):
            clusters = fitted_clusterer(settings.clusterer, fitted_on, number, settings.restarts, seed)
            labels = bounded(fitted_on, clusters(number), settings.min_size, settings.max_size)
            again = nearest_block(vectors, centres(fitted_on, labels))
            found[kind].append(adjusted_rand_score(blocks, again))
    return {kind: float(np.mean(values)) if values else None for kind, values in found.items()}
