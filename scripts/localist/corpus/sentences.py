"""Sentences of a corpus, with their offsets, and the split that each section belongs to."""

import hashlib
import re
from collections.abc import Mapping

import pandas as pd
import sentencex

from localist.corpus.documents import SECTION_SEPARATOR

SPLITS = ("train", "validation", "test")
# The splitter's time can grow with the square of a line's length: it gets pieces, cut at white space or at stops.
PIECE = re.compile(r".{1,10000}(?:(?<=[\s.!?。！？])|\Z)|.{1,10000}", re.DOTALL)


def split_sentences(text: str, language: str) -> list[tuple[int, int]]:
    """Character offsets (start, end) of the sentences of `text`, surrounding white space left out.

    A line break always ends a sentence: lists and verse have no full stops.
    """
    offsets = []
    position = 0
    for line in (piece for whole in text.splitlines(keepends=True) for piece in PIECE.findall(whole)):
        for boundary in sentencex.get_sentence_boundaries(language, line):
            raw = line[boundary["start_index"] : boundary["end_index"]]
            if raw.strip():
                start = position + boundary["start_index"] + len(raw) - len(raw.lstrip())
                offsets.append((start, start + len(raw.strip())))
        position += len(line)
    return offsets


def assign_splits(sections: pd.DataFrame, shares: Mapping[str, float], seed: int) -> pd.Series:
    """The split of each section (rows with document, title, section, heading, text), by its number in the corpus.

    Whole sections, stratified over documents, stable (method.md, Splits): within each document the sections are
    ordered by a seeded hash, and each goes to the split that is furthest behind its share of the characters so far.
    """
    order = sections.assign(
        rank=[
            _stable_rank(seed, title, heading, number)
            for title, heading, number in zip(
                sections["title"], sections["heading"], sections.groupby("document")["section"].rank(), strict=True
            )
        ],
        characters=sections["text"].str.len(),
    ).sort_values(["document", "rank"])
    assigned = dict.fromkeys(shares, 0.0)
    seen = 0
    splits = {}
    for row in order.itertuples():
        seen += row.characters
        behind = {name: share * seen - assigned[name] for name, share in shares.items()}
        name = max(behind, key=behind.get)
        assigned[name] += row.characters
        splits[row.section] = name
    return pd.Series(splits, name="split").sort_index()


def sentences_table(sections: pd.DataFrame, splits: pd.Series, language: str) -> pd.DataFrame:
    """One row per sentence: sentence, document, section, title, heading, split, start, end (in the document), text."""
    rows = []
    for (document, title), group in sections.groupby(["document", "title"], sort=True):
        position = 0
        for row in group.sort_values("section").itertuples():
            for start, end in split_sentences(row.text, language):
                place = (position + start, position + end, row.text[start:end])
                rows.append((document, row.section, title, row.heading, splits[row.section], *place))
            position += len(row.text) + len(SECTION_SEPARATOR)
    columns = ["document", "section", "title", "heading", "split", "start", "end", "text"]
    table = pd.DataFrame(rows, columns=columns)
    table.insert(0, "sentence", range(len(table)))
    return table


def _stable_rank(seed: int, title: str, heading: str, number: int) -> str:
    return hashlib.sha256(f"{seed}\x1f{title}\x1f{heading}\x1f{number}".encode()).hexdigest()
