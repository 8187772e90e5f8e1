"""Word documents (DOCX): body text with its headings and notes; headers, footers, comments and macros stay out."""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.parsers.expat import ExpatError

import mammoth
from defusedxml.ElementTree import fromstring

from localist.corpus.formats.archives import opened_archive, read_member
from localist.corpus.formats.book import Book
from localist.corpus.formats.markup import html_book
from localist.plumbing.errors import UserError

BODY = re.compile(r"word/document\d*\.xml")
PROPERTIES = "docProps/core.xml"
# Raised by mammoth for damaged documents.
DAMAGED = (zipfile.BadZipFile, ExpatError, LookupError, ValueError, AttributeError, TypeError, SyntaxError)
# Word and LibreOffice store the names of built-in styles in English, whatever their language.
STYLES = """
p[style-name='Title'] => h1:fresh
p[style-name='Subtitle'] => p:fresh
p[style-name^='toc'] => p.toc-entry:fresh
p[style-name^='TOC'] => p.toc-entry:fresh
p[style-name^='Contents'] => p.toc-entry:fresh
p[style-name='Bibliography'] => p.references:fresh
comment-reference =>
"""


def read_docx(path: Path) -> Iterator[Book]:
    """Read one DOCX as one book. Raises UserError for damaged, encrypted or dangerous files."""
    with opened_archive(path) as archive:
        for name in archive.namelist():
            if name.endswith((".xml", ".rels")):
                read_member(archive, name, path)  # refuses damage and entities before the library sees the file
        if not any(BODY.fullmatch(name) for name in archive.namelist()):
            raise UserError(f"{path}: lacks its part word/document.xml, so it is not a Word document. Save it again.")
        title, author = _properties(archive, path)
    try:
        with path.open("rb") as stream:
            converted = mammoth.convert_to_html(
                stream,
                style_map=STYLES,
                convert_image=mammoth.images.img_element(lambda image: {}),
                ignore_empty_paragraphs=True,
            )
    except DAMAGED as error:
        raise UserError(
            f"{path}: is a damaged Word document ({type(error).__name__}: {error}). Save it again."
        ) from error
    book = html_book(f"<html><body>{converted.value}</body></html>", path)
    yield Book(title or path.stem, book.paragraphs, author)


def _properties(archive: zipfile.ZipFile, path: Path) -> tuple[str, str]:
    if PROPERTIES not in archive.namelist():
        return "", ""
    try:
        found = {
            one.tag.rpartition("}")[2]: (one.text or "").strip()
            for one in fromstring(read_member(archive, PROPERTIES, path))
        }
    except (SyntaxError, ValueError):
        return "", ""
    return found.get("title", ""), found.get("creator", "")
