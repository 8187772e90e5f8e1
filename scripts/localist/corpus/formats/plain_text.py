"""Plain text: paragraphs by blank lines, indents and short lines; headings by wording (Chapter I) or capitals."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from localist.corpus.formats.book import CONTENTS, HEADING, Book, Paragraph
from localist.corpus.formats.decoding import decode
from localist.corpus.formats.file_kinds import plain_stem, unpacked
from localist.corpus.formats.heading_words import LONGEST_HEADING, heading_level
from localist.corpus.formats.text_pages import lines_without_pages
from localist.corpus.wrapped_lines import (
    ENDS_CLAUSE,
    ENDS_SENTENCE,
    SHORT,
    blocks,
    paragraphs_of_lines,
    single_spaced,
    text_width,
)

ROMAN_NUMBER = re.compile(r"[IVXLC]{1,7}\.?")
ARABIC_NUMBER = re.compile(r"(\d{1,3})\.?")
# Line ends of other systems (VT, FS, GS, RS, NEL, LS).
OTHER_LINE_ENDS = re.compile("[\x0b\x1c-\x1e\x85\u2028]")
ANNOUNCES = (",", ":", ";", "-", "–", "—")
CAPITALS_END = (",", ";", ":", "!", "?", "-", "—", '"', "”")
CHAPTER = 2
# A title without a blank line after it fills at most this share of its line, and two full lines of text follow.
LONGEST_TITLE = 0.6
FEWEST_LINES = 3


def read_plain_text(path: Path, encoding: str | None = None, steps: Collection[str] = ()) -> Iterator[Book]:
    """Read one file as one book, with its file name as title.

    steps: whether to remove running heads and page numbers. Raises UserError if the file cannot be decoded.
    """
    text, found = decode(unpacked(path), str(path), encoding)
    text = OTHER_LINE_ENDS.sub("\n", text).replace("\u2029", "\n\n")
    lines, removed = lines_without_pages(text, text_width(text.split("\n")), steps)
    yield Book(plain_stem(path), tuple(_paragraphs(lines)), encoding=found, removed=removed)


def text_paragraphs(text: str) -> Iterator[Paragraph]:
    """Paragraphs and headings of plain text without pages; see paragraphs_of_lines."""
    return _paragraphs(text.splitlines())


def _paragraphs(lines: Sequence[str]) -> Iterator[Paragraph]:
    width = text_width(lines)
    found = list(blocks(_headings_apart(single_spaced(lines))))
    chapters = {number for number in _numbers(found) | _capitals(found) if number < _last_prose(found)}
    level = 0
    for number, block in enumerate(found):
        if level and _begins_with_title(block, width):
            yield Paragraph(block[0].strip(), HEADING, level + 1)
            block = block[1:]
        text = "\n".join(line.strip() for line in block)
        level = heading_level(text) or (CHAPTER if number in chapters else 0)
        if _lists_headings(block):
            yield Paragraph(text, CONTENTS)
        elif level:
            yield Paragraph(text, HEADING, level)
        else:
            yield from map(Paragraph, paragraphs_of_lines(block, width))


def _begins_with_title(block: Sequence[str], width: int) -> bool:
    """Whether, after "Chapter 1", the first line of a wrapped paragraph is the chapter's title."""
    if len(block) < FEWEST_LINES or min(map(len, block[1:3])) < SHORT * width:
        return False
    title = block[0].strip()
    is_short = len(block[0]) < LONGEST_TITLE * width
    return is_short and title[:1].isupper() and block[1].strip()[:1].isupper() and not ENDS_CLAUSE.search(title)


def _last_prose(found: Sequence[Sequence[str]]) -> int:
    """The last block that is not in capitals: blocks after it cannot be headings."""
    return max((n for n, block in enumerate(found) if not _is_capital_heading(" ".join(block))), default=0)


def _headings_apart(lines: Sequence[str]) -> Iterator[str]:
    """The lines; in a text without blank lines, with blank lines added around headings."""
    if not all(line.strip() for line in lines):
        yield from lines
        return
    above = ""
    for line in lines:
        is_heading = heading_level(line.strip()) > 0 and (not above or ENDS_SENTENCE.search(above) is not None)
        yield from ("", line, "") if is_heading else (line,)
        above = "" if is_heading else line


def _lists_headings(lines: Sequence[str]) -> bool:
    named = sum(heading_level(line.strip()) > 0 for line in lines)
    return named > 1 and named > len(lines) / 2


def _numbers(found: Sequence[Sequence[str]]) -> set[int]:
    """Blocks that are only a number, if these count up from one."""
    alone = [(number, block[0].strip()) for number, block in enumerate(found) if len(block) == 1]
    roman = [number for number, line in alone if ROMAN_NUMBER.fullmatch(line)]
    arabic = [(number, int(match[1])) for number, line in alone if (match := ARABIC_NUMBER.fullmatch(line))]
    counts = [value for _, value in arabic]
    is_count = len(counts) > 1 and counts == list(range(1, len(counts) + 1))
    return {*roman, *(number for number, _ in arabic if is_count)}


def _capitals(found: Sequence[Sequence[str]]) -> set[int]:
    """Blocks in capitals that occur once (speakers in a play recur) and that no sentence introduces (as it may a quoted
    sign)."""
    lines = {number: " ".join(block) for number, block in enumerate(found) if len(block) <= 2}
    times = Counter(lines.values())
    return {
        number
        for number, line in lines.items()
        if times[line] == 1 and _is_capital_heading(line)
        if not number or not found[number - 1][-1].rstrip().endswith(ANNOUNCES)
    }


def _is_capital_heading(line: str) -> bool:
    line = line.strip()
    letters = sum(map(str.isalpha, line))
    return line.isupper() and letters > 2 and len(line) <= LONGEST_HEADING and not line.endswith(CAPITALS_END)
