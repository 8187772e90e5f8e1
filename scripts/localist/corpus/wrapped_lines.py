"""Joins layout lines into paragraphs: wrapped prose is joined; verse, lists and deliberate line breaks are kept."""

import math
import re
from collections.abc import Iterable, Iterator, Sequence, Set
from itertools import groupby, pairwise
from statistics import fmean

from localist.corpus.unspaced import UNSPACED

ENDS_SENTENCE = re.compile(r"[.!?…।۔؟。！？][\"'”’»)\]」』】）]*\Z")
ENDS_CLAUSE = re.compile(r"[.!?…।۔؟。！？,;:،؛、，；：—][\"'”’»)\]」』】）]*\Z")
OPENING = "\"'“‘„‚«‹([_*—–-¿¡ "
ITEM = re.compile(r"(?:[-–*•‣◦▪]|\(?\d{1,3}[.)]|\(?[a-z]\)|\(?[ivx]{1,5}[.)])\s+\S")

# Prose is not wrapped at more or fewer characters than these.
WIDEST = 200
NARROWEST = 30
# Lines that all end a sentence are rarely wrapped at more than this.
WIDE = 100
# Quantile of the line lengths taken as the text width, so that a few overlong lines do not count.
WITHIN_WIDTH = 0.95
# A line is full if the next line's first word would not fit. Proportional type varies the width by this share.
SLACK = 0.1
# In prose, the share of full lines among those that end within a sentence; the bar is higher for lines that begin with
# capitals or are short.
FULL_IN_PROSE = 0.5
FULL_WHERE_VERSE_MAY_BE = 0.8
# A line that ends a sentence and is shorter than this share of the width ends a paragraph.
SHORT = 0.8
# Lines of verse are rarely longer.
LONGEST_OF_VERSE = 60
INDENT = 2
TAB = 4
MOSTLY = 0.5
# At most this many lines that continue in lower case are prose, however short.
SHORT_BLOCK = 3
HANGUL = re.compile("[\uac00-\ud7a3]")  # as wide as two Latin letters
HYPHENATED = re.compile(r"[^\W\d_][-\u00ad\u2010\u00ac]\Z")
FEWEST_ITEMS = 2
FEWEST_DOUBLE_SPACED = 4


def paragraphs_of_lines(lines: Sequence[str], width: int | None = None) -> list[str]:
    """Paragraphs of `lines`, without indents; the lines within a paragraph are separated by line breaks.

    A paragraph ends at a blank line (in double-spaced text, at two), before an indent or a list marker, and after a
    short line that ends a sentence. Lines that were not broken to fit a width, as in verse, are paragraphs of their
    own. `width` is the number of characters of a full line, if it is known from more than these lines (see text_width).
    """
    width = width or text_width(lines)
    return [paragraph for block in blocks(single_spaced(lines)) for paragraph in _paragraphs(block, width)]


def text_width(lines: Sequence[str]) -> int:
    """Characters of a full line."""
    lengths = sorted(len(_without_tabs(line)) for line in lines if line and not line.isspace())
    return lengths[math.ceil(WITHIN_WIDTH * (len(lengths) - 1))] if lengths else 0


def single_spaced(lines: Sequence[str]) -> list[str]:
    """The lines; if a wrapped text is double-spaced, without the blank line after each."""
    lines = [_without_tabs(line) for line in lines]
    found = list(blocks(lines))
    said = [line for block in found for line in block]
    if len(said) < FEWEST_DOUBLE_SPACED or len(found) < len(said) or not _is_full_prose(said):
        return lines
    return [line for before, line in pairwise(["", *lines]) if line or not before]


def blocks(lines: Iterable[str]) -> Iterator[list[str]]:
    """Runs of lines between blank lines."""
    for blank, block in groupby(lines, key=lambda line: not line or line.isspace()):
        if not blank:
            yield list(block)


def _without_tabs(line: str) -> str:
    return line.replace("\u3000", "  ").expandtabs(TAB).rstrip()


def _paragraphs(block: Sequence[str], width: int) -> Iterator[str]:
    items = _items(block, width)
    starts = items or _indented(block)
    wrapped = _is_wrapped(block, width, starts)
    paragraph: list[str] = []
    for number, line in enumerate(block):
        above = block[number - 1]
        ends = number in starts or (_ends_short(above, line, width) if wrapped else not (items and _hangs(above, line)))
        if paragraph and ends:
            yield "\n".join(paragraph)
            paragraph = []
        paragraph.append(line.strip())
    yield "\n".join(paragraph)


