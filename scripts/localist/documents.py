"""Documents and their sections: the common form that every corpus format is read into."""

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from localist.errors import UserError

SECTION_SEPARATOR = "\n\n"


@dataclass(frozen=True)
class Section:
    """A stretch of prose under one heading; `heading` is metadata and not part of `text`."""

    heading: str
    text: str


@dataclass(frozen=True)
class Document:
    """A title and its sections, in reading order."""

    title: str
    sections: tuple[Section, ...]


def sections_table(documents: Iterable[Document]) -> pd.DataFrame:
    """One row per section: document, title, section (numbered through the corpus), heading, text."""
    rows = [
        (number, document.title, section.heading, section.text)
        for number, document in enumerate(documents)
        for section in document.sections
    ]
    if not rows:
        raise UserError("The corpus has no text: every document is empty after extraction. Check corpus in the config.")
    table = pd.DataFrame(rows, columns=["document", "title", "heading", "text"])
    table.insert(2, "section", range(len(table)))
    return table


def document_text(sections: Iterable[str]) -> str:
    """A document's whole text: what is tokenised, and what segment offsets refer to."""
    return SECTION_SEPARATOR.join(sections)
