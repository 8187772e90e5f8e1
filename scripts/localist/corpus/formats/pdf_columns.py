"""Assembles line fragments into the lines of each column of a page, in reading order."""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

from localist.corpus.formats.book import MARK_END, MARK_START
from localist.corpus.formats.pdf_fragments import (
    COLUMN_GAP,
    SUPERSCRIPT_RISE,
    SUPERSCRIPT_SIZE,
    WORD_GAP,
    Fragment,
)

# Lengths in multiples of the font size, unless stated otherwise.
SAME_BASELINE = 0.45
# Two columns: the fewest lines on each side, the least width of each (a share of the text width), the largest share of
# lines across both (on a page that shares its gutter with others), and the share of a column's width that half of its
# lines fill.
FEWEST_LINES = 4
NARROWEST_COLUMN = 0.2
MOST_ACROSS = 0.3
LEAST_FILLED = 0.4
GUTTER = 0.4
MOST_PLACES = 400
# A gutter is wider than the gaps between adjacent words by this factor, in this share of the lines that are long
# enough to decide.
WIDER = 1.3
MOSTLY = 0.7
LONG_ROW = 16.0
# The file stores one column after the other if at most this share of the lines continues across the gutter.
FEW = 0.2


# The parts of a line left and right of a position.
Parts = tuple[list[Fragment], list[Fragment]]


@dataclass(frozen=True)
class Line(Fragment):
    """A complete line of one column; `gap` is its widest gap between words or fragments."""

    page: int = 0

    @property
    def is_tabular(self) -> bool:
        """Whether it has a gap too wide for prose: a row of a table, form or listing."""
        return self.gap > COLUMN_GAP * self.size


@dataclass(frozen=True)
class Column:
    """Lines from top to bottom, and the positions where most of them begin and end."""

    lines: tuple[Line, ...]
    left: float
    right: float
    leading: float


@dataclass
class _Row:
    """Fragments of one line from left to right; `baseline` is that of the last full-size fragment."""

    fragments: list[Fragment]
    baseline: float = field(init=False)
    size: float = field(init=False)

    def __post_init__(self) -> None:
        self.baseline, self.size = self.fragments[0].baseline, self.fragments[0].size

    def add(self, one: Fragment) -> None:
        self.fragments.append(one)
        if one.size >= SUPERSCRIPT_SIZE * self.size:
            self.baseline, self.size = one.baseline, one.size


def rows_of(fragments: Sequence[Fragment]) -> list[list[Fragment]]:
    """The fragments of each line from left to right, the lines from top to bottom.

    A fragment belongs to the line that is nearest in height at its beginning, since lines of scans are not straight.
    """
    rows: list[_Row] = []
    ends: list[tuple[float, int]] = []  # baseline and number of each row, in order
    for one in sorted(fragments, key=lambda one: (one.left, -one.baseline)):
        at = bisect_left(ends, (one.baseline, -1))
        near = min(ends[max(0, at - 1) : at + 1], key=lambda end: abs(end[0] - one.baseline), default=None)
        if near is None or abs(near[0] - one.baseline) >= SAME_BASELINE * max(rows[near[1]].size, one.size):
            insort(ends, (one.baseline, len(rows)))
            rows.append(_Row([one]))
            continue
        row = rows[near[1]]
        row.add(one)
        if row.baseline != near[0]:
            del ends[bisect_left(ends, near)]
            insort(ends, (row.baseline, near[1]))
    return sorted((row.fragments for row in rows), key=lambda row: -_height(row))


def _height(row: Sequence[Fragment]) -> float:
    return median(one.baseline for one in row)


def columns_of(pages: Sequence[Sequence[Fragment]]) -> Iterator[Column]:
    """The columns of all pages in reading order."""
    for number, (fragments, gutter) in enumerate(zip(pages, _gutters(pages), strict=True), start=1):
        yield from (_column(lines) for lines in _columns(fragments, number, gutter) if lines)


def _column(lines: Sequence[Line]) -> Column:
    gaps = [above.baseline - below.baseline for above, below in pairwise(lines)]
    left = Counter(round(line.left) for line in lines).most_common(1)[0][0]
    return Column(
        tuple(lines),
        left=float(left),
        right=max(line.right for line in lines),
        leading=median(gaps) if gaps else lines[0].size * 1.2,
    )


def _gutters(pages: Sequence[Sequence[Fragment]]) -> list[float | None]:
    """The gutter of each page; a page with little text gets that of the nearest page of the same side, if it fits."""
    own = [_gutter(fragments) for fragments in pages]
    found = list(own)
    for number, fragments in enumerate(pages):
        near = (other for step in (2, 4, 6) for other in (number - step, number + step) if 0 <= other < len(pages))
        likely = next((own[other] for other in near if own[other] is not None), None)
        if own[number] is None and likely is not None:
            rows = rows_of(fragments)
            across = sum(_goes_over(row, likely) for row in rows)
            if any(one.left >= likely for one in fragments) and across <= MOST_ACROSS * len(rows):
                found[number] = likely
    return found


def _goes_over(row: Sequence[Fragment], x: float) -> bool:
    left, right = _parted(row, x)
    return len(left) + len(right) < len(row) or (bool(left and right) and _is_gutter(left, right) is False)


def _parted(row: Sequence[Fragment], x: float) -> Parts:
    return [one for one in row if one.right <= x], [one for one in row if one.left >= x]


