"""Assembles letters into line fragments: words and the spaces between them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from localist.corpus.formats.book import MARK_END, MARK_START
from localist.corpus.formats.pdf_letters import SAME_LINE, Letter
from localist.corpus.formats.pdf_scripts import IDEOGRAM, RIGHT_TO_LEFT

# In multiples of the font size.
WORD_GAP = 0.15
COLUMN_GAP = 0.9
SUPERSCRIPT_SIZE = 0.85
SUPERSCRIPT_RISE = 0.15
# Letter-spacing: at least this many letters with equal gaps, smaller than the gaps between words by a factor.
FEWEST_SPACED = 3
WIDER = 1.5
LARGEST_SPACING = 0.25


@dataclass(frozen=True)
class Fragment:
    """Part of a line: text, extent and baseline (points; y grows upwards), font size, and widest gap between words."""

    text: str
    left: float
    right: float
    baseline: float
    size: float
    gap: float = 0.0


def fragments_of(letters: Sequence[Letter]) -> tuple[list[Fragment], int]:
    """Line fragments (letters that follow each other without a jump), and the number of letters left out because they
    are rotated against the page's text (stamps along a margin)."""
    upright = Counter(letter.quarter_turns for letter in letters).most_common(1)
    lines: list[list[Letter]] = []
    turned = 0
    for letter in letters:
        if letter.quarter_turns != upright[0][0]:
            turned += 1
        elif lines and not _jumps(lines[-1][-1], letter):
            lines[-1].append(letter)
        else:
            lines.append([letter])
    return [_fragment(line) for line in lines], turned


def _jumps(before: Letter, letter: Letter) -> bool:
    size = max(before.size, letter.size)
    if abs(letter.baseline - before.baseline) > size * 0.6 or letter.left < before.left - size * 0.5:
        return True
    same_line = abs(letter.baseline - before.baseline) < SAME_LINE * size
    return (letter.after_break and not same_line) or letter.left - before.right > COLUMN_GAP * size


def _fragment(letters: Sequence[Letter]) -> Fragment:
    size = _usual([letter.size for letter in letters])
    baseline = _usual([letter.baseline for letter in letters])
    spaces = _spaces(letters, size)
    parts = []
    raised = False
    for letter, space in zip(letters, spaces, strict=True):
        is_raised = letter.size < SUPERSCRIPT_SIZE * size and letter.baseline > baseline + SUPERSCRIPT_RISE * size
        if raised and not is_raised:
            parts.append(MARK_END)
        if space:
            parts.append(" ")
        if is_raised and not raised:
            parts.append(MARK_START)
        parts.append(letter.text)
        raised = is_raised
    text = "".join(parts) + (MARK_END if raised else "")
    gaps = [letter.left - before.right for before, letter in pairwise(letters)]
    widest = max((gap for gap, space in zip(gaps, spaces[1:], strict=True) if space), default=0.0)
    return Fragment(text, letters[0].left, max(letter.right for letter in letters), baseline, size, widest)


def _usual(values: Sequence[float]) -> float:
    """The most frequent value, after rounding to at least two digits."""
    counts: Counter[float] = Counter()
    for value, count in Counter(values).items():
        counts[round(value, 1) if abs(value) >= 1 else float(f"{value:.2g}")] += count
    return counts.most_common(1)[0][0]


def _spaces(letters: Sequence[Letter], size: float) -> list[bool]:
    """For each letter, whether a space precedes it."""
    spaces = [False]
    for before, letter in pairwise(letters):
        gap = letter.left - before.right
        if letter.text.isascii():
            spaces.append(letter.after_space or gap > WORD_GAP * size)
        elif RIGHT_TO_LEFT.match(letter.text):
            spaces.append(letter.after_space)
        elif IDEOGRAM.match(before.text) and IDEOGRAM.match(letter.text):
            spaces.append(letter.typed_space)
        else:
            spaces.append(letter.after_space or gap > WORD_GAP * size)
    for start, end in _single_letters(letters, spaces):
        _close_letter_spacing(letters, spaces, start, end, size)
    return spaces


def _single_letters(letters: Sequence[Letter], spaces: Sequence[bool]) -> list[tuple[int, int]]:
    """Runs of at least FEWEST_SPACED single-letter words."""
    found, start = [], 0
    for end in range(len(letters) + 1):
        alone = (
            end < len(letters)
            and letters[end].text.isalpha()
            and (end == 0 or spaces[end])
            and (end + 1 == len(letters) or spaces[end + 1] or not letters[end + 1].text.isalnum())
        )
        if not alone:
            if end - start >= FEWEST_SPACED:
                found.append((start, end))
            start = end + 1
    return found


def _close_letter_spacing(letters: Sequence[Letter], spaces: list[bool], start: int, end: int, size: float) -> None:
    gaps = [letters[number].left - letters[number - 1].right for number in range(start + 1, end)]
    usual = median(gaps)
    others = [
        letters[number].left - letters[number - 1].right
        for number in range(1, len(letters))
        if spaces[number] and not start < number < end
    ]
    wide = [gap > WIDER * usual for gap in gaps]
    parts = zip([False, *wide], letters[start:end], strict=True)
    words = "".join(" " * space + letter.text for space, letter in parts).split()
    typed = any(letter.typed_space for letter in letters[start + 1 : end])
    if _is_letter_spaced(words, usual, min(others, default=None), size, typed):
        spaces[start + 1 : end] = wide


def _is_letter_spaced(words: Sequence[str], gap: float, other: float | None, size: float, typed: bool) -> bool:
    """Whether the letters form letter-spaced words, judging by the letters and the gap between them; `other` is the
    smallest gap elsewhere."""
    if not all(word.islower() or word.isupper() or word.istitle() for word in words):
        return False
    if typed or len(words) > 1:
        return len(words) > 1
    word = words[0]
    return (
        (word.istitle() and len(word) > 1)
        or (other is not None and WIDER * gap < other)
        or (gap < LARGEST_SPACING * size and len(word) > FEWEST_SPACED)
        or (other is None and len(word) > FEWEST_SPACED + 1 and not _is_alphabet(word))
    )


def _is_alphabet(word: str) -> bool:
    return all(ord(after) - ord(before) in (0, 1) for before, after in pairwise(word))


def body_size(fragments: Iterable[Fragment]) -> float:
    """The font size of most characters."""
    sizes: Counter[float] = Counter()
    for fragment in fragments:
        sizes[float(f"{fragment.size:.2g}")] += len(fragment.text)
    return sizes.most_common(1)[0][0] if sizes else 1.0
