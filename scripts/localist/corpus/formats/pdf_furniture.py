"""Page furniture: running heads, running feet and page numbers at page edges, line numbers, stamps over the text."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise

from localist.corpus.formats.pdf_columns import row_text, rows_of
from localist.corpus.formats.pdf_fragments import Fragment, body_size
from localist.corpus.formats.pdf_layout import HEADING_SIZE
from localist.corpus.formats.pdf_notes import NOTE_SIZE

RUNNING_HEADS = "running_heads"
PAGE_NUMBERS = "page_numbers"

# How many lines at the top, and at the bottom, can be furniture.
EDGE_LINES = 2
# Lines within this distance, in points, count as equally high on their pages.
SAME_PLACE = 3.0
# Gaps of at least this width, in multiples of the font size, separate the parts of a running head.
PART_GAP = 3.0
MOST_PARTS = 3
FEWEST_REPEATS = 3
LEAST_DENSITY = 0.2
# With this few pages (a web page printed from a browser), a line cannot recur more often.
TWO_PAGES = 2
ENDS_CLAUSE = re.compile(r"[.,;-]['\"”’»)]*$")
# Besides titles, a running head has at most this many letters, as in "appendix". Shorter titles may be ordinary words.
MOST_LETTERS_BESIDE = 8
FEWEST_LETTERS = 4
# A position whose lines mostly recur holds only furniture, even if a title occurs on a single page.
MOSTLY = 0.6

DIGITS = re.compile(r"\d+|\b[ivxlcdm]+\b")
PAGE_NUMBER = re.compile(
    r"\W*(?:page|seite|p\.|s\.)?\W*(\d{1,4}|[ivxlcdm]{1,8})\W*(?:(?:of|/|von|de|sur)\W*\d{1,5}\W*)?", re.I
)
HEAD_WITH_NUMBER = re.compile(r"(\d{1,4})\s+\D.{0,100}|.{0,100}\D\s+(\d{1,4})")
LINE_NUMBER = re.compile(r"\d{1,5}")
FEWEST_LINE_NUMBERS = 4
ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100, "d": 500, "m": 1000}


def without_furniture(
    pages: Sequence[Sequence[Fragment]], steps: Iterable[str]
) -> tuple[list[list[Fragment]], dict[str, tuple[str, ...]]]:
    """The fragments of each page without its furniture, and step → texts removed.

    Furniture is a line among the outermost EDGE_LINES of its page if part of it, digits aside, occurs on at least
    FEWEST_REPEATS pages, or if it is made of titles; any line in a position (height on the page) where most lines are
    of these kinds; a number that counts the pages, or the lines next to it; and a large word in the same position on
    most pages.
    """
    steps = set(steps)
    body = body_size(fragment for fragments in pages for fragment in fragments)
    rows = [rows_of(fragments) for fragments in pages]
    edges = [_edge_lines(lines, body) for lines in rows]
    numbers, numbered_heads = counting_lines(edges)
    heads = (recurring_lines(edges, titles_of(rows, body)) | numbered_heads) - numbers
    stamps = _stamps(pages, body)
    kept = []
    removed: dict[str, list[str]] = {RUNNING_HEADS: [], PAGE_NUMBERS: []}
    for page, (fragments, lines) in enumerate(zip(pages, edges, strict=True)):
        furniture = {
            RUNNING_HEADS: [
                *(line for place, line in lines.items() if (page, place) in heads),
                *([one] for one in fragments if _stamp(one) in stamps),
            ],
            PAGE_NUMBERS: [
                *(line for place, line in lines.items() if (page, place) in numbers),
                *([one] for one in _line_numbers(rows[page], body)),
            ],
        }
        gone: set[int] = set()
        for step in steps.intersection(furniture):
            removed[step] += [_text(line) for line in furniture[step]]
            gone.update(id(one) for line in furniture[step] for one in line)
        kept.append([fragment for fragment in fragments if id(fragment) not in gone])
    return kept, {step: tuple(texts) for step, texts in removed.items() if step in steps}


def _edge_lines(rows: Sequence[list[Fragment]], body: float) -> dict[int, list[Fragment]]:
    """The outermost lines of a page by height, except titles, which are larger and repeated in running heads."""
    chosen = [*rows[:EDGE_LINES], *rows[max(EDGE_LINES, len(rows) - EDGE_LINES) :]]
    small = [row for row in chosen if max(fragment.size for fragment in row) < HEADING_SIZE * body]
    return {round(max(row, key=lambda one: len(one.text)).baseline / SAME_PLACE): row for row in small}


def _stamps(pages: Sequence[Sequence[Fragment]], body: float) -> set[tuple[str, int, int]]:
    """Large words in the same position on most pages: watermarks."""
    pages_of = defaultdict(set)
    for number, fragments in enumerate(pages):
        for one in fragments:
            if one.size >= HEADING_SIZE * body:
                pages_of[_stamp(one)].add(number)
    return {stamp for stamp, found in pages_of.items() if len(found) >= max(FEWEST_REPEATS, MOSTLY * len(pages))}


def _stamp(one: Fragment) -> tuple[str, int, int]:
    return one.text, round(one.left), round(one.baseline)


def _line_numbers(rows: Sequence[Sequence[Fragment]], body: float) -> list[Fragment]:
    """Numbers next to the lines of a page or column that count them, every line or every fifth."""
    beside = [
        (number, one)
        for number, row in enumerate(rows)
        for one in row
        if len(row) > 1
        and LINE_NUMBER.fullmatch(one.text.strip())
        and (one is row[0] or one is row[-1] or one.size < NOTE_SIZE * body)
    ]
    found = []
    while len(beside) >= FEWEST_LINE_NUMBERS:
        in_place = [(number, one) for number, one in beside if _in_place(beside[0][1], one)]
        if _longest_count(in_place) >= FEWEST_LINE_NUMBERS:
            found += [one for _, one in in_place]
        beside = [(number, one) for number, one in beside if not _in_place(beside[0][1], one)]
    return found


def _in_place(above: Fragment, one: Fragment) -> bool:
    return min(abs(one.left - above.left), abs(one.right - above.right)) < one.size


def _longest_count(beside: Sequence[tuple[int, Fragment]]) -> int:
    """The length of the longest run of numbers that increase with the lines."""
    best = run = 0
    for (line_above, above), (line, one) in pairwise(beside):
        counts = 0 < int(one.text) - int(above.text) == line - line_above
        run = (run or 1) + 1 if counts else 0
        best = max(best, run)
    return best


def titles_of(rows: Sequence[Sequence[list[Fragment]]], body: float) -> list[str]:
    """The letters of the titles (one or several consecutive larger lines) of all pages, longest first."""
    titles = set()
    for lines in rows:
        title = ""
        for line in lines:
            is_large = max(one.size for one in line) >= HEADING_SIZE * body
            letters = _letters(line) if is_large else ""
            title = title + letters if is_large else ""
            titles |= {letters, title}
    return sorted((one for one in titles if len(one) >= FEWEST_LETTERS), key=lambda one: (-len(one), one))


def _is_made_of_titles(line: Sequence[Fragment], titles: Sequence[str]) -> bool:
    """Whether a line repeats titles, as the running heads of chapters do; a line that ends a sentence is text."""
    text, letters = _text(line), _letters(line)
    if text[:1].islower() or ENDS_CLAUSE.search(text):
        return False
    rest = letters
    for title in titles:
        rest = rest.replace(title, "")
    return len(rest) <= MOST_LETTERS_BESIDE and len(rest) < len(letters) / 2


def _letters(line: Sequence[Fragment]) -> str:
    return "".join(filter(str.isalpha, _text(line).casefold()))


def recurring_lines(edges: Sequence[dict[int, list[Fragment]]], titles: Sequence[str] = ()) -> set[tuple[int, int]]:
    parts_of = {
        (page, place): {without_digits(part) for part in _parts(line)} - {""}
        for page, lines in enumerate(edges)
        for place, line in lines.items()
    }
    pages_of = defaultdict(set)
    for (page, _), parts in parts_of.items():
        for part in parts:
            pages_of[part].add(page)
    heads = {part for part, pages in pages_of.items() if _comes_back(pages)}
    found = {where for where, parts in parts_of.items() if parts & heads}
    if len(edges) == TWO_PAGES:
        outermost = {place for lines in edges for place in (max(lines, default=0), min(lines, default=0))}
        found |= {
            (page, place)
            for (page, place), parts in parts_of.items()
            if place in outermost
            and parts & parts_of.get((1 - page, place), set())
            and not ENDS_CLAUSE.search(_text(edges[page][place]))
        }
    found |= {
        (page, place)
        for page, lines in enumerate(edges)
        for place, line in lines.items()
        if titles and _is_made_of_titles(line, titles)
    }
    by_place = defaultdict(list)
    for page, place in parts_of:
        by_place[place].append((page, place))
    for places in by_place.values():
        returning = found.intersection(places)
        if len(returning) >= max(FEWEST_REPEATS, MOSTLY * len(places)):
            found.update(where for where in places if parts_of[where])
    return found


def _parts(line: Sequence[Fragment]) -> list[str]:
    """A line, and its parts between wide gaps, such as a book title on the left and a chapter title on the right."""
    parts = [[line[0]]]
    for before, one in pairwise(line):
        if one.left - before.right > PART_GAP * one.size:
            parts.append([])
        parts[-1].append(one)
    return [_text(line), *(_text(part) for part in parts if 1 < len(parts) <= MOST_PARTS)]


def _comes_back(pages: set[int]) -> bool:
    """Whether a line recurs often enough: running heads occur on every other page of a chapter."""
    return len(pages) >= FEWEST_REPEATS and len(pages) >= LEAST_DENSITY * (max(pages) - min(pages) + 1)


def counting_lines(edges: Sequence[dict[int, list[Fragment]]]) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
    """Lines that are a number increasing by one per page, and lines that begin or end with such a number (running
    heads, even of one-page chapters)."""
    alone, in_heads = _offsets(edges, PAGE_NUMBER), _offsets(edges, HEAD_WITH_NUMBER)
    of_pages = {(page, offset) for offsets in (alone, in_heads) for (page, _), offset in offsets.items()}
    agreeing = Counter(offset for _, offset in of_pages)
    numbers = {where for where, offset in alone.items() if agreeing[offset] > 1}
    return numbers, {where for where, offset in in_heads.items() if agreeing[offset] >= FEWEST_REPEATS}


def _offsets(
    edges: Sequence[dict[int, list[Fragment]]], pattern: re.Pattern[str]
) -> dict[tuple[int, int], tuple[bool, int]]:
    """The difference between the number in a line and its page's position in the file; Roman numerals are separate."""
    offsets = {}
    for page, lines in enumerate(edges):
        for place, line in lines.items():
            match = pattern.fullmatch(_text(line))
            number = match and next(group for group in match.groups() if group)
            if number:
                offsets[page, place] = (number.isdigit(), _value(number) - page)
    return offsets


def _value(number: str) -> int:
    if number.isdigit():
        return int(number)
    values = [ROMAN[letter] for letter in number.lower()]
    return sum(-one if one < after else one for one, after in zip(values, [*values[1:], 0], strict=True))


def _text(line: Sequence[Fragment]) -> str:
    return row_text(line).strip()


def without_digits(text: str) -> str:
    """The text of a running head without its page number; empty for a line that is only a number."""
    return " ".join(re.sub(r"\W+", " ", DIGITS.sub(" ", text.casefold())).split())
