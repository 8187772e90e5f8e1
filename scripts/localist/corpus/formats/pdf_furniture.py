"""Page furniture: running heads, feet and page numbers, which recur at the edges of pages."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from localist.corpus.formats.pdf_layout import HEADING_SIZE, Fragment, body_size

RUNNING_HEADS = "running_heads"
PAGE_NUMBERS = "page_numbers"

# How many lines from the top, and from the bottom, can be furniture.
EDGE_LINES = 2
# Lines of equal baseline, in points.
SAME_PLACE = 3.0
FEWEST_REPEATS = 3
LEAST_DENSITY = 0.2
# A place whose lines mostly come back holds nothing but furniture, also where a title stands on one page only.
MOSTLY = 0.6

DIGITS = re.compile(r"\d+|\b[ivxlcdm]+\b")
PAGE_NUMBER = re.compile(
    r"\W*(?:page|seite|p\.|s\.)?\W*(\d{1,4}|[ivxlcdm]{1,8})\W*(?:(?:of|/|von|de|sur)\W*\d{1,5}\W*)?", re.I
)
HEAD_WITH_NUMBER = re.compile(r"(\d{1,4})\s+\D.{0,100}|.{0,100}\D\s+(\d{1,4})")
ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100, "d": 500, "m": 1000}


def without_furniture(
    pages: Sequence[Sequence[Fragment]], steps: Iterable[str]
) -> tuple[list[list[Fragment]], dict[str, tuple[str, ...]]]:
    """The fragments of each page without its furniture, and what was taken out by which step.

    Furniture is a line among the outermost EDGE_LINES of its page of which a part, digits aside, stands on
    FEWEST_REPEATS pages at least; any line in a place (height on the page) where most lines do; and a number that
    counts with the pages.
    """
    steps = set(steps)
    body = body_size(fragment for fragments in pages for fragment in fragments)
    edges = [_edge_lines(fragments, body) for fragments in pages]
    numbers, numbered_heads = counting_lines(edges)
    heads = (recurring_lines(edges) | numbered_heads) - numbers
    kept = []
    removed: dict[str, list[str]] = {RUNNING_HEADS: [], PAGE_NUMBERS: []}
    for page, (fragments, lines) in enumerate(zip(pages, edges, strict=True)):
        gone: set[int] = set()
        for place, line in lines.items():
            step = RUNNING_HEADS if (page, place) in heads else PAGE_NUMBERS if (page, place) in numbers else None
            if step in steps:
                removed[step].append(_text(line))
                gone.update(id(fragment) for fragment in line)
        kept.append([fragment for fragment in fragments if id(fragment) not in gone])
    return kept, {step: tuple(texts) for step, texts in removed.items() if step in steps}


def _edge_lines(fragments: Sequence[Fragment], body: float) -> dict[int, list[Fragment]]:
    """The outermost lines of a page by height, but for titles, which are larger and which running heads repeat."""
    lines: list[list[Fragment]] = []
    for fragment in sorted(fragments, key=lambda one: -one.baseline):
        if lines and lines[-1][0].baseline - fragment.baseline < SAME_PLACE:
            lines[-1].append(fragment)
        else:
            lines.append([fragment])
    chosen = lines[:EDGE_LINES] + lines[max(EDGE_LINES, len(lines) - EDGE_LINES) :]
    small = [line for line in chosen if max(fragment.size for fragment in line) < HEADING_SIZE * body]
    return {round(line[0].baseline / SAME_PLACE): sorted(line, key=lambda one: one.left) for line in small}


def recurring_lines(edges: Sequence[dict[int, list[Fragment]]]) -> set[tuple[int, int]]:
    parts_of = {
        (page, place): {without_digits(fragment.text) for fragment in line} - {""}
        for page, lines in enumerate(edges)
        for place, line in lines.items()
    }
    pages_of = defaultdict(set)
    for (page, _), parts in parts_of.items():
        for part in parts:
            pages_of[part].add(page)
    heads = {part for part, pages in pages_of.items() if _comes_back(pages)}
    found = {where for where, parts in parts_of.items() if parts & heads}
    by_place = defaultdict(list)
    for page, place in parts_of:
        by_place[place].append((page, place))
    for places in by_place.values():
        returning = found.intersection(places)
        if len(returning) >= max(FEWEST_REPEATS, MOSTLY * len(places)):
            found.update(where for where in places if parts_of[where])
    return found


def _comes_back(pages: set[int]) -> bool:
    """Whether a line recurs often enough: heads stand on every other page of their chapter, chance repeats do not."""
    return len(pages) >= FEWEST_REPEATS and len(pages) >= LEAST_DENSITY * (max(pages) - min(pages) + 1)


def counting_lines(edges: Sequence[dict[int, list[Fragment]]]) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
    """Lines that are a number which grows by one from page to page, and lines that begin or end with it (heads also of
    chapters of one page)."""
    alone, in_heads = _offsets(edges, PAGE_NUMBER), _offsets(edges, HEAD_WITH_NUMBER)
    agreeing = Counter([*alone.values(), *in_heads.values()])
    numbers = {where for where, offset in alone.items() if agreeing[offset] > 1}
    return numbers, {where for where, offset in in_heads.items() if agreeing[offset] >= FEWEST_REPEATS}


def _offsets(
    edges: Sequence[dict[int, list[Fragment]]], pattern: re.Pattern[str]
) -> dict[tuple[int, int], tuple[bool, int]]:
    """By how much the number in a line differs from its page's place in the file; Roman ones count by themselves."""
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


def _text(line: Iterable[Fragment]) -> str:
    return " ".join(fragment.text.strip() for fragment in line)


def without_digits(text: str) -> str:
    """A head's text without its page number; empty for a line that is only a number."""
    return " ".join(re.sub(r"\W+", " ", DIGITS.sub(" ", text.casefold())).split())
