"""The data structure that every reader yields: a book as paragraphs in reading order, before cleaning."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

PROSE = "prose"
HEADING = "heading"
# Paragraph kinds that a format may mark; the cleaning step of the same name removes them.
CONTENTS = "contents"
INDEX = "index"
REFERENCES = "references"
NOTE = "footnotes"
TABLE = "tables"
NAVIGATION = "boilerplate"
# The report lists sections removed by corpus.drop_sections under this name, like the removals of a step.
DROPPED_SECTIONS = "drop_sections"
# Likewise for wiki templates within sentences whose output the reader does not know.
UNKNOWN_TEMPLATES = "unknown_templates"

# These private-use characters enclose a footnote mark until cleaning removes it or keeps its text.
MARK_START = "\ue000"
MARK_END = "\ue001"


@dataclass(frozen=True)
class Paragraph:
    """A paragraph, heading or note. Line breaks in `text` come from the layout and do not end sentences."""

    text: str
    kind: str = PROSE
    level: int = 0  # of a heading: 1 is the highest
    page: int | None = None
    number: int = 0  # in its book, before cleaning

    def with_text(self, text: str) -> "Paragraph":
        """This paragraph with another text. Most cleaning steps change few texts, so those that stay are not copied."""
        return self if text == self.text else replace(self, text=text)


@dataclass(frozen=True)
class Book:
    """One document of a file.

    removed: cleaning step → texts that the reader removed on its behalf. page_texts: page number → complete text of the
    page before cleaning, for a few pages.
    """

    title: str
    paragraphs: tuple[Paragraph, ...]
    author: str = ""
    pages: int | None = None
    encoding: str = ""
    removed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    page_texts: Mapping[int, str] = field(default_factory=dict)
