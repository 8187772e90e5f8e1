"""Plain text with pages, as written by pdftotext: form feeds, running heads and page numbers."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise

from localist.corpus.formats.heading_words import heading_level
from localist.corpus.formats.pdf_fragments import Fragment
from localist.corpus.formats.pdf_furniture import (
    PAGE_NUMBER,
    PAGE_NUMBERS,
    RUNNING_HEADS,
    counting_lines,
    recurring_lines,
    without_digits,
)
from localist.corpus.wrapped_lines import ENDS_SENTENCE, SHORT, goes_on

Page = list[str]
Place = tuple[int, int]  # page, line

# How many lines at the top of a page, and at its foot, can be furniture.
EDGE_LINES = 2
# In a text without form feeds: fewest numbers on lines of their own, and how many lines around each are examined.
FEWEST_NUMBERS = 2
NEAR = 4
LONGEST_HEAD = 200
# Separates the parts of a running head: title and number.
WIDE_GAP = "   "


def lines_without_pages(text: str, width: int, steps: Collection[str]) -> tuple[list[str], dict[str, tuple[str, ...]]]:
    """The lines of a text with its pages joined, and step → texts removed.

    A sentence may continue on the next page. Pages end with form feeds or, if there are none, with numbers on lines of
    their own that count up and interrupt a sentence at least once. `width` is the number of characters of a full line.
    """
    pages = [page.split("\n") for page in text.split("\f")]
    if len(pages) == 1:
        pages = _numbered_pages(pages[0])
    if len(pages) == 1:
        return pages[0], {}
    furniture = _furniture(pages, width)
    removed = {
        step: tuple(pages[page][line].strip() for (page, line), one in sorted(furniture.items()) if one == step)
        for step in (RUNNING_HEADS, PAGE_NUMBERS)
        if step in steps
    }
    gone = {place for place, step in furniture.items() if step in steps}
    kept = [[line for n, line in enumerate(lines) if (page, n) not in gone] for page, lines in enumerate(pages)]
    return _joined(kept, width), removed


def _numbered_pages(lines: Page) -> list[Page]:
    """The pages, each ending with its number."""
    alone = [
        (number, int(digits[0]))
        for number, (above, line, below) in enumerate(zip(["", *lines], lines, [*lines[1:], ""], strict=False))
        if len(line) <= LONGEST_HEAD and not above.strip() and not below.strip() and PAGE_NUMBER.fullmatch(line.strip())
        if (digits := re.findall(r"\d{1,4}", line))
    ]
    ends = {one for (one, value), (other, after) in pairwise(alone) if after == value + 1 for one in (one, other)}
    if len(ends) < FEWEST_NUMBERS or not any(_interrupts(lines, number) for number in ends):
        return [lines]
    pages: list[Page] = [[]]
    for number, line in enumerate(lines):
        pages[-1].append(line)
        if number in ends:
            pages.append([])
    return pages


def _interrupts(lines: Sequence[str], number: int) -> bool:
    above = next((line for line in reversed(lines[max(0, number - NEAR) : number]) if line.strip()), "")
    below = next((line for line in lines[number + 1 : number + 1 + NEAR] if line.strip()), "")
    return bool(above) and not ENDS_SENTENCE.search(above.rstrip()) and goes_on(below)


def _furniture(pages: Sequence[Page], width: int) -> dict[Place, str]:
    """Position of each page number or running head → the step that removes it."""
    lines = {(page, n): line.strip() for page, text in enumerate(pages) for n, line in enumerate(text) if line.strip()}
    edges = [
        place
        for place in _edges(lines, len(pages))
        if len(lines[place]) <= LONGEST_HEAD and (_is_like_head(lines[place], width) or _stands_alone(place, pages))
    ]
    found = _recurring({place: lines[place] for place in edges}, len(pages), width)
    interrupting = _interrupting({place: line for place, line in lines.items() if place not in found}, pages, width)
    found |= dict.fromkeys(interrupting, RUNNING_HEADS)
    heads = {without_digits(lines[place]) for place, step in found.items() if step == RUNNING_HEADS} - {""}
    again = (place for place in edges if place not in found and without_digits(lines[place]) in heads)
    return found | dict.fromkeys(again, RUNNING_HEADS)


def _edges(lines: Mapping[Place, str], pages: int) -> list[Place]:
    """The outermost lines of each page, except a chapter heading at the top."""
    outermost = (dict.fromkeys((*one[:EDGE_LINES], *one[-EDGE_LINES:])) for one in _by_page(lines, pages))
    named: set[str] = set()
    chosen = []
    for place in (place for page in outermost for place in page):
        if lines[place] in named or not heading_level(lines[place]):
            chosen.append(place)
        named.add(lines[place])
    return chosen


def _recurring(edges: Mapping[Place, str], pages: int, width: int) -> dict[Place, str]:
    # Each line gets its own height for the PDF functions, so that the first line of a page is not taken for a running
    # head just because those of other pages are.
    fragments: list[dict[int, list[Fragment]]] = [{} for _ in range(pages)]
    for (page, line), text in edges.items():
        fragments[page][line * pages + page] = [Fragment(text, 0, 0, 0, 1)]
    numbers, numbered = counting_lines(fragments)
    heads = (recurring_lines(fragments) | numbered) - numbers
    found = {(page, height // pages): PAGE_NUMBERS for page, height in numbers}
    found |= {(page, height // pages): RUNNING_HEADS for page, height in heads}
    if numbers:  # page numbers prove that there are pages, so even one repetition is not chance
        likely = {place: without_digits(text) for place, text in edges.items() if _is_like_head(text, width)}
        times = Counter(likely.values())
        found = dict.fromkeys((one for one, text in likely.items() if text and times[text] > 1), RUNNING_HEADS) | found
    return found


def _interrupting(lines: Mapping[Place, str], pages: Sequence[Page], width: int) -> set[Place]:
    """Short isolated lines at a page edge, within a sentence that continues on the next page."""
    found: set[Place] = set()
    for before, after in pairwise(_by_page(lines, len(pages))):
        foot = [one for one in before[1:][-1:] if _stands_alone(one, pages) and _is_like_head(lines[one], width)]
        head = [one for one in after[:-1][:1] if _stands_alone(one, pages) and _is_like_head(lines[one], width)]
        before, after = before[: len(before) - len(foot)], after[len(head) :]
        if before and after and not ENDS_SENTENCE.search(lines[before[-1]]) and goes_on(lines[after[0]]):
            found.update(foot, head)
    return found


def _is_like_head(line: str, width: int) -> bool:
    is_part = len(line) < SHORT * width or WIDE_GAP in line
    return is_part and not ENDS_SENTENCE.search(line) and not goes_on(line)


def _stands_alone(place: Place, pages: Sequence[Page]) -> bool:
    page, number = place
    around = [*pages[page][max(0, number - 1) : number], *pages[page][number + 1 : number + 2]]
    return not any(one.strip() for one in around)


def _by_page(places: Iterable[Place], pages: int) -> list[list[Place]]:
    found: list[list[Place]] = [[] for _ in range(pages)]
    for place in places:
        found[place[0]].append(place)
    return found


def _joined(pages: Sequence[Page], width: int) -> list[str]:
    """The lines of all pages, with a blank line where the end of a page is the end of a paragraph."""
    lines: list[str] = []
    for page in pages:
        said = [number for number, line in enumerate(page) if line.strip()]
        if not said:
            continue
        text = page[said[0] : said[-1] + 1]
        if lines and not _runs_on(lines[-1], text, width):
            lines.append("")
        lines.extend(text)
    return lines


def _runs_on(last: str, page: Page, width: int) -> bool:
    if ENDS_SENTENCE.search(last.rstrip()):
        return False
    is_block = len(page) > 1 and page[1].strip() != ""
    return goes_on(page[0]) or (len(last) >= SHORT * width and (is_block or len(page[0]) >= SHORT * width))
