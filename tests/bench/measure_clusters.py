"""Agreement of semantic blocks and their rivals with articles and sections, and their shares of a window."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from rival_blocks import RIVALS
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from threadpoolctl import threadpool_limits

from localist.blocks.block_check import block_check
from localist.blocks.partitions import block_statistics, fixed_blocks, matched_width, mean_chance, shifted_blocks
from localist.blocks.semantic import BlockSettings, choose_size, divided, parts_of_spans, token_blocks
from localist.blocks.spans import fitted_penalty, spans_of_stretches, stretch_rows
from localist.tokens.windows import Windows

CONTEXT = 256
LONG_CONTEXT = 1024
CHECKS = 3


@dataclass(frozen=True)
class LabelledText:
    """The training sentences of one set of articles, with labels that do not come from this project.

    sentences: columns document and section, one row per sentence; embeddings: float32 [sentences, dimensions];
    stretches: the rows of each run of sentences; windows: by length in tokens; their sentence_ids
    are rows of `sentences`.
    """

    sentences: pd.DataFrame
    embeddings: np.ndarray
    stretches: Sequence[slice]
    windows: Mapping[int, Windows]


def labelled_text(
    sentences: pd.DataFrame, embeddings: np.ndarray, training: Windows, articles: Collection[str]
) -> LabelledText:
    """The training sentences of `articles` (of all if empty), and their windows of both lengths."""
    kept = ((sentences["split"] == "train") & (sentences["title"].isin(articles) | (not articles))).to_numpy()
    row = np.where(kept, np.cumsum(kept) - 1, -1)
    own = kept[training.sentence_ids[:, 1]]
    windows = training.take(np.flatnonzero(own))
    renumbered = replace(windows, sentence_ids=np.where(windows.is_text, row[windows.sentence_ids], -1))
    return LabelledText(
        sentences.loc[kept, ["document", "section"]].reset_index(drop=True),
        np.asarray(embeddings[kept]),
        rows_of_stretches(sentences, kept),
        {CONTEXT: renumbered, LONG_CONTEXT: longer_windows(renumbered, LONG_CONTEXT)},
    )


def rows_of_stretches(sentences: pd.DataFrame, kept: np.ndarray) -> list[slice]:
    """The kept stretches, as rows among the kept sentences; a stretch is kept or dropped as a whole."""
    lengths = [rows.stop - rows.start for rows in stretch_rows(sentences) if kept[rows.start]]
    edges = np.cumsum([0, *lengths]).tolist()
    return [slice(start, end) for start, end in pairwise(edges)]


def longer_windows(windows: Windows, context: int) -> Windows:
    """The same stretches cut into windows of `context` tokens; only sentence and stretch ids are meaningful."""
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

    The latter are means over the articles with at least two sections.
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
    """All measures for sentence blocks."""
    by_context = {context: token_blocks(blocks, windows.sentence_ids) for context, windows in text.windows.items()}
    seen = in_windows(text.windows, by_context)
    return {"k": len(np.unique(blocks)), **agreement(text.sentences, blocks), **seen}


def with_margins(text: LabelledText, blocks: np.ndarray) -> dict[str, Any]:
    """All measures for sentence blocks, and the section agreement of `shifted` and of matched fixed windows."""
    semantic = token_blocks(blocks, text.windows[CONTEXT].sentence_ids)
    found = measured(text, blocks)
    for name, ids in (
        ("shifted", shifted_blocks(text.windows[CONTEXT], semantic)),
        ("fixed", fixed_blocks(text.windows[CONTEXT], matched_width(text.windows[CONTEXT], mean_chance(semantic)))),
    ):
        by_sentence = blocks_of_sentences(text.windows[CONTEXT], ids, name == "fixed")
        found[f"ari_{name}"] = agreement(text.sentences, by_sentence)["ari_section"]
    return found


def blocks_of_sentences(windows: Windows, blocks: np.ndarray, restarts: bool) -> np.ndarray:
    """int [sentences]: the block of each sentence's first token; ids that restart in each stretch are made unique."""
    ids = windows.stretch_ids[:, None] * (int(blocks.max()) + 1) + blocks if restarts else blocks
    tokens = pd.DataFrame({"sentence": windows.sentence_ids[windows.is_text], "block": ids[windows.is_text]})
    return tokens.groupby("sentence")["block"].first().to_numpy()


def measure_clusters(
    name: str, text: LabelledText, settings: BlockSettings, span_sizes: tuple[int, int]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], dict[str, Any]]:
    """The chosen result of each method, all numbers of blocks tried, and the check of the default. Deterministic.

    A rival gets its best number of blocks within the bounds, by agreement with sections, which favours it. The default
    uses its own choice, made without labels.
    """
    chosen, curves = [], []
    with threadpool_limits(limits=1):  # as in the study
        penalty = fitted_penalty([text.embeddings[rows] for rows in text.stretches], span_sizes[1])
        spans = spans_of_stretches(text.embeddings, text.stretches, penalty, span_sizes)
        parts = parts_of_spans(text.embeddings, spans, settings)
        size, curve = choose_size(parts, spans, text.windows[CONTEXT].sentence_ids, settings)
        default = divided(parts, spans, size)
        methods: dict[str, Iterator[np.ndarray]] = {
            "divided spans": (divided(parts, spans, number) for number in curve["sentences_per_block"]),
            "the same, divided at random": iter([divided(shuffled_parts(parts, spans), spans, size)]),
        }
        methods |= {rival: found(text.embeddings, text.stretches, spans) for rival, found in RIVALS.items()}
        for method, tried in methods.items():
            found = [with_margins(text, blocks) for blocks in tried]
            curves += [{"set": name, "method": method, **row} for row in found]
            allowed = [row for row in found if is_allowed(row, settings)]
            if method == "divided spans":
                allowed = [with_margins(text, default)]
            best = max(allowed or found, key=lambda row: row["ari_section"])
            chosen.append({"set": name, "method": method, "allowed": bool(allowed), **best})
        check = block_check(text.embeddings, text.stretches, size, span_sizes, settings, CHECKS, seed=0)
    return chosen, curves, {"set": name, "sentences_per_block": size, **check}


def is_allowed(row: Mapping[str, float], settings: BlockSettings) -> bool:
    return row["chance"] <= settings.max_chance and row["blocks_per_window"] >= settings.min_blocks_per_window


def shuffled_parts(parts: np.ndarray, spans: np.ndarray) -> np.ndarray:
    """Parts of the same sizes, assigned at random to the sentences of each span."""
    generator, shuffled = np.random.default_rng(0), parts.copy()
    for span in range(spans.max() + 1):
        rows = np.flatnonzero(spans == span)
        shuffled[:, rows] = parts[:, generator.permutation(rows)]
    return shuffled
