"""Scripts whose letters a PDF stores out of reading order, or without their spaces."""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import Literal

import pypdfium2
from pypdfium2 import raw

from localist.corpus.formats.pdf_letters import Letter

# In multiples of the font size.
SAME_LINE = 0.45
WORD_GAP = 0.15
# The boxes of joined letters are narrower than their advance widths.
RIGHT_TO_LEFT_GAP = 0.2
WIDEST_CLUSTER = 3.0
# Letters and vowel signs that share a position: Devanagari to Sinhala, Thai to Tibetan, Burmese, Khmer.
CLUSTERED = re.compile(r"[\u0900-\u109f\u1780-\u17ff]")
RIGHT_TO_LEFT = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")
# Their boxes are narrower than their advance widths, and there are no spaces between them.
IDEOGRAMS = "\u2e80-\u312f\u3190-\ua4cf\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef"
IDEOGRAM = re.compile(f"[{IDEOGRAMS}]")
CLOSING = frozenset(")]}»")
BRACKETS = {"(": ")", ")": "(", "[": "]", "]": "[", "{": "}", "}": "{", "«": "»", "»": "«"}

Direction = Literal["left", "right", "number", "none"]


def in_reading_order(letters: Sequence[Letter]) -> list[Letter]:
    """Put the letters of lines with Arabic or Hebrew in reading order, by their positions.

    On a page written mostly right to left, positions are mirrored, so that its lines begin on the left like those of
    other pages.
    """
    if not RIGHT_TO_LEFT.search("".join(one.text for one in letters)):
        return list(letters)
    directions = [_direction(one.text) for one in letters]
    mirrored = directions.count("right") > directions.count("left")
    if mirrored:
        letters = [one._replace(left=-one.right, right=-one.left, origin=-one.origin) for one in letters]
    lines = [
        _by_place(line, mirrored) if any(_direction(one.text) == "right" for one in line) else line
        for line in _lines(letters)
    ]
    as_seen = mirrored and _closed_before_opened(one.text for line in lines for one in line)
    return [one for line in lines for one in _turned(line, "left" if mirrored else "right", as_seen)]


def _closed_before_opened(texts: Iterable[str]) -> bool:
    """Whether brackets are stored in visual order, so that in reading order a closing bracket comes first."""
    return next((text for text in texts if text in BRACKETS), "(") in CLOSING


def _direction(text: str) -> Direction:
    kind = unicodedata.bidirectional(text[0])
    if RIGHT_TO_LEFT.match(text) and kind not in ("AN", "EN"):
        return "right"
    return "left" if kind == "L" else "number" if kind in ("AN", "EN") else "none"


def _lines(letters: Sequence[Letter]) -> list[list[Letter]]:
    lines: list[list[Letter]] = []
    for one in letters:
        last = lines[-1][-1] if lines else None
        if (
            last is not None
            and last.quarter_turns == one.quarter_turns
            and abs(last.baseline - one.baseline) < SAME_LINE * max(last.size, one.size)
        ):
            lines[-1].append(one)
        else:
            lines.append([one])
    return lines


def _by_place(line: Sequence[Letter], mirrored: bool) -> list[Letter]:
    """The letters from left to right, with spaces at gaps; combining marks lie within the letter before them.

    PDFium reverses words of right-to-left scripts with their ligatures, whose letters share a position.
    """
    placed = sorted(reversed(line) if mirrored else line, key=lambda one: (one.left, -one.right))
    edge = float("inf")
    spaced = []
    for one in placed:
        spaced.append(one._replace(after_space=one.left - edge > RIGHT_TO_LEFT_GAP * one.size, after_break=False))
        edge = one.right
    return spaced


