"""Documents and sections: the data structures that all formats are read into."""

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

SECTION_SEPARATOR = "\n\n"
COLUMNS = ("document", "title", "author", "source", "section", "heading", "page", "text")


@dataclass(frozen=True)
class Section:
    """Prose under one heading. `heading` is metadata, not part of `text`; `page` is the page on which it begins."""

    heading: str
    text: str
    page: int | None = None


@dataclass(frozen=True)
class Document:
    """A title and its sections in reading order; `source` is the file that they come from."""

    title: str
    sections: tuple[Section, ...]
    author: str = ""
    source: str = ""


def sections_table(documents: Iterable[Document], first_document: int = 0, first_section: int = 0) -> pd.DataFrame:
    """One row per section, with COLUMNS; documents and sections are numbered across the corpus."""
    rows = [
        (number, document.title, document.author, document.source, section.heading, section.page, section.text)
        for number, document in enumerate(documents, start=first_document)
        for section in document.sections
    ]
    table = pd.DataFrame(rows, columns=[name for name in COLUMNS if name != "section"])
    table.insert(COLUMNS.index("section"), "section", range(first_section, first_section + len(table)))
    return table.astype({"page": "Int64"})


def document_text(sections: Iterable[str]) -> str:
    """The complete text of a document. It is what is tokenised, and sentence offsets refer to it."""
    return SECTION_SEPARATOR.join(sections)
