"""Assembles the line fragments of pages into paragraphs and headings in reading order."""

import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from localist.corpus.formats.book import HEADING, NOTE, PROSE, Paragraph
from localist.corpus.formats.pdf_columns import SAME_BASELINE, Column, Line, columns_of
from localist.corpus.formats.pdf_fragments import Fragment, body_size
from localist.corpus.formats.pdf_notes import NOTE_SIZE, ends_sentence, split_margins, split_notes

# Lengths in multiples of the font size, unless stated otherwise.
INDENT = 0.6
LARGEST_INDENT = 6.0
# A line that ends this far (a share of the column width) before the edge ends its paragraph.
SHORT_LINE = 0.12
# The distance between paragraphs exceeds that between lines by this factor.
PARAGRAPH_GAP = 1.4
SAME_SIZE = 0.08
HEADING_SIZE = 1.12
DROP_CAP_SIZE = 1.6
LONGEST_HEADING = 200
# Consecutive captions, and lines of small print, within a paragraph.
MOST_CAPTIONS = 8

BULLET = re.compile(r"[•‣▪·]\s")
ITEM_START = re.compile(r"[•‣▪–*·-]\s|\[\w{1,12}\]\s|\(?(?:\d{1,3}|[a-z])[.)]\s")
CAPTION = re.compile(
    r"(?:fig(?:ure|ura)?|table|tab|plate|chart|map|illustration|scheme|abb(?:ildung)?|tafel|tabelle|tableau|tabla|cuadro|"
    r"рис(?:унок)?|табл(?:ица)?)\b\.?\s*\W?\d|[图圖表図]\s*\d",
    re.IGNORECASE,
)
LETTERS = re.compile(r"[^\W\d_]")


@dataclass(frozen=True)
class Layout:
    """The columns of all pages in reading order, the lines of each marginal note, and the font size of most text."""

    columns: list[Column]
    beside: list[list[Line]]
    body: float


def layout_of(pages: Sequence[Sequence[Fragment]]) -> Layout:
    """The columns and notes of all pages."""
    body = body_size(fragment for fragments in pages for fragment in fragments)
    parted = [split_margins(_with_drop_caps(one), body, number) for number, one in enumerate(pages, start=1)]
    columns = list(columns_of([rest for rest, _ in parted]))
    return Layout(columns, [note for _, beside in parted for note in beside], body)


def paragraphs_of(layout: Layout, outline: Mapping[int, Sequence[tuple[int, str]]]) -> Iterator[Paragraph]:
    """Paragraphs and headings of all pages; `outline` has the bookmarks (level, title) of each page, counted from 1.

    Headings are lines named by a bookmark and lines in a larger font. Notes follow the prose of their page, captions
    follow the paragraph that they interrupt.
    """
    body = layout.body
    prose, footnotes = split_notes(layout.columns, body)
    found = [*footnotes, *layout.beside]
    found.sort(key=lambda lines: lines[0].page)
    notes = deque(Paragraph(_joined(lines), NOTE, page=lines[0].page) for lines in found)
    for paragraph in _headed(_without_captions_inside(list(_paragraphs(prose)), body), body, outline):
        while notes and (notes[0].page or 0) < (paragraph.page or 0):
            yield notes.popleft()
        yield paragraph
    yield from notes


def _with_drop_caps(fragments: Sequence[Fragment]) -> list[Fragment]:
    """Put each drop cap before the uppermost line next to it."""
    kept = list(fragments)
    usual = median(one.size for one in fragments) if fragments else 0.0
    for cap in fragments:
        if cap.size < DROP_CAP_SIZE * usual or len(cap.text.strip()) > 1 or not cap.text.strip().isalpha():
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
        return (indented and not in_item) or (ends_short and ends_sentence(last))
    # The lines of a title are further apart than those of the surrounding text.
    if above.baseline - line.baseline > PARAGRAPH_GAP * max(column.leading, line.size):
        return True
    if BULLET.match(line.text):
        return True
    shift, indent = line.left - above.left, INDENT * line.size
    if shift > indent:  # a paragraph begins, unless the line continues a list item
        return len(pending) > 1 or not ITEM_START.match(above.text)
    if len(pending) > 1 and shift < -indent:
        return ends_short or ends_sentence(last) or ITEM_START.match(line.text) is not None
    return ends_short and ends_sentence(last)


def _without_captions_inside(paragraphs: Sequence[list[Line]], body: float) -> list[list[Line]]:
    """Rejoin paragraphs interrupted by a figure and its caption; the caption follows them."""
    whole: list[list[Line]] = []
    captions: list[list[Line]] = []
    for lines in paragraphs:
        if whole and len(captions) < MOST_CAPTIONS and (_is_caption(lines) or lines[0].size < NOTE_SIZE * body):
            captions.append(lines)
            continue
        if whole and captions and _goes_on(whole[-1], lines):
            whole[-1] = [*whole[-1], *lines]
            continue
        whole += [*captions, lines]
        captions = []
    return [*whole, *captions]


def _is_caption(lines: Sequence[Line]) -> bool:
    return CAPTION.match(lines[0].text) is not None


def _goes_on(above: Sequence[Line], below: Sequence[Line]) -> bool:
    """Whether a paragraph continues in the lines below: in mid-sentence and at the same font size."""
    first = below[0].text.lstrip()
    return (
        abs(above[-1].size - below[0].size) <= SAME_SIZE * above[-1].size
        and not ends_sentence(above[-1])
        and first[:1].islower()
        and ITEM_START.match(first) is None
        and below[0].page - above[-1].page <= 1
    )


def _joined(lines: Sequence[Line]) -> str:
    return "\n".join(line.text for line in lines)


def _headed(
    found: Sequence[list[Line]], body: float, outline: Mapping[int, Sequence[tuple[int, str]]]
) -> Iterator[Paragraph]:
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
