"""Word documents (DOCX): body text, headings and notes. Headers, footers, comments, hidden and deleted text, and macros
are left out."""

import io
import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from xml.parsers.expat import ExpatError

import mammoth
from defusedxml.ElementTree import fromstring

from localist.corpus.formats.archives import opened_archive, read_member
from localist.corpus.formats.book import Book
from localist.corpus.formats.markup import html_book
from localist.corpus.formats.word_xml import HEADING_STYLE, LEVELS, WordStyles, prepared
from localist.plumbing.errors import UserError

BODY = re.compile(r"word/document\d*\.xml")
STYLES = re.compile(r"word/styles\d*\.xml")
REMARKS = re.compile(r"word/comments\w*\.xml|word/glossary/.*")
PROPERTIES = "docProps/core.xml"
# Raised by mammoth for damaged documents.
DAMAGED = (zipfile.BadZipFile, ExpatError, LookupError, ValueError, AttributeError, TypeError, SyntaxError)
# Word and LibreOffice store built-in style names in English, whatever the interface language.
STYLE_MAP = "\n".join(
    [
        "p[style-name='Title'] => h1:fresh",
        "p[style-name='Subtitle'] => p:fresh",
        "p[style-name^='toc'] => p.toc-entry:fresh",
        "p[style-name^='TOC'] => p.toc-entry:fresh",
        "p[style-name^='Contents'] => p.toc-entry:fresh",
        "p[style-name='Bibliography'] => p.references:fresh",
        "br[type='page'] => br",
        *(f"p.{HEADING_STYLE}{level} => h{level}:fresh" for level in range(1, LEVELS + 1)),
    ]
)
MISSING = {"altChunk": "an embedded document", "subDoc": "a subdocument in a separate file"}
UNKNOWN_SYMBOL = "A w:sym element"


def read_docx(path: Path) -> Iterator[Book]:
    """Read one DOCX as one book. Raises UserError for damaged, encrypted or dangerous files."""
    with opened_archive(path) as archive:
        parts = {
            name: read_member(archive, name, path)
            for name in dict.fromkeys(archive.namelist())
            if name.endswith((".xml", ".rels")) and not REMARKS.fullmatch(name)
        }
    if not any(BODY.fullmatch(name) for name in parts):
        raise UserError(f"{path}: has no part word/document.xml, so it is not a Word document. Save it again as DOCX.")
    try:
        packed, warnings = _packed(parts)
        converted = mammoth.convert_to_html(
            packed, style_map=STYLE_MAP, include_embedded_style_map=False, ignore_empty_paragraphs=True
        )
    except DAMAGED as error:
        raise UserError(
            f"{path}: is a damaged Word document ({type(error).__name__}: {error}). Save it again."
        ) from error
    symbols = sum(message.message.startswith(UNKNOWN_SYMBOL) for message in converted.messages)
    if symbols:
        warnings += (f"symbols in unknown fonts were left out: {symbols}",)
    title, author = _properties(parts)
    book = html_book(f"<html><body>{converted.value}</body></html>", path)
    yield Book(title or path.stem, book.paragraphs, author, warnings=warnings)


def _packed(parts: dict[str, bytes]) -> tuple[io.BytesIO, tuple[str, ...]]:
    """The document as a zip file for mammoth, and warnings about content that it lacks."""
    styles = WordStyles(next((content for name, content in parts.items() if STYLES.fullmatch(name)), None))
    missing: Counter[str] = Counter()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in parts.items():
            if name.endswith(".xml") and name != PROPERTIES:
                content, more = prepared(content, styles)
                missing.update(more)
            archive.writestr(name, content)
    return packed, tuple(
        f"{MISSING[name]} is not read (occurrences: {count}): copy its text into the document"
        for name, count in missing.items()
    )


def _properties(parts: dict[str, bytes]) -> tuple[str, str]:
    try:
        found = {one.tag.rpartition("}")[2]: (one.text or "").strip() for one in fromstring(parts.get(PROPERTIES, b""))}
    except (SyntaxError, ValueError):
        return "", ""
    return found.get("title", ""), found.get("creator", "")