def _columns(fragments: Sequence[Fragment], page: int, gutter: float | None) -> Iterator[list[Line]]:
    """The columns of a page in reading order; a block that spans both columns precedes the columns below it."""
    if gutter is None:
        yield _lines(fragments, page)
        return
    over_both: list[Fragment] = []
    left: list[Fragment] = []
    right: list[Fragment] = []
    order = {id(one): number for number, one in enumerate(fragments)}
    for one in [*sorted(fragments, key=lambda one: -one.baseline), None]:
        if one is not None and one.left < gutter < one.right:
            for side in (left, right):
                yield from _side(side, page, order)
            left, right = [], []
            over_both.append(one)
            continue
        if over_both:
            yield _lines(over_both, page)
            over_both = []
        if one is not None:
            (left if one.right <= gutter else right).append(one)
    for side in (left, right):
        yield from _side(side, page, order)


def _side(fragments: Sequence[Fragment], page: int, order: dict[int, int]) -> Iterator[list[Line]]:
    as_filed = sorted(fragments, key=lambda one: order[id(one)])
    return _columns(as_filed, page, _gutter(as_filed))


def _gutter(fragments: Sequence[Fragment]) -> float | None:
    """The middle of the white space between two columns, or None."""
    if len(fragments) < 2 * FEWEST_LINES:
        return None
    rows = rows_of(fragments)
    follows = {id(one): id(after) for one, after in pairwise(fragments)}
    lefts, rights = sorted(one.left for one in fragments), sorted(one.right for one in fragments)
    left, right = lefts[0], rights[-1]
    size = median(one.size for one in fragments)
    best, run = None, []
    step = max(GUTTER * size / 2, (right - left) / MOST_PLACES)
    if step <= 0:
        return None
    for x in (left + step * count for count in range(1, int((right - left) / step))):
        across = bisect_left(lefts, x) - bisect_left(rights, x)
        if across <= len(fragments) / 2 and _separates(rows, x, right - left, follows):
            run.append(x)
        else:
            best, run = max((best or [], run), key=len), []
    best = max((best or [], run), key=len)
    return best[len(best) // 2] if best else None


def _separates(rows: Sequence[Sequence[Fragment]], x: float, width: float, follows: dict[int, int]) -> bool:
    """Whether x separates columns: there are runs of several lines that do not cross it."""
    parted = [part for stretch in _stretches(rows, x) for part in stretch]
    across = len(rows) - len(parted)
    for side in ([left for left, _ in parted if left], [right for _, right in parted if right]):
        if len(side) < max(FEWEST_LINES, across / 2):
            return False
        column = max(_end(row) for row in side) - min(row[0].left for row in side)
        filled = median(_end(row) - row[0].left for row in side)
        if column < NARROWEST_COLUMN * width or filled < LEAST_FILLED * column:
            return False
    both = [(left, right) for left, right in parted if left and right]
    going_on = sum(follows.get(id(left[-1])) == id(right[0]) for left, right in both)
    decided = [_is_gutter(left, right) for left, right in both]
    gutters, gaps = decided.count(True), decided.count(False)
    return going_on <= FEW * len(both) or (gutters >= FEWEST_LINES and gutters >= MOSTLY * (gutters + gaps))


def _end(row: Sequence[Fragment]) -> float:
    return max(one.right for one in row)


def _stretches(rows: Sequence[Sequence[Fragment]], x: float) -> Iterator[list[Parts]]:
    stretch: list[Parts] = []
    for row in [*rows, None]:
        parts = ([], []) if row is None else _parted(row, x)
        if row is not None and len(parts[0]) + len(parts[1]) == len(row):
            stretch.append(parts)
            continue
        if len(stretch) >= FEWEST_LINES:
            yield stretch
        stretch = []


def _is_gutter(left: Sequence[Fragment], right: Sequence[Fragment]) -> bool | None:
    """Whether a line's gap is a gutter rather than a word space; None if the line is too short to decide."""
    between = right[0].left - _end(left)
    inside = [after.left - one.right for side in (left, right) for one, after in pairwise(side)]
    widest = max([*inside, *(one.gap for one in (*left, *right))])
    if between <= WIDER * widest:
        return False
    length = _end(right) - left[0].left - between
    return True if length > LONG_ROW * left[0].size else None


def _lines(fragments: Sequence[Fragment], page: int) -> list[Line]:
    return [line_of(row, page) for row in rows_of(fragments)]


def line_of(row: Sequence[Fragment], page: int) -> Line:
    """The line made of these fragments."""
    main = max(row, key=lambda one: len(one.text))
    gap = max([main.gap, *(after.left - one.right for one, after in pairwise(row) if not _is_raised(after, main))])
    return Line(row_text(row), row[0].left, _end(row), main.baseline, main.size, gap, page)


def row_text(row: Sequence[Fragment]) -> str:
    """The text of a line; raised numbers become footnote marks."""
    if len(row) == 1:
        return row[0].text
    main = max(row, key=lambda one: len(one.text))
    parts = []
    for before, one in zip([None, *row], row, strict=False):
        if before is not None and one.left - before.right > WORD_GAP * main.size:
            parts.append(" ")
        parts.append(f"{MARK_START}{one.text}{MARK_END}" if _is_raised(one, main) else one.text)
    return "".join(parts)


def _is_raised(one: Fragment, main: Fragment) -> bool:
    return one.size < SUPERSCRIPT_SIZE * main.size and one.baseline > main.baseline + SUPERSCRIPT_RISE * main.size
