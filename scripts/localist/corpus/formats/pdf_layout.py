"""From pieces of lines on pages to paragraphs and headings in reading order."""

import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from localist.corpus.formats.book import HEADING, MARK_START, NOTE, PROSE, Paragraph
from localist.corpus.formats.pdf_columns import SAME_BASELINE, Line, columns_of
from localist.corpus.formats.pdf_fragments import Fragment
from localist.corpus.formats.pdf_scripts import joined

# Lengths in multiples of the font size, unless said otherwise.
INDENT = 0.6
LARGEST_INDENT = 6.0
# A line that ends so far (a share of the column's width) before the edge ends its paragraph.
SHORT_LINE = 0.12
# Paragraphs are further apart than lines by this factor.
PARAGRAPH_GAP = 1.4
SAME_SIZE = 0.08
HEADING_SIZE = 1.12
NOTE_SIZE = 0.92
DROP_CAP_SIZE = 1.6
LONGEST_HEADING = 200

ENDS_SENTENCE = re.compile(r"[.!?:…。！？]['\"”’»)\]\ue000-\ue001\d]*$")
NOTE_START = re.compile(r"\W*(\ue000.{1,4}?\ue001|\d{1,3}\b|[*†‡§¶])")
BULLET = re.compile(r"[•‣▪·]\s")
ITEM_START = re.compile(r"[•‣▪–*·-]\s|\[\w{1,12}\]\s|\(?(?:\d{1,3}|[a-z])[.)]\s")
LETTERS = re.compile(r"[^\W\d_]")


@dataclass(frozen=True)
class Column:
    """Lines from top to bottom, and where most of them begin and end."""

    lines: tuple[Line, ...]
    left: float
    right: float
    leading: float


def paragraphs_of(
    pages: Sequence[Sequence[Fragment]], outline: Mapping[int, Sequence[tuple[int, str]]]
) -> Iterator[Paragraph]:
    """Paragraphs and headings of all pages; `outline` has the bookmarks (level, title) of each page, counted from 1.

    Headings are lines that a bookmark names, and lines in a larger font; small lines at a column's foot that begin
    with a mark are footnotes.
    """
    upright = [_with_drop_caps(fragments) for fragments in pages]
    columns = [_column(lines) for lines in columns_of(upright)]
    body = body_size(line for column in columns for line in column.lines)
    prose = []
    notes: deque[Paragraph] = deque()
    for column in columns:
        rest, below = _split_notes(column, body)
        prose.append(rest)
        notes.extend(Paragraph(_joined(lines), NOTE, page=lines[0].page) for lines in below)
    for paragraph in _headed(_paragraphs(prose), body, outline):
        while notes and (notes[0].page or 0) < (paragraph.page or 0):
            yield notes.popleft()
        yield paragraph
    yield from notes


def _with_drop_caps(fragments: Sequence[Fragment]) -> list[Fragment]:
    """A large initial that reaches down several lines is put before the uppermost line beside it."""
    kept = list(fragments)
    for cap in fragments:
        if len(cap.text.strip()) > 1 or not cap.text.strip().isalpha():
            continue
        beside = [
            one
            for one in kept
            if one.size * DROP_CAP_SIZE < cap.size
            and cap.baseline + SAME_BASELINE * one.size < one.baseline < cap.baseline + cap.size
            and 0 <= one.left - cap.right + INDENT * one.size < 2 * one.size
        ]
        if beside:
            first = max(beside, key=lambda one: one.baseline)
            kept[kept.index(first)] = replace(first, text=cap.text.strip() + first.text)
            kept.remove(cap)
    return kept


def _column(lines: Sequence[Line]) -> Column:
    gaps = [above.baseline - below.baseline for above, below in pairwise(lines)]
    left = Counter(round(line.left) for line in lines).most_common(1)[0][0]
    return Column(
        tuple(lines),
        left=float(left),
        right=max(line.right for line in lines),
        leading=median(gaps) if gaps else lines[0].size * 1.2,
    )


def body_size(fragments: Iterable[Fragment]) -> float:
    """The font size of most characters."""
    sizes: Counter[float] = Counter()
    for fragment in fragments:
        sizes[float(f"{fragment.size:.2g}")] += len(fragment.text)
    return sizes.most_common(1)[0][0] if sizes else 1.0


