"""How well spans recover known boundaries, compared with fixed windows, random boundaries and TextTiling.

The texts are articles with known sections, and texts assembled from parts of several articles. P_k and WindowDiff
(smaller is better) use windows of half the mean true span. The penalty of the spans is fitted on training sentences
without section labels; boundaries are scored on the sentences of all splits, because the held-out stretches are too
short. TextTiling gets its best settings for each kind of text, which favours it.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from nltk.metrics.segmentation import pk, windowdiff
from nltk.tokenize import TextTilingTokenizer
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS
from threadpoolctl import threadpool_limits

from localist.blocks.spans import fitted_penalty, span_ends, stretch_rows

TEXTS = 100
PARTS = 10
PIECE = (3, 11)
# Words per pseudo-sentence, and pseudo-sentences on each side of a gap; a sentence has 20 words on average.
TILINGS = ((20, 6), (40, 5), (60, 4))
# TextTiling's time grows with the square of the length.
TOO_LONG_FOR_TILING = 2000


class Text(NamedTuple):
    """The rows of sentences in reading order, and the ends of the true spans."""

    rows: np.ndarray
    ends: list[int]


def measure_spans(
    sentences: pd.DataFrame,
    embeddings: np.ndarray,
    settings: Mapping[str, int],
    chosen_on: Collection[str] = (),
    seed: int = 0,
) -> list[dict[str, Any]]:
    """One row per set of articles, kind of text and method.

    sentences: sentence, document, section, title, split, text; embeddings: its rows. settings: blocks.spans of the
    config. chosen_on: titles of the articles on which the penalty's rule was chosen; they are measured separately.
    """
    known = sentences["title"].isin(chosen_on).to_numpy()
    sets = {"articles of the choice": known, "other articles" if known.any() else "all articles": ~known}
    found = []
    with threadpool_limits(limits=1):
        for name, rows in sets.items():
            if rows.any():
                table = sentences[rows].reset_index(drop=True)
                found += [{"set": name} | row for row in measured_set(table, embeddings[rows], settings, seed)]
    return found


def measured_set(
    table: pd.DataFrame, vectors: np.ndarray, settings: Mapping[str, int], seed: int
) -> Iterator[dict[str, Any]]:
    """Rows of one set of articles; the penalty is fitted on its own training sentences."""
    sizes = {"minimum": settings["min_size"], "maximum": settings["max_size"]}
    training = [vectors[rows] for rows in stretch_rows(table) if table["split"].iloc[rows.start] == "train"]
    penalty = fitted_penalty(training, sizes["maximum"])
    words = [" ".join(re.findall("[a-z]+", text.lower())) for text in table["text"]]
    for test, texts in boundary_tests(table, sizes, seed).items():
        generator = np.random.default_rng(seed)
        spans = [span_ends(vectors[text.rows], penalty, **sizes) for text in texts]
        hypotheses = {
            "spans": spans,
            "fixed windows": each(fixed_windows, texts, spans),
            "fixed windows, true number": [fixed_windows(len(text.rows), len(text.ends)) for text in texts],
            "random boundaries": each(partial(random_ends, generator=generator), texts, spans),
        }
        if max(len(text.rows) for text in texts) <= TOO_LONG_FOR_TILING:
            tiled = [[tiling([words[row] for row in text.rows], *how) for text in texts] for how in TILINGS]
            hypotheses["TextTiling"] = min(tiled, key=lambda ends: sum(mean_errors(texts, ends)))
        for method, ends in hypotheses.items():
            errors = mean_errors(texts, ends)
            yield {
                **{"test": test, "method": method, "pk": errors[0], "windowdiff": errors[1]},
                "mean_sentences": sum(len(text.rows) for text in texts) / sum(map(len, ends)),
                "default": method == "spans",
            }


def each(
    ends: Callable[[int, int], list[int]], texts: Sequence[Text], spans: Sequence[Sequence[int]]
) -> list[list[int]]:
    """For each text, the ends of as many spans as were found in it."""
    return [ends(len(text.rows), len(found)) for text, found in zip(texts, spans, strict=True)]


def boundary_tests(table: pd.DataFrame, sizes: Mapping[str, int], seed: int) -> dict[str, list[Text]]:
    """Texts with known boundaries, by kind of text."""
    everything = table.index.to_numpy()
    documents = [group.index.to_numpy() for _, group in table.groupby("document", sort=False)]
    articles = [Text(rows, ends_of_runs(table["section"].to_numpy()[rows])) for rows in documents]
    sections = [group.index.to_numpy() for _, group in table.groupby("section", sort=False)]
    fitting = [rows for rows in sections if sizes["minimum"] <= len(rows) <= sizes["maximum"]]
    generator = np.random.default_rng(seed)
    tests = {
        "sections in order": [text for text in articles if len(text.ends) > 1],
        "articles in order": [Text(everything, ends_of_runs(table["document"].to_numpy()))],
        "random pieces": [joined(random_pieces(documents, generator)) for _ in range(TEXTS)],
        "random sections": [joined(random_sections(fitting, table, generator)) for _ in range(TEXTS)],
    }
    return {test: texts for test, texts in tests.items() if len(texts[0].ends) > 1}


def random_pieces(documents: Sequence[np.ndarray], generator: np.random.Generator) -> Iterator[np.ndarray]:
    """Runs of sentences from different articles: the pieces of one text, as in Choi's test."""
    shortest, longest = PIECE
    long_enough = [rows for rows in documents if len(rows) >= longest]
    for number in generator.permutation(len(long_enough))[:PARTS]:
        length = generator.integers(shortest, longest + 1)
        start = generator.integers(0, len(long_enough[number]) - length + 1)
        yield long_enough[number][start : start + length]


