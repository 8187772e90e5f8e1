"""How well semantic blocks agree with articles and sections, and how much of a window they fill."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from threadpoolctl import threadpool_limits

from localist.blocks.criteria import CRITERIA
from localist.blocks.embeddings import average_with_neighbours
from localist.blocks.partitions import block_statistics, fixed_blocks, matched_width, mean_chance, shifted_blocks
from localist.blocks.semantic import BlockSettings, scores, selection_curve, token_blocks, tried_blocks, with_choice
from localist.tokens.windows import Windows

CLUSTERERS = ("kmeans", "agglomerative", "spectral")
NO_BOUNDS = {"max_chance": 1, "min_blocks_per_window": 1}
CONTEXT = 256
LONG_CONTEXT = 1024


@dataclass(frozen=True)
class LabelledText:
    """The training sentences of one set of articles, with labels that nobody here gave.

    sentences: columns document and section, one row per sentence; embeddings: float32 [sentences, dimensions];
    windows: by their length in tokens, with the row of each token's sentence as sentence.
    """

    sentences: pd.DataFrame
    embeddings: np.ndarray
    windows: Mapping[int, Windows]


def labelled_text(
    sentences: pd.DataFrame, embeddings: np.ndarray, training: Windows, articles: Sequence[str]
) -> LabelledText:
    """The training sentences of `articles` (all where the list is empty), and their windows of both lengths."""
    kept = ((sentences["split"] == "train") & (sentences["title"].isin(articles) | (not articles))).to_numpy()
    row = np.where(kept, np.cumsum(kept) - 1, -1)
    own = kept[training.sentence_ids[:, 1]]
    windows = training.take(np.flatnonzero(own))
    renumbered = replace(windows, sentence_ids=np.where(windows.is_text, row[windows.sentence_ids], -1))
    return LabelledText(
        sentences.loc[kept, ["document", "section"]].reset_index(drop=True),
        embeddings[kept],
        {CONTEXT: renumbered, LONG_CONTEXT: longer_windows(renumbered, LONG_CONTEXT)},
    )


def longer_windows(windows: Windows, context: int) -> Windows:
    """The same stretches cut into windows of `context` tokens; only their sentences and stretches are filled in."""
    rows, stretches = [], []
    for stretch in np.unique(windows.stretch_ids):
        part = windows.take(np.flatnonzero(windows.stretch_ids == stretch))
        tokens = part.sentence_ids[part.is_text]
        for start in range(0, len(tokens), context - 1):
            inside = tokens[start : start + context - 1]
            rows.append(np.pad(inside, (1, context - 1 - len(inside)), constant_values=-1))
            stretches.append(stretch)
    sentence_ids = np.stack(rows)
    return Windows(sentence_ids, sentence_ids, sentence_ids, np.array(stretches))


def agreement(sentences: pd.DataFrame, blocks: np.ndarray) -> dict[str, float]:
    """Adjusted Rand index and normalised mutual information with articles, and with sections inside each article.

    The latter are means over the articles with two sections and more.
    """
    inside = [
        (adjusted_rand_score(part["section"], own), normalized_mutual_info_score(part["section"], own))
        for _, part in sentences.groupby("document")
        if part["section"].nunique() > 1
        for own in [blocks[part.index]]
    ]
    ari_section, nmi_section = np.mean(inside, axis=0)
    return {
        "ari_article": float(adjusted_rand_score(sentences["document"], blocks)),
        "nmi_article": float(normalized_mutual_info_score(sentences["document"], blocks)),
        "ari_section": float(ari_section),
        "nmi_section": float(nmi_section),
    }


def in_windows(windows: Mapping[int, Windows], blocks: Mapping[int, np.ndarray]) -> dict[str, float]:
    """Mean chance and median blocks per window of token blocks, at both lengths."""
    found = {}
    for context, ending in ((CONTEXT, ""), (LONG_CONTEXT, f"_{LONG_CONTEXT}")):
        statistics = block_statistics(blocks[context])
        found[f"chance{ending}"] = statistics["mean_chance"]
        found[f"blocks_per_window{ending}"] = statistics["median_blocks_per_window"]
    return found


def measured(text: LabelledText, blocks: np.ndarray) -> dict[str, float]:
    """All figures for blocks of sentences."""
    by_context = {context: token_blocks(blocks, windows.sentence_ids) for context, windows in text.windows.items()}
    seen = in_windows(text.windows, by_context)
    return {"k": len(np.unique(blocks)), **agreement(text.sentences, blocks), **seen}


def controls(text: LabelledText, blocks: np.ndarray) -> list[dict[str, Any]]:
    """The figures of the partitions that the default is held against: `shifted` and matched `window` blocks."""
    semantic = {context: token_blocks(blocks, windows.sentence_ids) for context, windows in text.windows.items()}
    shifted = {context: shifted_blocks(text.windows[context], ids) for context, ids in semantic.items()}
    width = matched_width(text.windows[CONTEXT], mean_chance(semantic[CONTEXT]))
    window = {context: fixed_blocks(windows, width) for context, windows in text.windows.items()}
    rows = []
    for method, by_context in (("shifted", shifted), ("window", window)):
        by_sentence = blocks_of_sentences(text.windows[CONTEXT], by_context[CONTEXT], method == "window")
        seen = in_windows(text.windows, by_context)
        found = {"k": len(np.unique(by_sentence)), **agreement(text.sentences, by_sentence), **seen}
        rows.append({"method": method, "bounds": True, "default": False, **found})
    return rows


def blocks_of_sentences(windows: Windows, blocks: np.ndarray, restarts: bool) -> np.ndarray:
    """int [sentences]: the block of each sentence's first token; numbered by stretch where ids restart with it."""
    ids = windows.stretch_ids[:, None] * (int(blocks.max()) + 1) + blocks if restarts else blocks
    tokens = pd.DataFrame({"sentence": windows.sentence_ids[windows.is_text], "block": ids[windows.is_text]})
    return tokens.groupby("sentence")["block"].first().to_numpy()


