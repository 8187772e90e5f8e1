"""Project Gutenberg: removes its header, licence and credits, and the markup of its plain text."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from localist.corpus.formats.book import HEADING, Paragraph

START = re.compile(r"\*\*\*\s*START OF (?:THE|THIS) PROJECT GUTENBERG|\*END\*?\s*THE SMALL PRINT", re.IGNORECASE)
END = re.compile(r"\*\*\*\s*END OF (?:THE|THIS) PROJECT GUTENBERG|^End of (?:the )?Project Gutenberg", re.IGNORECASE)
CREDITS = re.compile(
    r"(?:produced|transcribed|e-?text prepared|scanned|proofread)\b.{0,40}\bby\b|.{0,80}\bpgdp\.net\b", re.IGNORECASE
)
CREDITS_WITHIN = 4

# Picture placeholders and transcriber's notes: in brackets, possibly over several paragraphs.
ASIDE = re.compile(
    r"\[(?:Illustration|Abbildung|Ilustraci[oó]n|Illustrazione|Frontispiece|Decoration|Sidenote|Music|Blank Page|"
    r"Transcriber|Transcription|"
    r"Anmerkung(?:en)? (?:zur|des|der) (?:Transkription|Bearbeiters)|Notes? (?:de|du|sur la) transcript)",
    re.IGNORECASE,
)
INLINE_ASIDE = re.compile(r"[^\S\n]?" + ASIDE.pattern + r"[^\[\]]{0,300}\]", re.IGNORECASE)
INITIAL = re.compile(r"\[Illustration:? ?(\w)\](?=\w)", re.IGNORECASE)
# In paragraphs; and the largest distance from the closing bracket to the paragraph's end, in characters.
LONGEST_ASIDE = 40
NEAR_END = 3
TRANSCRIBER = re.compile(r"[\W_]*transcriber[’']?s?[’']? notes?\b", re.IGNORECASE)
PAGE_MARK = re.compile(
    r"[^\S\n]?(?:\[(?P<said>pg|page|pag|seite)\.?\s?(?:\d{1,4}|[ivxlc]{1,7})\]|\[(?:p|s)\.\s?(?P<p>\d{1,4})\]"
    r"|(?<!\})\{(?:(?:pg|page|p)\.?\s?)?(?P<curly>\d{1,4})\}(?!\{))",
    re.IGNORECASE,
)
FEWEST_COUNTING = 2
MOSTLY_COUNTING = 0.5
EMPHASIS = re.compile(r"(?<![\w_])_(?=[^\W_]|[\"'“‘«¿¡(])([^_]{1,500})(?<=[^\s_])_(?![\w_])")
# Bold type, small capitals and letter-spaced words; and transliterated Greek.
OTHER_TYPE = re.compile(r"(?<!\w)([=+~#])(?=\w)([^=+~#]{1,200})(?<=\S)\1(?!\w)")
GREEK = re.compile(r"\[Greek: ([^\[\]]{1,300})\]")
ORNAMENTS = frozenset(" \n\t*•·~#◆◇⁂※+-|=_")


def drop_gutenberg(paragraphs: Sequence[Paragraph]) -> tuple[list[Paragraph], list[str]]:
    """Remove Project Gutenberg's header, licence and volunteer credits, transcriber's notes, picture placeholders, page
    marks, rows of asterisks, and the underscores that mark italics."""
    gone = {*_frame(paragraphs), *bracketed(paragraphs, ASIDE), *_notes_of_transcribers(paragraphs)}
    removed = [one.text for number, one in enumerate(paragraphs) if number in gone]
    is_transcript = (
        bool(gone) or _counts_pages(paragraphs) or any(INLINE_ASIDE.search(paragraph.text) for paragraph in paragraphs)
    )
    kept = []
    for paragraph in (one for number, one in enumerate(paragraphs) if number not in gone):
        text = EMPHASIS.sub(r"\1", paragraph.text)
        if is_transcript:
            text = _without_marks(text, removed)
        if text:
            kept.append(paragraph.with_text(text))
    return kept, removed


def bracketed(paragraphs: Sequence[Paragraph], opening: re.Pattern[str]) -> Iterator[int]:
    """The numbers of the paragraphs from one that begins with `opening`, which has a bracket, to the closing bracket.

    The last paragraph is left out if its text continues after the closing bracket.
    """
    for number, paragraph in enumerate(paragraphs):
        if opening.match(paragraph.text.lstrip()):
            last = _bracket_s_end(paragraphs, number)
            yield from range(number, last)
            if "]" in paragraphs[last].text.rstrip()[-NEAR_END:] or paragraphs[last].text.count("]") == 0:
                yield last


def _bracket_s_end(paragraphs: Sequence[Paragraph], start: int) -> int:
    depth = 0
    for number in range(start, min(start + LONGEST_ASIDE, len(paragraphs))):
        depth += paragraphs[number].text.count("[") - paragraphs[number].text.count("]")
        if depth <= 0:
            return number
    return start


def _frame(paragraphs: Sequence[Paragraph]) -> Iterator[int]:
    start = next((n + 1 for n, one in enumerate(paragraphs) if START.search(one.text)), 0)
    end = next((n for n, one in enumerate(paragraphs) if n >= start and END.search(one.text)), len(paragraphs))
    yield from range(start)
    yield from range(end, len(paragraphs))
    if start:
        yield from (n for n in range(start, min(start + CREDITS_WITHIN, end)) if CREDITS.match(paragraphs[n].text))


def _notes_of_transcribers(paragraphs: Sequence[Paragraph]) -> Iterator[int]:
    within = False
    for number, paragraph in enumerate(paragraphs):
        begins = TRANSCRIBER.match(paragraph.text) is not None
        within = begins if paragraph.kind == HEADING else within
        if begins or within:
            yield number


def _counts_pages(paragraphs: Sequence[Paragraph]) -> bool:
    """Whether page marks are not citations: they are labelled as pages, or count up."""
    marks = [mark for paragraph in paragraphs for mark in PAGE_MARK.finditer(paragraph.text)]
    numbers = [int(mark["p"] or mark["curly"]) for mark in marks if not mark["said"]]
    counting = sum(after == before + 1 for before, after in pairwise(numbers))
    return len(numbers) < len(marks) or counting >= max(FEWEST_COUNTING, MOSTLY_COUNTING * (len(numbers) - 1))


def _space_left(mark: re.Match[str]) -> str:
    """The space before a mark, if the next word follows the mark directly."""
    return " " if mark[0][0].isspace() and mark.string[mark.end() : mark.end() + 1].isalnum() else ""


def _without_marks(text: str, removed: list[str]) -> str:
    text = INITIAL.sub(r"\1", text)
    for pattern in (INLINE_ASIDE, PAGE_MARK):
        removed.extend(match[0].strip() for match in pattern.finditer(text))
        text = pattern.sub(_space_left, text)
    if ORNAMENTS.issuperset(text):
        removed.append(text)
        return ""
    return OTHER_TYPE.sub(r"\2", GREEK.sub(r"\1", text))
