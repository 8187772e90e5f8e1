"""Semantic blocks: groups of sentences with similar meaning within each span of the text (method.md, Partitions)."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import fcluster, linkage
from tqdm import tqdm

from localist.blocks.embeddings import unit_length
from localist.blocks.partitions import block_statistics
from localist.tokens.windows import NO_ID

# Number of block sizes tried, evenly spaced on a log scale.
SIZES = 32
SMALLEST = 2


@dataclass(frozen=True)
class BlockSettings:
    """How spans are divided; sizes count sentences.

    A block size is allowed if the mean chance C of a training window is at most `max_chance` and the median window has
    at least `min_blocks_per_window` blocks; otherwise locality means little. A span is divided into at most that
    many blocks, each of at least `min_size` sentences.
    """

    max_chance: float
    min_blocks_per_window: float
    min_size: int

    @property
    def most_parts(self) -> int:
        """The largest number of blocks that a span is divided into."""
        return int(np.ceil(self.min_blocks_per_window))


def choose_size(
    parts: np.ndarray, spans: np.ndarray, sentence_of_token: np.ndarray, settings: BlockSettings
) -> tuple[float, pd.DataFrame]:
    """Choose the number of sentences per block: the largest that leaves several blocks in a training window.

    parts: from `parts_of_spans`. spans: int [sentences]. sentence_of_token: int [windows, T], the row of each training
    token's sentence, -1 for sink and padding. Returns the size and the selection curve, one row per resulting number of
    blocks: sentences_per_block, blocks, mean_chance, median_blocks_per_window, allowed, chosen. If no size is allowed,
    the one with the lowest chance is chosen.
    """
    rows = []
    training = np.unique(sentence_of_token[sentence_of_token >= 0])
    sizes = np.geomspace(SMALLEST, max(np.bincount(spans).max(), SMALLEST), SIZES)
    for size in tqdm(sizes, desc="Block sizes", unit="size", mininterval=1):
        blocks = divided(parts, spans, size)
        seen = block_statistics(token_blocks(blocks, sentence_of_token))
        shown = {name: seen[name] for name in ("mean_chance", "median_blocks_per_window")}
        rows.append({"sentences_per_block": size, "blocks": len(np.unique(blocks[training])), **shown})
    curve = with_choice(pd.DataFrame(rows).drop_duplicates("blocks", ignore_index=True), settings)
    return float(curve.loc[curve["chosen"], "sentences_per_block"].item()), curve


def with_choice(curve: pd.DataFrame, settings: BlockSettings) -> pd.DataFrame:
    """The curve with columns allowed and chosen: the fewest blocks among those allowed, else the lowest chance."""
    allowed = (curve["mean_chance"] <= settings.max_chance) & (
        curve["median_blocks_per_window"] >= settings.min_blocks_per_window
    )
    best = curve["blocks"].where(allowed).idxmin() if allowed.any() else curve["mean_chance"].fillna(1).idxmin()
    return curve.assign(allowed=allowed, chosen=curve.index == best)


def parts_of_spans(vectors: np.ndarray, spans: np.ndarray, settings: BlockSettings) -> np.ndarray:
    """int8 [most parts, sentences]: row m − 1 has each sentence's part of its span when the span is cut into m parts.

    vectors: float [sentences, dimensions], in reading order; spans: int [sentences], rising. The parts are cut from
    the tree of Ward's method on unit vectors (JASA 58, 1963); a part with fewer than `min_size` sentences joins the one
    whose centre is nearest by cosine, so there may be fewer than m.
    """
    parts = np.zeros((settings.most_parts, len(spans)), dtype=np.int8)
    edges = [*np.flatnonzero(np.diff(spans, prepend=-1)), len(spans)]
    for start, end in pairwise(edges):
        if end - start < 2 * settings.min_size:
            continue
        inside = unit_length(np.asarray(vectors[start:end], dtype=float))
        tree = linkage(inside, "ward")
        for row in range(1, settings.most_parts):
            labels = fcluster(tree, row + 1, "maxclust") - 1
            parts[row, start:end] = without_small_parts(inside, labels, settings.min_size)
    return parts


def without_small_parts(vectors: np.ndarray, labels: np.ndarray, minimum: int) -> np.ndarray:
    """Merge parts with fewer than `minimum` sentences, smallest first; parts are numbered by their first sentences."""
    labels = labels.copy()
    while True:
        names, first, sizes = np.unique(labels, return_index=True, return_counts=True)
        if len(names) == 1 or sizes.min() >= minimum:
            return np.argsort(np.argsort(first))[np.searchsorted(names, labels)]
        smallest = labels == names[sizes.argmin()]
        others = names[names != names[sizes.argmin()]]
        middles = unit_length(np.stack([vectors[labels == name].sum(axis=0) for name in others]))
        labels[smallest] = others[np.argmax(middles @ vectors[smallest].sum(axis=0))]


def divided(parts: np.ndarray, spans: np.ndarray, size: float) -> np.ndarray:
    """int [sentences]: blocks of about `size` sentences, numbered span by span through the text.

    A span of n sentences is divided into n / size parts, rounded, within the range of `parts`.
    """
    wanted = np.clip(np.rint(np.bincount(spans) / size), 1, len(parts)).astype(int)
    own = parts[wanted[spans] - 1, np.arange(len(spans))]
    return np.unique(spans.astype(np.int64) * len(parts) + own, return_inverse=True)[1]


def training_first(blocks: np.ndarray, training: np.ndarray) -> np.ndarray:
    """Renumber blocks so that those of training sentences come first; no block has sentences of both kinds."""
    return np.unique(np.where(training, 0, blocks.max() + 1) + blocks, return_inverse=True)[1]


def token_blocks(blocks: np.ndarray, sentence_of_token: np.ndarray) -> np.ndarray:
    """int [windows, T]: the block of each token's sentence; -1 on sink and padding."""
    return np.where(sentence_of_token >= 0, blocks[sentence_of_token], NO_ID)