def _hangs(above: str, line: str) -> bool:
    return goes_on(line.lstrip()) and _indent(line) >= _indent(above) + INDENT


def _is_wrapped(block: Sequence[str], width: int, starts: Set[int]) -> bool:
    """Whether these lines were broken to fit a width."""
    joints = [joint for number, joint in enumerate(pairwise(block), start=1) if number not in starts]
    within = [joint for joint in joints if not ENDS_SENTENCE.search(joint[0])]
    if max(map(len, block)) > WIDEST:
        return False
    if not within:
        fits = width <= WIDE and not _is_narrow(block, width)
        return bool(starts) or (fits and all(_is_full(above, below, width) for above, below in joints))
    capitals = fmean(_begins_anew(*joint) for joint in within)
    # All lines of verse begin with capitals, and vary less in length than words do.
    like_verse = capitals == 1 and len(within) > 1
    full = fmean(_is_full(*joint, width, 0 if like_verse else SLACK) for joint in within)
    if any(HYPHENATED.search(above) and goes_on(below) for above, below in within):
        return True
    if len(block) <= SHORT_BLOCK and all(goes_on(below) for _, below in within):
        return True
    if capitals >= MOSTLY or width <= LONGEST_OF_VERSE:
        return full >= FULL_WHERE_VERSE_MAY_BE and not _is_narrow(block, width)
    own = text_width(block)
    if own < (1 - SLACK) * width and own >= NARROWEST:  # a letter or quotation with narrower lines
        own_full = fmean(_is_full(*joint, own) for joint in within)
        if own_full >= FULL_WHERE_VERSE_MAY_BE:
            return True
    return full >= FULL_IN_PROSE or max(map(len, block)) > LONGEST_OF_VERSE


def _is_full_prose(lines: Sequence[str]) -> bool:
    width = text_width(lines)
    within = [joint for joint in pairwise(lines) if not ENDS_SENTENCE.search(joint[0])]
    return (
        width <= WIDEST
        and not _is_narrow(lines, width)
        and len(within) >= MOSTLY * len(lines)
        and fmean(_begins_anew(*joint) for joint in within) < MOSTLY
        and fmean(_is_full(*joint, width) for joint in within) >= FULL_IN_PROSE
    )


def _is_narrow(lines: Sequence[str], width: int) -> bool:
    return width < NARROWEST and not (UNSPACED.search(lines[0]) or HANGUL.search(lines[0]))


def _is_full(above: str, below: str, width: int, slack: float = SLACK) -> bool:
    word = below.split(maxsplit=1)[0]
    added = 1 if UNSPACED.match(word) else 1 + len(word)
    return len(above) + added > (1 - slack) * width


def _ends_short(above: str, below: str, width: int) -> bool:
    return len(above) < SHORT * width and ENDS_SENTENCE.search(above) is not None and not goes_on(below)


def _begins_anew(above: str, below: str) -> bool:
    """Whether a line begins with a capital; in a script without capitals, whether the line above ends a clause."""
    first = below.lstrip(OPENING)[:1]
    return first.isupper() or (first.isalpha() and not first.islower() and ENDS_CLAUSE.search(above) is not None)


def goes_on(line: str) -> bool:
    return line.lstrip(OPENING)[:1].islower()


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _indented(block: Sequence[str]) -> set[int]:
    """Lines that begin a paragraph by an indent, or by a hanging indent (all lines but the first are indented)."""
    indents = [_indent(line) for line in block]
    least = min(indents) + INDENT
    deep = [indent >= least for indent in indents]
    if sum(deep) > MOSTLY * len(block) and not deep[0]:
        return {number for number, is_deep in enumerate(deep) if not is_deep and number}
    return {
        number
        for number, is_deep in enumerate(deep)
        if number and is_deep and not (deep[number - 1] and goes_on(block[number]))
    }


def _items(block: Sequence[str], width: int) -> set[int]:
    items = {number for number, line in enumerate(block) if ITEM.match(line.lstrip())}
    if len(items) < FEWEST_ITEMS:
        return set()
    return {
        number
        for number in items
        if number and (ENDS_CLAUSE.search(block[number - 1]) or not _is_full(block[number - 1], block[number], width))
    }
