"""Plain text: paragraphs between blank lines, and headings known by their words (Chapter I)."""

import re
from collections.abc import Iterator
from pathlib import Path

from localist.corpus.formats.book import CONTENTS, HEADING, Book, Paragraph
from localist.corpus.formats.decoding import decode

BLANK_LINES = re.compile(r"\n[^\S\n]*(?:\n|\f)\s*|\f")
# First words of lines that are headings: parts of a work, then chapters.
PART = re.compile(
    r"(?:book|part|volume|act|buch|teil|band|livre|partie|tome|libro|parte)\s+(?:[ivxlcdm]+|\d+|the\b|\w+$)", re.I
)
CHAPTER = re.compile(
    r"(?:chapter|letter|scene|canto|section|kapitel|abschnitt|chapitre|cap[ií]tulo|capitolo|глава)\s+(?:[ivxlcdm]+|\d+|the\b|\w+$)"
    r"|(?:preface|foreword|introduction|prologue|epilogue|conclusion|contents|table of contents|index|bibliography|"
    r"references|appendix|notes|footnotes|vorwort|einleitung|inhalt|inhaltsverzeichnis|literaturverzeichnis|register|préface|"
    r"table des matières|bibliographie)\W*$",
    re.IGNORECASE,
)
LONGEST_HEADING = 80


def read_plain_text(path: Path, encoding: str | None = None) -> Iterator[Book]:
    """Read one file as one book titled by its file name. Raises UserError where it cannot be decoded."""
    text, found = decode(path.read_bytes(), str(path), encoding)
    yield Book(path.stem, tuple(text_paragraphs(text)), encoding=found)


def text_paragraphs(text: str) -> Iterator[Paragraph]:
    """Paragraphs with their line breaks; in a text without blank lines, each line is a paragraph."""
    stripped = text.strip()
    for part in BLANK_LINES.split(stripped) if BLANK_LINES.search(stripped) else stripped.splitlines():
        lines = "\n".join(line.strip() for line in part.splitlines() if line.strip())
        if lines:
            level = _heading_level(lines)
            if _lists_headings(lines):
                yield Paragraph(lines, CONTENTS)
            else:
                yield Paragraph(lines, HEADING, level) if level else Paragraph(lines)


def _lists_headings(text: str) -> bool:
    lines = text.split("\n")
    named = sum(bool(PART.match(line) or CHAPTER.match(line)) for line in lines)
    return named > 1 and named > len(lines) / 2


def _heading_level(text: str) -> int:
    if len(text) > LONGEST_HEADING or text.count("\n") > 1 or text.endswith((",", ";", '"', "”")):
        return 0
    first = text.split("\n", 1)[0]
    return 1 if PART.match(first) else 2 if CHAPTER.match(first) else 0
