"""The text layer of a PDF with the position of each line, read by PDFium (nothing is rendered, no scripts run)."""

import mmap
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pypdfium2
from pypdfium2 import raw

from localist.corpus.formats.book import MARK_END, MARK_START, Book
from localist.corpus.formats.pdf_fragments import Fragment, body_size, fragments_of
from localist.corpus.formats.pdf_furniture import without_furniture
from localist.corpus.formats.pdf_layout import Layout, layout_of, paragraphs_of
from localist.corpus.formats.pdf_letters import SAME_LINE, even_size, letters_of, ligatures_of
from localist.corpus.formats.pdf_scripts import broken_words, in_reading_order, with_cluster_spaces
from localist.plumbing.errors import UserError

END_MARK = b"%%EOF"
TABLE_MARK = b"startxref"
OBJECT_MARK = b" obj"
END = 4096
MOST_UNREADABLE = 0.2
# A page with a picture and fewer characters is a scan: the characters are a page number or a stamp.
FEWEST_CHARACTERS = 20
# All pages are scaled so that most text has this size in points, whatever the file's unit.
BODY_SIZE = 10.0
MOST_BROKEN_WORDS = 0.02
# In prose a few per cent of words are single letters, in mathematics up to ten; in tables most lines have wide gaps.
MOST_SINGLE_LETTERS = 0.2
MOST_TABULAR_LINES = 0.4


def read_pdf(path: Path, steps: frozenset[str]) -> Iterator[Book]:
    """Read one PDF as one book.

    `steps` are the enabled cleaning steps: page furniture is removed here, where positions are known. Raises UserError
    if the file is encrypted, damaged or truncated, or has no readable text layer.
    """
    if _is_cut_off(path):
        raise UserError(
            f"{path}: is truncated: the end of the PDF is missing. Get a new copy, or repair it, for example with "
            "`qpdf broken.pdf repaired.pdf`."
        )
    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        # PDFium may report the error code of an earlier file.
        if error.err_code == raw.FPDF_ERR_PASSWORD and b"/Encrypt" in path.read_bytes():
            raise UserError(
                f"{path}: is encrypted with a password. Save a copy without one, for example with "
                "`qpdf --password=... --decrypt in.pdf out.pdf`."
            ) from error
        raise UserError(
            f"{path}: is damaged: PDFium cannot open it ({error}). Get a new copy, or repair it with qpdf."
        ) from error
    try:
        yield _book(document, path, steps)
    finally:
        document.close()


def _is_cut_off(path: Path) -> bool:
    """Whether the file ends in the middle of its objects. Trailing bytes after a complete file are harmless."""
    if not path.stat().st_size:
        return True
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        end = content.rfind(END_MARK)
        if end < 0:
            return content.find(TABLE_MARK, max(0, len(content) - END)) < 0
        return content.find(OBJECT_MARK, end) >= 0


@dataclass
class _Pages:
    """The contents of the pages, and the numbers of pages and characters that cannot be read."""

    fragments: list[list[Fragment]] = field(default_factory=list)
    without_text: list[int] = field(default_factory=list)
    damaged: list[int] = field(default_factory=list)
    characters: int = 0
    unreadable: int = 0
    aside: int = 0
    tex_codes: Counter[int] = field(default_factory=Counter)
    of_scans: set[int] = field(default_factory=set)


