"""Notes: at the foot of columns, possibly continued on the next page, and in the margins next to the text."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from localist.corpus.formats.book import MARK_START
from localist.corpus.formats.pdf_columns import Column, Line, line_of, rows_of
from localist.corpus.formats.pdf_fragments import Fragment

# In multiples of the size of most text.
NOTE_SIZE = 0.92
MARGIN = 0.5
# The distance between notes exceeds that between lines by this factor.
GAP = 1.4
# Shares of the characters on a page: the most in its margins, and the least at the size of most text.
MOST_IN_MARGINS = 0.3
LEAST_TEXT = 0.5

NOTE_START = re.compile(r"\W*(\ue000.{1,4}?\ue001|\d{1,3}\b|[*†‡§¶])")
ENDS_SENTENCE = re.compile(r"[.!?:…。！？]['\"”’»)\]\ue000-\ue001\d]*$")


def split_notes(columns: Sequence[Column], body: float) -> tuple[list[Column], list[list[Line]]]:
    """The columns without their footnotes, and the lines of each footnote.

    A footnote is small print, or lines after a gap, that begins with a mark. Small print without a mark at the foot of
    the next column continues a note that ended in mid-sentence.
    """
    rest: list[Column] = []
    notes: list[list[Line]] = []
    for column in columns:
        unfinished = bool(notes) and column.lines[0].page - notes[-1][-1].page <= 1 and not ends_sentence(notes[-1][-1])
        text, below = _split(column, body, unfinished)
        rest.append(text)
        for number, line in enumerate(below):
            if NOTE_START.match(line.text) or not (notes and (number or unfinished)):
                notes.append([line])
            else:
                notes[-1].append(line)
    return rest, notes


def _split(column: Column, body: float, goes_on: bool) -> tuple[Column, tuple[Line, ...]]:
    lines = column.lines
    small = len(lines)
    while small and lines[small - 1].size < NOTE_SIZE * body:
        small -= 1
    # Small print without a mark is not a note, unless it continues one.
    while small < len(lines) and not goes_on and not NOTE_START.match(lines[small].text):
        small += 1
    apart = (
        number
        for number in range(1, small)
        if lines[number].text.startswith(MARK_START)
        and lines[number - 1].baseline - lines[number].baseline > GAP * column.leading
    )
    start = next(apart, small)
    return replace(column, lines=lines[:start]), lines[start:]


def split_margins(fragments: Sequence[Fragment], body: float, page: int) -> tuple[list[Fragment], list[list[Line]]]:
    """A page without the small print next to its text, and the lines of each of these notes."""
    text = [one for one in fragments if one.size >= NOTE_SIZE * body]
    if not text:
        return list(fragments), []
    widest = max(one.right - one.left for one in text)
    lines = [one for one in text if one.right - one.left >= widest / 2]
    # A line or two may extend into the margin, or be merged with a note.
    left, right = (
        sorted(edges)[len(edges) // 10] for edges in ([one.left for one in lines], [-one.right for one in lines])
    )
    left, right = left - MARGIN * body, MARGIN * body - right
    beside = [one for one in fragments if one.size < NOTE_SIZE * body and (one.right < left or one.left > right)]
    characters, of_text, in_margins = (sum(len(one.text) for one in some) for some in (fragments, text, beside))
    if not beside or of_text < LEAST_TEXT * characters or in_margins > MOST_IN_MARGINS * characters:
        return list(fragments), []
    gone = {id(one) for one in beside}
    notes = [
        note
        for side in ([one for one in beside if one.right < left], [one for one in beside if one.left > right])
        for note in _apart([line_of(row, page) for row in rows_of(side)])
    ]
    return [one for one in fragments if id(one) not in gone], notes


def _apart(lines: Sequence[Line]) -> Iterator[list[Line]]:
    note: list[Line] = []
    for line in lines:
        if note and note[-1].baseline - line.baseline > 1.2 * GAP * line.size:
            yield note
            note = []
        note.append(line)
    if note:
        yield note


def ends_sentence(line: Line) -> bool:
    """Whether a sentence ends with the line."""
    return ENDS_SENTENCE.search(line.text[-12:]) is not None