def _turned(line: Sequence[Letter], against: Direction, swap_brackets: bool) -> list[Letter]:
    """The letters of a line with runs of the other direction reversed; numbers run from left to right."""
    directions = [_direction(one.text) for one in line]
    own = "right" if against == "left" else "left"
    other = {against, "number"} if against == "left" else {against}
    turned: list[Letter] = []
    while len(turned) < len(line):
        start = len(turned)
        if directions[start] not in other:
            one = line[start]
            turned.append(one._replace(text=BRACKETS.get(one.text, one.text)) if swap_brackets else one)
            continue
        end = next((number for number in range(start, len(line)) if directions[number] == own), len(line))
        while directions[end - 1] not in other:
            end -= 1
        first, end = _with_brackets(line, start, end)
        end = _before_bracket(line, first, end)
        turned[first:] = _reversed(line[first:end])
    return turned


def _reversed(stretch: Sequence[Letter]) -> list[Letter]:
    """The run of letters in mirrored positions; spaces stay where they are."""
    ends = min(one.left for one in stretch) + max(one.right for one in stretch)
    spaces = [stretch[0].after_space, *(one.after_space for one in reversed(stretch[1:]))]
    return [
        one._replace(left=ends - one.right, right=ends - one.left, after_space=space)
        for one, space in zip(reversed(stretch), spaces, strict=True)
    ]


def _with_brackets(line: Sequence[Letter], start: int, end: int) -> tuple[int, int]:
    """The run, extended by a bracket at its edge whose partner is inside."""
    inside = [one.text for one in line[start:end]]
    if start and inside.count(line[start - 1].text) < inside.count(BRACKETS.get(line[start - 1].text, "")):
        start -= 1
    if end < len(line) and inside.count(line[end].text) < inside.count(BRACKETS.get(line[end].text, "")):
        end += 1
    return start, end


def _before_bracket(line: Sequence[Letter], start: int, end: int) -> int:
    """The end of a run: a number before a bracket is not part of the words after it."""
    for number in range(start, end):
        if line[number].text in BRACKETS and number > start:
            return number
        if _direction(line[number].text) == "left":
            break
    return end


def with_cluster_spaces(letters: Sequence[Letter], page: pypdfium2.PdfPage) -> list[Letter]:
    """The letters of scripts written in clusters, with spaces only where there is no ink between letters.

    PDFium knows only the position of the first glyph of a cluster, and mistakes the others for gaps.
    """
    if not CLUSTERED.search("".join(one.text for one in letters)):
        return list(letters)
    numbers = [number for number, one in enumerate(letters) if CLUSTERED.match(one.text) and not one.quarter_turns]
    ends = _inked_ends(letters, numbers, page)
    spaced = list(letters)
    for number in numbers:
        if number and letters[number].baseline == letters[number - 1].baseline:
            one, before = letters[number], letters[number - 1]
            gap = one.left - max(before.right, ends.get(number - 1, before.right))
            spaced[number] = one._replace(after_space=one.typed_space or gap > WORD_GAP * one.size)
    for number, end in ends.items():
        spaced[number] = spaced[number]._replace(right=max(spaced[number].right, end))
    return spaced


def _inked_ends(letters: Sequence[Letter], numbers: Sequence[int], page: pypdfium2.PdfPage) -> dict[int, float]:
    """Letter number → right edge of the text objects that begin within its cluster."""
    places = sorted((letters[number].baseline, letters[number].origin, number) for number in numbers)
    baselines = sorted({baseline for baseline, _, _ in places})
    ends: dict[int, float] = {}
    for item in page.get_objects(filter=[raw.FPDF_PAGEOBJ_TEXT]):
        left, bottom, right, top = item.get_bounds()
        first, after = bisect_left(baselines, bottom - 0.1), bisect_right(baselines, top + 0.1)
        for baseline in baselines[first:after][:3]:
            at = bisect_right(places, (baseline, left + 0.5, len(letters))) - 1
            if at < 0 or places[at][0] != baseline:
                continue
            number = places[at][2]
            if (
                right - left < WIDEST_CLUSTER * letters[number].size
                and left < letters[number].right + letters[number].size
            ):
                ends[number] = max(ends.get(number, right), right)
    return ends


def broken_words(text: str) -> tuple[int, int]:
    """How many words of clustered scripts begin with a combining sign, and how many words there are."""
    words = [word for word in text.split() if CLUSTERED.search(word)]
    return sum(unicodedata.category(word[0]) in ("Mn", "Mc") for word in words), len(words)
