"""Cleaning steps, which remove everything but the book's prose. corpus.clean switches each on or off."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import pairwise
from statistics import median

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
    Paragraph,
)
from localist.corpus.formats.pdf_furniture import PAGE_NUMBERS, RUNNING_HEADS
from localist.corpus.gutenberg import bracketed, drop_gutenberg
from localist.corpus.section_names import NAMES, section_name
from localist.corpus.unspaced import join_lines, word_count
from localist.corpus.wrapped_lines import ENDS_SENTENCE, LONGEST_OF_VERSE

# Result of a step: the paragraphs kept, and the texts removed.
Cleaned = tuple[list[Paragraph], list[str]]

LEADERS = re.compile(r"(?:\.\s?){4,}\s*(?:\d+|[ivxlc]+)\s*$|(?:…\s?){2,}\s*(?:\d+|[ivxlc]+)\s*$", re.IGNORECASE)
LONGEST_ENTRY = 300
PROSE_WORDS = 20
LARGEST_LIST = 0.5
LEAST_BOOK = 2000
MOSTLY = 0.5
# A section with at least this many words of running prose, and few others, is a chapter.
FEWEST_OF_CHAPTER = 100
MOSTLY_PROSE = 0.8
NOTE_BEGINS = re.compile(r"\W*\d|[^\w\s\"'“‘«„¿¡(]")
CITES = re.compile(
    r"\b(?:ISBN|ISSN|doi|https?|www|ibid|op\. cit|et al|retrieved)\b"
    r"|\b(?:pp?|S)\.\s*\d|\b(?:vols?|eds?)\.|\(\d{4}|\d{4}\)",
    re.IGNORECASE,
)

# Soft hyphens, zero-width spaces, and direction marks, which the letters imply.
INVISIBLE = dict.fromkeys(
    [0xAD, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), 0x2060, *range(0x2066, 0x206A), 0xFEFF]
)
# Spaces of other widths, and the non-breaking hyphen.
PLAIN = {0x2011: "-"} | {
    ord(space): " "
    for space in "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f"
}
# Quotes, full-width characters and character references are left as the author wrote them.
FORMS = ftfy.TextFixerConfig(unescape_html=False, uncurl_quotes=False, fix_character_width=False, normalization="NFC")

NOTE_TEXT = re.compile(r"\[(?:foot)?note\b|\[fußnote\b", re.IGNORECASE)
NUMBERED = re.compile(r"\[(?:\d{1,3}|[A-Z*†‡])\]\s")
MARKED = re.compile(f"{MARK_START}([^{MARK_START}{MARK_END}]*){MARK_END}")
MARK = re.compile(r"\W*(?:\d{1,4}|[*†‡§¶]{1,3}|[a-z])(?:\s*[,–-]\s*\d{1,4})*\W*")
BRACKETED_MARK = re.compile(r"(?:(?<=[^\W\d_]{3})|(?<=[.,;:!?”’)\]]))\[(?:\d{1,3}|[A-Z*†‡])\](?!\w)|(?<=\")\[\d{1,3}\]")
# A raised number after a short word or a digit is an exponent or part of an ordinal.
BEFORE_A_MARK = re.compile(r"(?:[^\W\d_]{3}|[.,;:!?\"”’»)\]])\s?$")

# In typescripts and OCR output, the hyphen may be doubled or a not sign.
LINE_END_HYPHEN = re.compile(r"(?<![^\W_])([^\W_]+)([-\u2010\u2e17\u00ac])\n([^\W_]+)")
SURE_HYPHEN = "\u00ac"
SOFT_HYPHEN_AT_END = re.compile(r"\u00ad\s*\n\s*")
LINE_END_DASH = re.compile(r"(?<=\S)([\u2013-\u2015]|--)\n(?=\S)")
TIGHT_DASH = re.compile(r"(?<=\S)(?:[\u2013-\u2015]|--)(?=\S)")
LOOSE_DASH = re.compile(r"(?<=\S)(?:[\u2013-\u2015]|--) ")
# Before these words, a hyphen stands for the rest of a compound, as in "pre- and post-war".
SUSPENDING = frozenset(["and", "or", "to", "und", "oder", "bis", "et", "ou", "e", "o", "y", "en", "of"])
COMPOUND_PREFIX = re.compile(r"(?<![\w-])([^\W\d_]+)-(?=[^\W\d_])")
FEWEST_COMPOUNDS = 3
WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")

FEWEST_REPEATS = 5
FEWEST_WORDS = 4
MOST_WORDS = 30  # longer paragraphs are handled by near_duplicates
EDGE_PARAGRAPHS = 2
IN_BRACKETS = re.compile(r"\s*[\[(（【［]")


def tidy_unicode(paragraphs: Sequence[Paragraph]) -> Cleaned:
    """Normalise ligatures, decomposed letters, control characters and unusual spaces, and repair mojibake."""
    kept, changed = [], []
    for paragraph in paragraphs:
        text = paragraph.text
        if not text.isascii() or not text.replace("\n", "").isprintable():
            # After ftfy, which needs the unusual characters to detect mojibake.
            text = SOFT_HYPHEN_AT_END.sub("", ftfy.fix_text(text, FORMS)).translate(INVISIBLE).translate(PLAIN)
            changed.extend((Counter(paragraph.text) - Counter(text)).elements())
        kept.append(paragraph.with_text(text))
    return kept, changed


def drop_contents(paragraphs: Sequence[Paragraph]) -> Cleaned:
    """Remove tables of contents: paragraphs marked as such by the format, lines that end in leaders and a number, and
    the text under a heading such as Contents, up to the next heading or to prose (plain text may hide headings)."""
    in_contents = False

    def goes(_: int, paragraph: Paragraph) -> bool:
        nonlocal in_contents
        if paragraph.kind == HEADING:
            in_contents = section_name(paragraph.text) in NAMES[CONTENTS]
        elif in_contents and _is_prose(paragraph.text):
            in_contents = False
        return in_contents or paragraph.kind == CONTENTS or _is_listing(paragraph.text)

    return _split(paragraphs, goes)


def drop_index(paragraphs: Sequence[Paragraph]) -> Cleaned:
    """Remove indexes, identified by the format or by their heading."""
    return _drop_kind(paragraphs, INDEX)


def drop_references(paragraphs: Sequence[Paragraph]) -> Cleaned:
    """Remove reference lists, identified by the format or by their heading."""
    return _drop_kind(paragraphs, REFERENCES)


def drop_tables(paragraphs: Sequence[Paragraph]) -> Cleaned:
    """Remove the cells of data tables; tables of text stay."""
    return _split(paragraphs, lambda _, paragraph: paragraph.kind == TABLE)


def drop_footnotes(paragraphs: Sequence[Paragraph]) -> Cleaned:
    """Remove footnotes and endnotes; in plain text, paragraphs labelled as notes or beginning with a mark used in the
    text."""
    marks = {mark[0] for paragraph in paragraphs for mark in BRACKETED_MARK.finditer(paragraph.text)}

    said_so = {*bracketed(paragraphs, NOTE_TEXT)}

    def is_note(number: int, paragraph: Paragraph) -> bool:
        if number in said_so or paragraph.kind != PROSE:
            return number in said_so or paragraph.kind == NOTE
        mark = NUMBERED.match(paragraph.text)
        return mark is not None and mark[0].strip() in marks

    return _split(paragraphs, is_note)


def drop_footnote_marks(paragraphs: Sequence[Paragraph]) -> Cleaned:
    """Remove numbers, letters and symbols that refer to notes; superscripts that belong to the text stay."""
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

    texts = [BRACKETED_MARK.sub(bracketed, MARKED.sub(raised, paragraph.text)) for paragraph in paragraphs]
    return _with_texts(paragraphs, texts), removed


def join_hyphenated(paragraphs: Sequence[Paragraph]) -> Cleaned:
    """Join words hyphenated at line ends. A dash at a line end is spaced like the dashes within lines.

    The hyphen stays next to digits, before a capital, and in words that the book never writes without it, provided that
    it writes the word with a hyphen elsewhere, uses the first part in FEWEST_COMPOUNDS compounds, or uses both parts as
    words.
    """
    rest = [LINE_END_HYPHEN.sub(" ", paragraph.text) for paragraph in paragraphs]
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
        left, hyphen, right = match.groups()
        if right in SUSPENDING and hyphen != SURE_HYPHEN:
            return f"{left}- {right}"
        if hyphen != SURE_HYPHEN and is_compound(left, right):
            return f"{left}-{right}"
        joined.append(f"{left}-{right}")
        return left + right

    texts = [LINE_END_HYPHEN.sub(whole, paragraph.text) for paragraph in paragraphs]
    if _dashes_are_tight(texts):
        texts = [LINE_END_DASH.sub(r"\1", text) for text in texts]
    return _with_texts(paragraphs, texts), joined


def _dashes_are_tight(texts: Iterable[str]) -> bool:
    """Whether dashes are unspaced, as in English; in Spanish, a space follows the dash that closes an aside."""
    tight, loose = 0, 0
    for text in texts:
        tight, loose = tight + len(TIGHT_DASH.findall(text)), loose + len(LOOSE_DASH.findall(text))
    return tight >= loose


def drop_boilerplate(paragraphs: Sequence[Paragraph]) -> Cleaned:
    """Remove the navigation of web pages, and paragraphs that occur FEWEST_REPEATS times or more, with different digits
    or mostly at the edges of prose sections. Refrains and stage directions, which occur within sections, among verse or
    in brackets, are kept.
    """
    said = [_repeatable(paragraph) for paragraph in paragraphs]
    exact: dict[str, set[str]] = {}
    for text, paragraph in zip(said, paragraphs, strict=True):
        exact.setdefault(text, set()).add(one_line(paragraph.text).casefold())
    times, at_edges = Counter(said), Counter(said[number] for number in _edges_of_prose(paragraphs))

    def goes(number: int, paragraph: Paragraph) -> bool:
        text = said[number]
        if paragraph.kind == NAVIGATION or not text:
            return paragraph.kind == NAVIGATION
        return len(exact[text]) >= FEWEST_REPEATS or at_edges[text] >= max(FEWEST_REPEATS, MOSTLY * times[text])

    return _split(paragraphs, goes)


def repeated_sentences(removed: Iterable[str]) -> list[str]:
    """The complete sentences among the repetitions that drop_boilerplate removed: they may be the author's."""
    times = Counter(" ".join(text.split()) for text in removed)
    return [text for text, count in times.items() if count >= FEWEST_REPEATS and ENDS_SENTENCE.search(text)]