def _book(document: pypdfium2.PdfDocument, path: Path, steps: frozenset[str]) -> Book:
    pages = _pages(document)
    ligatures = ligatures_of(pages.tex_codes)
    pages.unreadable += sum(count for code, count in pages.tex_codes.items() if not ligatures[code])
    _refuse_what_cannot_be_read(path, pages)
    fragments = _scaled(pages, ligatures)
    kept, removed = without_furniture(fragments, steps)
    metadata = document.get_metadata_dict(skip_empty=True)
    layout = layout_of(kept)
    paragraphs = tuple(paragraphs_of(layout, _outline(document)))
    texts = [one.text for one in paragraphs]
    return Book(
        title=metadata.get("Title", "").strip() or path.stem,
        author=metadata.get("Author", "").strip(),
        paragraphs=paragraphs,
        pages=len(fragments),
        removed=removed,
        warnings=(*_warnings(pages), *_broken_words(texts), *_torn_words(texts), *_tables(layout)),
        page_texts={number: _page_text(fragments[number - 1]) for number in sorted({1, len(fragments) // 2 + 1})},
    )


def _pages(document: pypdfium2.PdfDocument) -> _Pages:
    pages = _Pages()
    for number in range(1, len(document) + 1):
        try:
            page = document[number - 1]
        except pypdfium2.PdfiumError:
            pages.damaged.append(number)
            pages.fragments.append([])
            continue
        try:
            found = letters_of(page)
            letters = in_reading_order(with_cluster_spaces(found.letters, page))
            if len(letters) < FEWEST_CHARACTERS and _has_picture(page):
                pages.without_text.append(number)
        finally:
            page.close()
        fragments, turned = fragments_of(letters)
        pages.fragments.append(fragments)
        pages.characters += len(letters)
        pages.unreadable += found.unreadable
        pages.aside += found.askew + turned
        pages.tex_codes += found.tex_codes
        if found.of_scan:
            pages.of_scans.add(number)
    return pages


def _scaled(pages: _Pages, ligatures: dict[int, str]) -> list[list[Fragment]]:
    """The fragments, scaled so that most text has size BODY_SIZE; in scans, on each page."""
    body = body_size(one for fragments in pages.fragments for one in fragments) or BODY_SIZE
    unit = BODY_SIZE / body
    return [
        [
            Fragment(
                text=one.text.translate(ligatures),
                left=one.left * unit,
                right=one.right * unit,
                baseline=one.baseline * unit,
                size=(even_size(one.size, body) if number in pages.of_scans else one.size) * unit,
                gap=one.gap * unit,
            )
            for one in fragments
        ]
        for number, fragments in enumerate(pages.fragments, start=1)
    ]


def _warnings(pages: _Pages) -> Iterator[str]:
    if pages.damaged:
        yield f"{_listed(pages.damaged)} left out: damaged in the file"
    if pages.without_text:
        yield f"{_listed(pages.without_text)} without text: pictures, or scans that need OCR"
    if pages.unreadable:
        yield f"characters without a Unicode mapping in their fonts were left out: {pages.unreadable}"
    if pages.aside:
        yield f"characters at an angle to the text (stamps, watermarks, labels) that were left out: {pages.aside}"


def _broken_words(texts: Iterable[str]) -> Iterator[str]:
    counts = [broken_words(text) for text in texts]
    broken, words = (sum(numbers) for numbers in zip(*counts, strict=True)) if counts else (0, 0)
    if broken > MOST_BROKEN_WORDS * words:
        yield (
            f"{broken} of {words} words begin with a combining sign: the PDF does not store the letters of this script "
            "in reading order. Compare the text with the pages, or use another format"
        )


def _torn_words(texts: Iterable[str]) -> Iterator[str]:
    words = [word for text in texts for word in text.split() if any(map(str.isalpha, word))]
    single = sum(len(word) == 1 and word.lower() != word.upper() for word in words)
    if single > MOST_SINGLE_LETTERS * len(words):
        yield (
            f"{single} of {len(words)} words are single letters: the text layer breaks words up. If this is a scan, "
            "repeat the OCR, for example with `ocrmypdf --redo-ocr in.pdf out.pdf`"
        )


def _tables(layout: Layout) -> Iterator[str]:
    lines = [line for column in layout.columns for line in column.lines]
    tabular = sum(line.is_tabular for line in lines)
    if tabular > MOST_TABULAR_LINES * len(lines):
        yield (
            f"{tabular} of {len(lines)} lines have gaps as in tables, forms or listings; they are read row by row, "
            "across columns"
        )


def _page_text(fragments: list[Fragment]) -> str:
    """The text of a page before cleaning, in file order, page furniture included."""
    parts = []
    for before, one in zip([None, *fragments], fragments, strict=False):
        same_line = before is not None and abs(before.baseline - one.baseline) < SAME_LINE * one.size
        parts.append((" " if same_line else "\n") + one.text)
    return "".join(parts).strip().replace(MARK_START, "").replace(MARK_END, "")


def _refuse_what_cannot_be_read(path: Path, pages: _Pages) -> None:
    total = len(pages.fragments)
    if pages.damaged and len(pages.damaged) > total / 2:
        raise UserError(
            f"{path}: is damaged: {_listed(pages.damaged)} of {total} cannot be read. Get a new copy, or repair it "
            "with qpdf."
        )
    every = pages.unreadable + pages.characters
    if pages.unreadable > MOST_UNREADABLE * every:
        raise UserError(
            f"{path}: {pages.unreadable} of {every} characters have no Unicode mapping in their fonts: "
            "its text cannot be read. It needs OCR, for example `ocrmypdf --force-ocr in.pdf out.pdf`."
        )
    if len(pages.without_text) > total / 2 or not pages.characters:
        what = (
            f"{_listed(pages.without_text)} of {total} are pictures"
            if pages.without_text
            else f"none of its {total} pages has text"
        )
        raise UserError(
            f"{path}: has no text layer ({what}). A scan needs OCR first, for example `ocrmypdf in.pdf out.pdf`."
        )


def _has_picture(page: pypdfium2.PdfPage) -> bool:
    return next(iter(page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE])), None) is not None


def _outline(document: pypdfium2.PdfDocument) -> dict[int, list[tuple[int, str]]]:
    """Page → its bookmarks, each with level (1 is the highest) and title."""
    found: dict[int, list[tuple[int, str]]] = {}
    for bookmark in document.get_toc(max_depth=6):
        target = bookmark.get_dest()
        page = None if target is None else target.get_index()
        if page is not None:
            found.setdefault(page + 1, []).append((bookmark.level + 1, bookmark.get_title()))
    return found


def _listed(numbers: list[int]) -> str:
    shown = ", ".join(map(str, numbers[:5])) + (" …" if len(numbers) > 5 else "")
    return f"{'page' if len(numbers) == 1 else 'pages'} {shown}"