def measure_clusters(
    name: str,
    text: LabelledText,
    settings: BlockSettings,
    averages: Sequence[tuple[int, float]],
    default: tuple[int, float],
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What each clusterer, context and criterion chooses, with and without the bounds; and every number of blocks.

    averages: (context, neighbour_weight) of the embeddings; default: the config's. Deterministic.
    """
    chosen, curves = [], []
    with threadpool_limits(limits=1):  # as in the study
        for context, weight in averages:
            sections = text.sentences["section"].to_numpy()
            vectors = average_with_neighbours(text.embeddings, sections, context, weight)
            known: dict[str, list[float]] = {}
            for clusterer in CLUSTERERS:
                tried = tried_blocks(vectors, replace(settings, clusterer=clusterer))
                figures = {number: measured(text, blocks) for number, blocks in tried.items()}
                of = {"set": name, "method": clusterer, "context": context, "neighbour_weight": weight}
                curves += [{**of, "clusters": number, **found} for number, found in figures.items()]
                for own in (replace(settings, clusterer=clusterer, criterion=criterion) for criterion in CRITERIA):
                    if own.criterion == "silhouette" or own.criterion not in known:  # the others ignore the clusters
                        known[own.criterion] = scores(vectors, tried, own)
                    curve = selection_curve(tried, known[own.criterion], text.windows[CONTEXT].sentence_ids)
                    for bounds, limits in ((True, own), (False, replace(own, **NO_BOUNDS))):
                        number, within = chosen_number(curve, limits)
                        is_default = bounds and own == settings and (context, weight) == default
                        says = {"criterion": own.criterion, "bounds": bounds, "allowed": within, "default": is_default}
                        chosen.append({**of, **says, **figures[number]})
                        if is_default:
                            chosen += [{"set": name, **row} for row in controls(text, tried[number])]
    return chosen, curves


def chosen_number(curve: pd.DataFrame, settings: BlockSettings) -> tuple[int, bool]:
    """The number of blocks that is chosen, and whether the bounds allow it."""
    row = with_choice(curve, settings).query("chosen").iloc[0]
    return int(row["blocks"]), bool(row["allowed"])