UNICODE = "unicode"
# Applied in this order. The PDF reader does the first two of STEPS; near_duplicates does the last, across all files.
TEXT_STEPS: dict[str, Callable[[Sequence[Paragraph]], Cleaned]] = {
    UNICODE: tidy_unicode,
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


def clean(paragraphs: Iterable[Paragraph], steps: Collection[str]) -> tuple[list[Paragraph], dict[str, list[str]]]:
    """Apply `steps`, join lines and collapse white space. Returns the paragraphs, and step → texts removed."""
    kept = list(paragraphs)
    removed = {}
    for name, step in TEXT_STEPS.items():
        if name in steps:
            kept, removed[name] = step(kept)
    kept = _with_texts(kept, [one_line(paragraph.text) for paragraph in kept])
    return [paragraph for paragraph in kept if paragraph.text], removed


def without_sections(paragraphs: Sequence[Paragraph], names: Collection[str]) -> Cleaned:
    """Remove sections whose heading is in `names` (see section_name), with their subsections."""
    gone = {number for section in _named_sections(paragraphs, names) for number in section}
    return _split(paragraphs, lambda number, _: number in gone)


def without_lists(
    paragraphs: Sequence[Paragraph], names: Collection[str]
) -> tuple[list[Paragraph], list[str], list[str]]:
    """Remove sections like without_sections, but keep those that look like chapters (running prose, or most of the
    book).

    Returns the paragraphs kept, the texts removed, and a warning for each chapter kept.
    """
    whole = sum(len(paragraph.text) for paragraph in paragraphs)
    gone: set[int] = set()
    warnings = []
    for section in _named_sections(paragraphs, names):
        inside = [paragraphs[number] for number in section[1:]]
        characters = sum(len(paragraph.text) for paragraph in inside)
        is_most = characters > LARGEST_LIST * whole and (characters > LEAST_BOOK or any(map(_runs, inside)))
        if is_most or _is_running_prose(inside):
            warnings.append(
                f"the section {paragraphs[section[0]].text!r} ({characters:,} characters) was kept: it looks like a "
                "chapter, not a list"
            )
        else:
            gone.update(section)
    return *_split(paragraphs, lambda number, _: number in gone), warnings


def _named_sections(paragraphs: Sequence[Paragraph], names: Collection[str]) -> list[list[int]]:
    """The paragraph numbers of each section whose heading is in `names`, starting with the heading."""
    sections: list[list[int]] = []
    level = 0
    for number, paragraph in enumerate(paragraphs):
        if paragraph.kind == HEADING and (not level or paragraph.level <= level):
            level = paragraph.level if section_name(paragraph.text) in names else 0
            if level:
                sections.append([])
        if level:
            sections[-1].append(number)
    return sections


def _is_running_prose(paragraphs: Sequence[Paragraph]) -> bool:
    said = [paragraph for paragraph in paragraphs if paragraph.kind == PROSE]
    running = [paragraph.text for paragraph in said if _runs(paragraph)]
    return len(running) >= MOSTLY_PROSE * len(said) and sum(map(word_count, running)) >= FEWEST_OF_CHAPTER


def _runs(paragraph: Paragraph) -> bool:
    text = paragraph.text
    return paragraph.kind == PROSE and _is_prose(text) and not (NOTE_BEGINS.match(text) or CITES.search(text))


def one_line(text: str) -> str:
    """Collapse white space, and drop note marks and lone surrogates (which UTF-8 cannot encode)."""
    if not text.isascii():
        text = MARKED.sub(r"\1", text).replace(MARK_START, "").replace(MARK_END, "")
        text = text.encode("utf-8", "ignore").decode("utf-8")
    return join_lines(text)


def _with_texts(paragraphs: Sequence[Paragraph], texts: Sequence[str]) -> list[Paragraph]:
    return [paragraph.with_text(text) for paragraph, text in zip(paragraphs, texts, strict=True)]


def _drop_kind(paragraphs: Sequence[Paragraph], kind: str) -> Cleaned:
    kept, removed = _split(paragraphs, lambda _, paragraph: paragraph.kind == kind)
    rest, headed = without_sections(kept, NAMES[kind])
    # A section that makes up most of a book is not a back-matter list, whatever its heading.
    if sum(map(len, headed)) > max(LEAST_BOOK, LARGEST_LIST * sum(len(paragraph.text) for paragraph in kept)):
        return kept, removed
    return rest, removed + headed


def _split(paragraphs: Sequence[Paragraph], goes: Callable[[int, Paragraph], bool]) -> Cleaned:
    kept, removed = [], []
    for number, paragraph in enumerate(paragraphs):
        (removed if goes(number, paragraph) else kept).append(paragraph)
    return kept, [paragraph.text for paragraph in removed]


def _before(match: re.Match[str]) -> str:
    return match.string[max(0, match.start() - 4) : match.start()]


def _is_prose(text: str) -> bool:
    return word_count(text) >= PROSE_WORDS and ENDS_SENTENCE.search(text) is not None


def _is_listing(text: str) -> bool:
    lines = text.splitlines()
    listed = sum(len(line) <= LONGEST_ENTRY and LEADERS.search(line) is not None for line in lines)
    return listed > MOSTLY * len(lines)


def _repeatable(paragraph: Paragraph) -> str:
    """The text compared to find repetitions; empty for a paragraph that may be repeated."""
    words = word_count(paragraph.text)
    if paragraph.kind == HEADING or not FEWEST_WORDS <= words <= MOST_WORDS or IN_BRACKETS.match(paragraph.text):
        return ""
    return re.sub(r"\d+", "0", " ".join(paragraph.text.split()).casefold())


def _edges_of_prose(paragraphs: Sequence[Paragraph]) -> set[int]:
    """The outermost EDGE_PARAGRAPHS of each section, except sections of verse."""
    headings = [number for number, one in enumerate(paragraphs) if one.kind == HEADING]
    edges: set[int] = set()
    for start, end in pairwise([-1, *headings, len(paragraphs)]):
        inside = range(start + 1, end)
        if inside and median(len(paragraphs[number].text) for number in inside) > LONGEST_OF_VERSE:
            edges.update(inside[:EDGE_PARAGRAPHS], inside[-EDGE_PARAGRAPHS:])
    return edges
