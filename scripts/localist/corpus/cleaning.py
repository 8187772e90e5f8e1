"""Taking out what is not the book's prose: named steps, each on or off (corpus.clean), each telling what it removed."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace

import ftfy

from localist.corpus.formats.book import (
    CONTENTS,
    HEADING,
    INDEX,
    MARK_END,
    MARK_START,
    NAVIGATION,
    NOTE,
    PROSE,
    REFERENCES,
    TABLE,
    Passage,
)
from localist.corpus.formats.pdf_furniture import PAGE_NUMBERS, RUNNING_HEADS
from localist.corpus.section_names import NAMES, section_name

# What a step gives back: the passages that stay, and each thing that it took out.
Cleaned = tuple[list[Passage], list[str]]

LEADERS = re.compile(r"(?:\.\s?){4,}\s*(?:\d+|[ivxlc]+)\s*$|(?:…\s?){2,}\s*(?:\d+|[ivxlc]+)\s*$", re.IGNORECASE)
LONGEST_ENTRY = 300
PROSE_WORDS = 20
ENDS_SENTENCE = re.compile(r"[.!?…。！？][\"'”’»)\]]*\Z")
LARGEST_LIST = 0.5
LEAST_BOOK = 2000
MOSTLY = 0.5

GUTENBERG_START = re.compile(
    r"\*\*\*\s*START OF (?:THE|THIS) PROJECT GUTENBERG|\*END\*?\s*THE SMALL PRINT", re.IGNORECASE
)
GUTENBERG_END = re.compile(
    r"\*\*\*\s*END OF (?:THE|THIS) PROJECT GUTENBERG|^End of (?:the )?Project Gutenberg", re.IGNORECASE
)
GUTENBERG_CREDITS = re.compile(
    r"(?:produced|transcribed|e-?text prepared|scanned|proofread)\b.{0,40}\bby\b", re.IGNORECASE
)
CREDITS_WITHIN = 4

# Soft hyphens, spaces of no width, and marks of the writing direction, which the letters have by themselves.
INVISIBLE = dict.fromkeys(
    [0xAD, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), 0x2060, *range(0x2066, 0x206A), 0xFEFF]
)
SPACES = {
    ord(space): " "
    for space in "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f"
}
# Quotes, full-width characters and character references are the author's.
FORMS = ftfy.TextFixerConfig(unescape_html=False, uncurl_quotes=False, fix_character_width=False, normalization="NFC")

NOTE_TEXT = re.compile(r"\[(?:foot)?note\b|\[fußnote\b", re.IGNORECASE)
NUMBERED = re.compile(r"\[\d{1,3}\]\s")
MARKED = re.compile(f"{MARK_START}([^{MARK_START}{MARK_END}]*){MARK_END}")
MARK = re.compile(r"\W*(?:\d{1,4}|[*†‡§¶]{1,3}|[a-z])(?:\s*[,–-]\s*\d{1,4})*\W*")
BRACKETED_MARK = re.compile(r"(?:(?<=[^\W\d_]{3})|(?<=[.,;:!?\"”’)\]]))\[\d{1,3}\]")
# A raised number after a short word or a digit is an exponent or an ordinal's.
BEFORE_A_MARK = re.compile(r"(?:[^\W\d_]{3}|[.,;:!?\"”’»)\]])\s?$")

LINE_END_HYPHEN = re.compile(r"(?<![^\W_])([^\W_]+)[-\u2010]\n([^\W_]+)")
# After these, the hyphen before stands for the rest of a compound, as in "pre- and post-war".
SUSPENDING = frozenset(["and", "or", "to", "und", "oder", "bis", "et", "ou", "e", "o", "y", "en", "of"])
COMPOUND_PREFIX = re.compile(r"(?<![\w-])([^\W\d_]+)-(?=[^\W\d_])")
FEWEST_COMPOUNDS = 3
WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")

FEWEST_REPEATS = 5
FEWEST_WORDS = 4


def tidy_unicode(passages: Sequence[Passage]) -> Cleaned:
    """Ligatures, decomposed letters, control characters, odd spaces and wrongly decoded letters put right."""
    kept, changed = [], []
    for passage in passages:
        text = passage.text
        if not text.isascii() or not text.replace("\n", "").isprintable():
            # After the repair, which needs the odd characters that wrongly decoded letters are made of.
            text = ftfy.fix_text(text, FORMS).translate(INVISIBLE).translate(SPACES)
            changed.extend((Counter(passage.text) - Counter(text)).elements())
        kept.append(replace(passage, text=text))
    return kept, changed


def drop_gutenberg(passages: Sequence[Passage]) -> Cleaned:
    """What Project Gutenberg puts before and after a book, its licence, and the credits of its volunteers."""
    start = next((n + 1 for n, one in enumerate(passages) if GUTENBERG_START.search(one.text)), 0)
    end = next((n for n, one in enumerate(passages) if n >= start and GUTENBERG_END.search(one.text)), len(passages))
    credits = [
        n for n in range(start, min(start + CREDITS_WITHIN, end)) if start and GUTENBERG_CREDITS.match(passages[n].text)
    ]
    gone = {*range(start), *range(end, len(passages)), *credits}
    return _split(passages, lambda number, passage: number in gone)


def drop_contents(passages: Sequence[Passage]) -> Cleaned:
    """Tables of contents: as the format says, lines that end in leaders and a number, and what stands under a heading
    that says so, up to the next heading or to prose (headings of plain text are not all known)."""
    in_contents = False

    def goes(_: int, passage: Passage) -> bool:
        nonlocal in_contents
        if passage.kind == HEADING:
            in_contents = section_name(passage.text) in NAMES[CONTENTS]
        elif in_contents and _is_prose(passage.text):
            in_contents = False
        return in_contents or passage.kind == CONTENTS or _is_listing(passage.text)

    return _split(passages, goes)


def drop_index(passages: Sequence[Passage]) -> Cleaned:
    """Indexes, as the format or their heading says."""
    return _drop_kind(passages, INDEX)


def drop_references(passages: Sequence[Passage]) -> Cleaned:
    """Reference lists, as the format or their heading says."""
    return _drop_kind(passages, REFERENCES)


def drop_tables(passages: Sequence[Passage]) -> Cleaned:
    """Cells of tables that hold data rather than text."""
    return _split(passages, lambda _, passage: passage.kind == TABLE)


def drop_footnotes(passages: Sequence[Passage]) -> Cleaned:
    """The text of foot- and endnotes; in plain text, what begins with the number of a mark in the text."""
    marks = {mark[0] for passage in passages for mark in BRACKETED_MARK.finditer(passage.text)}

    def is_note(_: int, passage: Passage) -> bool:
        if passage.kind != PROSE:
            return passage.kind == NOTE
        number = NUMBERED.match(passage.text)
        return NOTE_TEXT.match(passage.text) is not None or (number is not None and number[0].strip() in marks)

    return _split(passages, is_note)


def drop_footnote_marks(passages: Sequence[Passage]) -> Cleaned:
    """Numbers and signs that refer to notes; raised numbers and letters that are part of the text stay."""
    removed: list[str] = []

    def raised(match: re.Match[str]) -> str:
        inside = match[1].strip()
        is_mark = MARK.fullmatch(inside) and (not inside.isdigit() or BEFORE_A_MARK.search(_before(match)))
        if inside and (is_mark or match.start() == 0):
            removed.append(inside)
            return ""
        return match[1]

    def bracketed(match: re.Match[str]) -> str:
        removed.append(match[0])
        return ""

    return [replace(one, text=BRACKETED_MARK.sub(bracketed, MARKED.sub(raised, one.text))) for one in passages], removed


def join_hyphenated(passages: Sequence[Passage]) -> Cleaned:
    """Words that were cut at a line's end made whole.

    The hyphen stays beside digits and before a capital, and in words that the book has elsewhere with it, not without
    it: whole, or their first part in FEWEST_COMPOUNDS compounds, or both parts as words.
    """
    rest = [LINE_END_HYPHEN.sub(" ", passage.text) for passage in passages]
    words = Counter(word.casefold() for text in rest for word in WORD.findall(text))
    prefixes = Counter(prefix.casefold() for text in rest for prefix in COMPOUND_PREFIX.findall(text))
    joined: list[str] = []

    def is_compound(left: str, right: str) -> bool:
        if not left.isalpha() or not right[0].isalpha() or (right[0].isupper() and not left.isupper()):
            return True
        left, right = left.casefold(), right.casefold()
        if words[left + right]:
            return False
        seen_apart = words[left] > 1 and words[right] > 1
        return bool(words[f"{left}-{right}"]) or prefixes[left] >= FEWEST_COMPOUNDS or seen_apart

    def whole(match: re.Match[str]) -> str:
        left, right = match[1], match[2]
        if right in SUSPENDING:
            return f"{left}- {right}"
        if is_compound(left, right):
            return f"{left}-{right}"
        joined.append(f"{left}-{right}")
        return left + right

    return [replace(passage, text=LINE_END_HYPHEN.sub(whole, passage.text)) for passage in passages], joined


def drop_boilerplate(passages: Sequence[Passage]) -> Cleaned:
    """Navigation of web pages, and passages that stand in the book FEWEST_REPEATS times or more, numbers aside."""
    said = [_repeatable(passage) for passage in passages]
    times = Counter(text for text in said if text)
    return _split(passages, lambda number, one: one.kind == NAVIGATION or times[said[number]] >= FEWEST_REPEATS)


# In this order; the first two are done by the reader of pages, the last over all files (near_duplicates).
TEXT_STEPS: dict[str, Callable[[Sequence[Passage]], Cleaned]] = {
    "unicode": tidy_unicode,
    "gutenberg": drop_gutenberg,
    CONTENTS: drop_contents,
    INDEX: drop_index,
    REFERENCES: drop_references,
    TABLE: drop_tables,
    NOTE: drop_footnotes,
    "footnote_marks": drop_footnote_marks,
    "hyphenation": join_hyphenated,
    NAVIGATION: drop_boilerplate,
}
NEAR_DUPLICATES = "near_duplicates"
STEPS = (RUNNING_HEADS, PAGE_NUMBERS, *TEXT_STEPS, NEAR_DUPLICATES)


def clean(passages: Iterable[Passage], steps: Collection[str]) -> tuple[list[Passage], dict[str, list[str]]]:
    """Passages after the steps that are on, lines joined and white space squeezed; and what each step took out."""
    kept = list(passages)
    removed = {}
    for name, step in TEXT_STEPS.items():
        if name in steps:
            kept, removed[name] = step(kept)
    kept = [replace(passage, text=one_line(passage.text)) for passage in kept]
    return [passage for passage in kept if passage.text], removed


def without_sections(passages: Sequence[Passage], names: Collection[str]) -> Cleaned:
    """Passages without the sections headed by one of `names` (see section_name), subsections included."""
    kept, removed = [], []
    dropping = 0
    for passage in passages:
        if passage.kind == HEADING and (not dropping or passage.level <= dropping):
            dropping = passage.level if section_name(passage.text) in names else 0
        if dropping:
            removed.append(passage.text)
        else:
            kept.append(passage)
    return kept, removed


def one_line(text: str) -> str:
    """Text with white space squeezed, and without marks and halves of characters (which UTF-8 cannot hold)."""
    text = MARKED.sub(r"\1", text).replace(MARK_START, "").replace(MARK_END, "")
    return " ".join(text.encode("utf-8", "ignore").decode("utf-8").split())


def _drop_kind(passages: Sequence[Passage], kind: str) -> Cleaned:
    kept, removed = _split(passages, lambda _, passage: passage.kind == kind)
    rest, headed = without_sections(kept, NAMES[kind])
    # What makes up most of a book is no list at its end, whatever its heading.
    if sum(map(len, headed)) > max(LEAST_BOOK, LARGEST_LIST * sum(len(passage.text) for passage in kept)):
        return kept, removed
    return rest, removed + headed


def _split(passages: Sequence[Passage], goes: Callable[[int, Passage], bool]) -> Cleaned:
    kept, removed = [], []
    for number, passage in enumerate(passages):
        (removed if goes(number, passage) else kept).append(passage)
    return kept, [passage.text for passage in removed]


def _before(match: re.Match[str]) -> str:
    return match.string[max(0, match.start() - 4) : match.start()]


def _is_prose(text: str) -> bool:
    return len(text.split()) >= PROSE_WORDS and ENDS_SENTENCE.search(text) is not None


def _is_listing(text: str) -> bool:
    lines = text.splitlines()
    listed = sum(len(line) <= LONGEST_ENTRY and LEADERS.search(line) is not None for line in lines)
    return listed > MOSTLY * len(lines)


def _repeatable(passage: Passage) -> str:
    if passage.kind == HEADING or len(passage.text.split()) < FEWEST_WORDS:
        return ""
    return re.sub(r"\d+", "0", " ".join(passage.text.split()).casefold())