def _split_notes(column: Column, body: float) -> tuple[Column, list[list[Line]]]:
    """The column without its footnotes, and these: small print, or lines after a gap, that begin with a mark."""
    lines = column.lines
    small = len(lines)
    while small and lines[small - 1].size < NOTE_SIZE * body:
        small -= 1
    # Small print without a mark continues the page before, or is not a note: it stays.
    while small < len(lines) and not NOTE_START.match(lines[small].text):
        small += 1
    apart = (
        number
        for number in range(1, small)
        if lines[number].text.startswith(MARK_START)
        and lines[number - 1].baseline - lines[number].baseline > PARAGRAPH_GAP * column.leading
    )
    start = next(apart, small)
    notes: list[list[Line]] = []
    for line in lines[start:]:
        if NOTE_START.match(line.text) or not notes:
            notes.append([line])
        else:
            notes[-1].append(line)
    return replace(column, lines=lines[:start]), notes


def _paragraphs(columns: Sequence[Column]) -> Iterator[list[Line]]:
    pending: list[Line] = []
    edge = width = 0.0
    for column in columns:
        for above, line in zip([None, *column.lines], column.lines, strict=False):
            if pending and _begins_paragraph(pending, above, line, column, (edge, width)):
                yield pending
                pending = []
            pending.append(line)
            edge, width = column.right, column.right - column.left
    if pending:
        yield pending


def _begins_paragraph(
    pending: Sequence[Line], above: Line | None, line: Line, column: Column, before: tuple[float, float]
) -> bool:
    last = pending[-1]
    if abs(line.size - last.size) > SAME_SIZE * last.size:
        return True
    edge, width = before
    ends_short = last.right < edge - SHORT_LINE * width
    if above is None:
        indented = INDENT * line.size < line.left - column.left < LARGEST_INDENT * line.size
        in_item = ITEM_START.match(pending[0].text) is not None
        return (indented and not in_item) or (ends_short and _ends_sentence(last))
    # A title's lines are further apart than those of the text around it.
    if above.baseline - line.baseline > PARAGRAPH_GAP * max(column.leading, line.size):
        return True
    if BULLET.match(line.text):
        return True
    shift, indent = line.left - above.left, INDENT * line.size
    if shift > indent:  # a paragraph begins, but for the lines of a list's item below its mark
        return len(pending) > 1 or not ITEM_START.match(above.text)
    if len(pending) > 1 and shift < -indent:
        return ends_short or _ends_sentence(last) or ITEM_START.match(line.text) is not None
    return ends_short and _ends_sentence(last)


def _ends_sentence(line: Line) -> bool:
    return ENDS_SENTENCE.search(line.text[-12:]) is not None


def _joined(lines: Sequence[Line]) -> str:
    return joined(line.text for line in lines)


def _headed(
    paragraphs: Iterator[list[Line]], body: float, outline: Mapping[int, Sequence[tuple[int, str]]]
) -> Iterator[Paragraph]:
    found = list(paragraphs)
    larger = sorted({round(lines[0].size, 1) for lines in found if _is_large(lines, body)}, reverse=True)
    deepest = max((level for bookmarks in outline.values() for level, _ in bookmarks), default=0)
    for lines in found:
        text, page = _joined(lines), lines[0].page
        level = _bookmarked(text, outline.get(page, ()))
        if level is None and _is_large(lines, body) and len(text) <= LONGEST_HEADING:
            level = deepest + 1 + larger.index(round(lines[0].size, 1))
        yield Paragraph(text, HEADING if level else PROSE, level or 0, page)


def _is_large(lines: Sequence[Line], body: float) -> bool:
    return lines[0].size >= HEADING_SIZE * body and bool(LETTERS.search(lines[0].text))


def _bookmarked(text: str, bookmarks: Sequence[tuple[int, str]]) -> int | None:
    said = _letters_only(text)
    for level, title in bookmarks:
        wanted = _letters_only(title)
        if wanted and said.endswith(wanted) and len(said) <= len(wanted) + 12:
            return level
    return None


def _letters_only(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())
