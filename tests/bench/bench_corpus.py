"""How well and how fast books are read: error rate, headings, page furniture, seconds and memory, by format.

Run it with `make bench-corpus`; it makes the books with pandoc, LibreOffice, pdflatex and Chromium (a format is
skipped, with a note, if its program is not installed), and writes results/bench/corpus.json.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from book_makers import (
    Chapter,
    MissingTool,
    chromium_pdf,
    docx_book,
    epub_book,
    html_book,
    latex_pdf,
    libreoffice_pdf,
    markdown_book,
    sample_chapters,
)
from measure_extraction import measured
from placed_pdfs import chinese_chapters, chinese_pdf, ocr_pdf, unit_font_pdf

from localist.plumbing.files import write_json

Maker = Callable[[Sequence[Chapter], Path], Path]
# (format, layout, file name, maker)
BOOKS: tuple[tuple[str, str, str, Maker], ...] = (
    ("epub2", "pandoc", "book2.epub", lambda chapters, path: epub_book(chapters, path, version=2)),
    ("epub3", "pandoc", "book3.epub", lambda chapters, path: epub_book(chapters, path, version=3)),
    ("docx", "pandoc", "pandoc.docx", lambda chapters, path: docx_book(chapters, path, maker="pandoc")),
    ("docx", "libreoffice", "libreoffice.docx", lambda chapters, path: docx_book(chapters, path, maker="libreoffice")),
    ("html", "pandoc", "book.html", html_book),
    ("markdown", "", "book.md", markdown_book),
    ("pdf", "one column, pdflatex", "one.pdf", lambda chapters, path: latex_pdf(chapters, path, columns=1)),
    ("pdf", "two columns, pdflatex", "two.pdf", lambda chapters, path: latex_pdf(chapters, path, columns=2)),
    ("pdf", "one column, libreoffice", "libreoffice.pdf", libreoffice_pdf),
    ("pdf", "one column, chromium", "chromium.pdf", chromium_pdf),
    ("pdf", "text layer of a scan", "ocr.pdf", ocr_pdf),
    ("pdf", "size in the text matrix", "unit.pdf", unit_font_pdf),
)
CHINESE_BOOK = ("pdf", "Chinese", "chinese.pdf", chinese_pdf)
LONG_BOOK = ("pdf", "one column, pdflatex, long", "long.pdf", BOOKS[6][3])


def main() -> None:
    """Make and read each book, print a line about it, and save all rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dump", type=Path, default=Path("resources/corpora/enwiki-mind-and-machine.xml.bz2"))
    parser.add_argument("--words", type=int, default=60_000)
    parser.add_argument("--long-words", type=int, default=245_000, help="words of the long PDF: about 500 pages")
    parser.add_argument("--output", type=Path, default=Path("results/bench/corpus.json"))
    options = parser.parse_args()
    chapters, more = (sample_chapters(options.dump, words) for words in (options.words, options.long_words))
    rows = []
    with TemporaryDirectory() as folder:
        books = [*((book, chapters) for book in BOOKS), (CHINESE_BOOK, chinese_chapters(chapters)), (LONG_BOOK, more)]
        for (form, layout, name, make), text in books:
            try:
                path = make(text, Path(folder) / name)
            except MissingTool as error:
                print(f"{form} ({layout}): left out. {error}")
                continue
            row = {"format": form, "layout": layout} | measured(path, text)
            rows.append(row)
            print(told(row), flush=True)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    write_json(options.output, rows)
    print(f"Written to {options.output}.")


def told(row: dict) -> str:
    """Format a row as a readable line."""
    furniture = "" if row["furniture_removed"] is None else f"furniture removed {row['furniture_removed']:.1%}, "
    pages = "" if row["pages"] is None else f"{row['pages']} pages, "
    return (
        f"{row['format']:9s}{row['layout']:28s}character errors {row['character_error_rate']:.3%}, "
        f"headings {row['headings_found']:.0%}, {furniture}{pages}{row['seconds']:.1f} s, "
        f"{row['peak_memory_mb']:.0f} MB"
    )


if __name__ == "__main__":
    main()
