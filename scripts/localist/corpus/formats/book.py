"""What every reader yields: a book as paragraphs in reading order, before cleaning."""

from collections.abc import Mapping
from dataclasses import dataclass, field

PROSE = "prose"
HEADING = "heading"
# What a format says of a paragraph; the cleaning step of the same name decides whether it stays.
CONTENTS = "contents"
INDEX = "index"
REFERENCES = "references"
NOTE = "footnotes"
TABLE = "tables"
NAVIGATION = "boilerplate"
# What goes under headings that the config names (corpus.drop_sections) is told like what a step takes out.
DROPPED_SECTIONS = "drop_sections"

# A footnote mark stands between these two (private use) characters until cleaning drops it, or keeps what is inside.
MARK_START = "\ue000"
MARK_END = "\ue001"


@dataclass(frozen=True)
class Paragraph:
    """A paragraph, heading or note. A line break in `text` is one of the layout: the sentence goes on behind it."""

    text: str
    kind: str = PROSE
    level: int = 0  # of a heading: 1 is the highest
    page: int | None = None
    number: int = 0  # in its book, before cleaning


@dataclass(frozen=True)
class Book:
    """One document of a file.

    `removed` has what the reader left out, by the name of the step that asked for it; `page_texts` a few whole pages
    as they were before.
    """

    title: str
    paragraphs: tuple[Paragraph, ...]
    author: str = ""
    pages: int | None = None
    encoding: str = ""
    removed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    page_texts: Mapping[int, str] = field(default_factory=dict)
