"""Sentences of a corpus, with their offsets."""

import re

import pandas as pd
from sentencex import get_sentence_boundaries  # pyright: ignore[reportAttributeAccessIssue] (compiled, without stubs)

from localist.corpus.documents import SECTION_SEPARATOR

# The splitter's time can grow with the square of a line's length: it gets pieces, cut at white space or at stops.
PIECE = re.compile(r".{1,10000}(?:(?<=[\s.!?。！？])|\Z)|.{1,10000}", re.DOTALL)


def split_sentences(text: str, language: str) -> list[tuple[int, int]]:
    """Character offsets (start, end) of the sentences of `text`, surrounding white space left out.

    A line break always ends a sentence: lists and verse have no full stops.
    """
    offsets = []
    position = 0
    for line in (piece for whole in text.splitlines(keepends=True) for piece in PIECE.findall(whole)):
        for boundary in get_sentence_boundaries(language, line):
            raw = line[boundary["start_index"] : boundary["end_index"]]
            if raw.strip():
                start = position + boundary["start_index"] + len(raw) - len(raw.lstrip())
                offsets.append((start, start + len(raw.strip())))
        position += len(line)
    return offsets


def sentences_table(sections: pd.DataFrame, splits: pd.Series, language: str) -> pd.DataFrame:
    """One row per sentence: sentence, document, section, title, heading, split, start, end (in the document), text."""
    rows = []
    used = ["document", "section", "title", "heading", "text"]
    for _, group in sections.groupby("document", sort=True):
        position = 0
        for row in group.sort_values("section")[used].itertuples(index=False, name=None):
            document, section, title, heading, text = row
            for start, end in split_sentences(text, language):
                place = (position + start, position + end, text[start:end])
                rows.append((document, section, title, heading, splits[section], *place))
            position += len(text) + len(SECTION_SEPARATOR)
    columns = ["document", "section", "title", "heading", "split", "start", "end", "text"]
    table = pd.DataFrame(rows, columns=columns)
    table.insert(0, "sentence", range(len(table)))
    return table
