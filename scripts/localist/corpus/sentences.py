"""The sentences of a corpus, with their offsets."""

import re
from collections.abc import Iterator

import pandas as pd
from sentencex import get_sentence_boundaries  # pyright: ignore[reportAttributeAccessIssue] (compiled, without stubs)

from localist.corpus.documents import SECTION_SEPARATOR
from localist.corpus.sentence_joints import MASK, UNIT, cuts_within_marks, runs_on

# Characters of context used to decide whether a candidate is the end of a sentence.
NEAR = 200
# The splitter's time can grow with the square of the line length, so lines are cut at white space or full stops first.
PIECE = re.compile(r".{1,10000}(?:(?<=[\s.!?。！？])|\Z)|.{1,10000}", re.DOTALL)


def split_sentences(text: str, language: str) -> list[tuple[int, int]]:
    """Character offsets (start, end) of the sentences of `text`, without surrounding white space.

    A line break always ends a sentence: lists and verse have no full stops.
    """
    offsets = []
    position = 0
    for line in (piece for whole in text.splitlines(keepends=True) for piece in PIECE.findall(whole)):
        offsets.extend((position + start, position + end) for start, end in _sentences(line, language))
        position += len(line)
    return offsets


def _sentences(line: str, language: str) -> Iterator[tuple[int, int]]:
    start = 0
    for cut in sorted({*_cuts(line, language), len(line)}):
        before, after = line[max(start, cut - NEAR) : cut].strip(), line[cut : cut + NEAR].lstrip()
        if not after or (before and not runs_on(before, after, language)):
            sentence = line[start:cut]
            if before:
                first = start + len(sentence) - len(sentence.lstrip())
                yield first, start + len(sentence.rstrip())
            start = cut


def _cuts(line: str, language: str) -> Iterator[int]:
    for found in get_sentence_boundaries(language, line):
        start, end = found["start_index"], found["end_index"]
        yield end
        sentence = line[start:end]
        masked = sentence.translate(MASK)
        if masked != sentence:
            inner = (one["end_index"] for one in get_sentence_boundaries(language, masked))
            yield from (
                start + cut for cut in cuts_within_marks(sentence, (len(masked[:one].rstrip()) for one in inner))
            )
        yield from (start + unit.end() for unit in UNIT.finditer(sentence))


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
