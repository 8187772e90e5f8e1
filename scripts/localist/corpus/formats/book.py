"""What every reader yields: a book as paragraphs in reading order, before cleaning."""

from collections.abc import Mapping
from dataclasses import dataclass, field

PROSE = "prose"
HEADING = "heading"
# Kinds of paragraphs that a format may mark; the cleaning step of the same name removes them.
CONTENTS = "contents"
INDEX = "index"
REFERENCES = "references"
NOTE = "footnotes"
TABLE = "tables"
NAVIGATION = "boilerplate"
# Sections that corpus.drop_sections names are reported under this name, like the removals of a step.
DROPPED_SECTIONS = "drop_sections"
# So are templates of a wiki that stand in sentences and show words that their reader does not know.
UNKNOWN_TEMPLATES = "unknown_templates"

# These private-use characters enclose a footnote mark until cleaning removes it, or keeps its text.
MARK_START = "\ue000"
MARK_END = "\ue001"


@dataclass(frozen=True)
class Paragraph:
    """A paragraph, heading or note. Line breaks in `text` are those of the layout, not ends of sentences."""

    text: str
    kind: str = PROSE
    level: int = 0  # of a heading: 1 is the highest
    page: int | None = None
    number: int = 0  # in its book, before cleaning


@dataclass(frozen=True)
class Book:
    """One document of a file.

    removed: cleaning step → texts that the reader removed for it. page_texts: page number → a whole page before
    cleaning, for a few pages.
    """

    title: str
    paragraphs: tuple[Paragraph, ...]
    author: str = ""
    pages: int | None = None
    encoding: str = ""
    removed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    page_texts: Mapping[int, str] = field(default_factory=dict)