def random_sections(
    sections: Sequence[np.ndarray], table: pd.DataFrame, generator: np.random.Generator
) -> list[np.ndarray]:
    """Whole sections of different articles."""
    document = table["document"].to_numpy()
    chosen: dict[int, np.ndarray] = {}
    for number in generator.permutation(len(sections)):
        chosen.setdefault(int(document[sections[number][0]]), sections[number])
    return list(chosen.values())[:PARTS]


def joined(parts: Iterator[np.ndarray] | Sequence[np.ndarray]) -> Text:
    """Concatenate parts into one text."""
    parts = list(parts)
    return Text(np.concatenate(parts), np.cumsum([len(part) for part in parts]).tolist())


def ends_of_runs(labels: np.ndarray) -> list[int]:
    """The ends of runs of equal labels, the end of the text included."""
    return [*(np.flatnonzero(labels[1:] != labels[:-1]) + 1).tolist(), len(labels)]


def fixed_windows(length: int, number: int) -> list[int]:
    """Ends of `number` windows of equal length, rounded to whole sentences."""
    return [round(length * window / number) for window in range(1, number + 1)]


def random_ends(length: int, number: int, generator: np.random.Generator) -> list[int]:
    """Ends of `number` spans cut at random."""
    return [*sorted(generator.choice(np.arange(1, length), number - 1, replace=False).tolist()), length]


class SentenceTiling(TextTilingTokenizer):
    """TextTiling with every sentence as a paragraph, however short."""

    def _mark_paragraph_breaks(self, text: str) -> list[int]:
        return [0, *(found.start() for found in re.finditer("\n\n", text))]


def tiling(sentences: Sequence[str], width: int, block: int) -> list[int]:
    """The ends of TextTiling's tiles, in sentences; one tile if the text is too short to compare blocks."""
    text = "\n\n".join(sentences)
    if len(text.split()) <= 4 * width:
        return [len(sentences)]
    tiles = SentenceTiling(w=width, k=block, stopwords=ENGLISH_STOP_WORDS).tokenize(text)
    starts = np.cumsum([len(sentence) + 2 for sentence in sentences]) - 2
    ends = np.searchsorted(starts, np.cumsum([len(tile) for tile in tiles])[:-1], side="right")
    return [*np.unique(ends).tolist(), len(sentences)]


def mean_errors(texts: Sequence[Text], ends: Sequence[Sequence[int]]) -> tuple[float, float]:
    """Mean P_k and WindowDiff over the texts."""
    errors = [boundary_errors(text.ends, found) for text, found in zip(texts, ends, strict=True)]
    return tuple(float(mean) for mean in np.mean(errors, axis=0))


def boundary_errors(true: Sequence[int], found: Sequence[int]) -> tuple[float, float]:
    """P_k and WindowDiff of one text: shares of the pairs of sentences k apart, with k half the mean true span."""
    width = max(1, round(true[-1] / len(true) / 2))
    reference, hypothesis = gaps(true), gaps(found)
    return pk(reference, hypothesis, k=width), windowdiff(reference, hypothesis, k=width)


def gaps(ends: Sequence[int]) -> str:
    """A digit for each gap between sentences: 1 if a span ends there, else 0."""
    inner = set(ends[:-1])
    return "".join("1" if gap in inner else "0" for gap in range(1, ends[-1]))
