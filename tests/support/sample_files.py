"""Small complete files of every format, made in Python alone and identical at every run, with the same few paragraphs.

Their building blocks (`pdf_bytes`, `epub_members`, `docx_members`, ...) also serve for files broken on purpose.
"""

import bz2
import csv
import gzip
import json
import textwrap
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

import pyarrow
from pyarrow import ipc, parquet

from localist.corpus.cleaning import STEPS
from localist.corpus.settings import CorpusSettings


class Chapter(NamedTuple):
    """A heading and its paragraphs: ASCII and Latin-1 letters."""

    heading: str
    paragraphs: tuple[str, ...]


TITLE, AUTHOR = "The Keeper", "A. Writer"
CHAPTERS = (
    Chapter(
        "Chapter 1. Winter at the light",
        (
            "The keeper climbed the stairs at dusk, counted the steps as he always did, and lit the lamp before the "
            "first boats came home. Nobody had asked him for a naïve story that evening, so he wrote of the weather.",
            "By midnight the wind had turned to the north and rain beat on the glass. He trimmed the wick, drank cold "
            "tea, and listened for the bell of the buoy, which told him how high the waves were running.",
        ),
    ),
    Chapter(
        "Chapter 2. Summer ashore",
        (
            "In June a younger man took over the watch, and the keeper moved into a small house behind the harbour. "
            "The garden was full of stones. He planted beans, and most of them grew although he knew little of soil.",
            "Children came to hear how ships had been saved. He told them the truth, that a light saves nobody who "
            "does not look for it, and they went away sad but came back the next day with a café full of friends.",
        ),
    ),
)
HEADINGS = [chapter.heading for chapter in CHAPTERS]
WORDS = [word for chapter in CHAPTERS for paragraph in chapter.paragraphs for word in paragraph.split()]


def corpus(**changes: Any) -> CorpusSettings:
    """Settings with every cleaning step on, and these changes."""
    settings = CorpusSettings(
        format="auto",
        language="en",
        encoding=None,
        text_column="text",
        articles=[],
        drop_sections=[],
        section_words=250,
        on_error="stop",
        clean=dict.fromkeys(STEPS, True),
    )
    return replace(settings, **changes)


def written(path: Path, content: bytes | str) -> Path:
    """`path`, after writing it; text is written as UTF-8."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


# PDF

PdfText = tuple[float, float, float, str]  # x, y (from the bottom of the page), font size, text in Windows-1252
PAGE_SIZE = (595, 842)
LINE_CHARACTERS = 70
LINE_HEIGHT = 14


HELVETICA = "/Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding"


def _shown(placed: PdfText) -> str:
    x, y, size, text = placed
    return f"BT /F {size} Tf 1 0 0 1 {x} {y} Tm ({pdf_string(text)}) Tj ET"


def pdf_bytes(
    pages: Sequence[Sequence[PdfText]],
    *,
    title: str | None = None,
    outline: Sequence[tuple[str, int]] = (),
    encrypt: str = "",
    picture: bool = False,
    size: tuple[float, float] = PAGE_SIZE,
    more: str = "",
    font: str = HELVETICA,
    shown: Callable[[PdfText], str] = _shown,
) -> bytes:
    """A PDF in one font.

    outline: bookmarks, each with the number (from 0) of its page. encrypt: the name of a security handler, whose keys
    match no password. picture: put one on every page. more: further entries of every page's dictionary. font: the
    entries of the font's dictionary. shown: returns the operators that show a text.
    """
    catalog, tree, face, image, info, security, outlines = range(1, 8)
    first = outlines + 1 + len(outline)
    numbers = [first + 2 * number for number in range(len(pages))]
    objects = {
        catalog: f"<< /Type /Catalog /Pages {tree} 0 R /Outlines {outlines} 0 R >>",
        tree: f"<< /Type /Pages /Count {len(pages)} /Kids [{' '.join(f'{number} 0 R' for number in numbers)}] >>",
        face: f"<< /Type /Font {font} >>",
        image: _stream(
            "x", "/Type /XObject /Subtype /Image /Width 1 /Height 1 /BitsPerComponent 8 /ColorSpace /DeviceGray"
        ),
        info: f"<< /Title ({pdf_string(title)}) >>" if title else "<< >>",
        security: f"<< /Filter /{encrypt} /V 1 /R 2 /P -4 /O <{'41' * 32}> /U <{'42' * 32}> >>",
        outlines: f"<< /Count {len(outline)} /First {outlines + 1} 0 R /Last {outlines + len(outline)} 0 R >>",
    }
    for number, (name, page) in enumerate(outline, start=outlines + 1):
        after = f"/Next {number + 1} 0 R" if number < outlines + len(outline) else ""
        target = f"[{numbers[page]} 0 R /Fit]"
        objects[number] = f"<< /Title ({pdf_string(name)}) /Parent {outlines} 0 R /Dest {target} {after} >>"
    for number, page in zip(numbers, pages, strict=True):
        texts = [shown(text) for text in page]
        objects[number] = (
            f"<< /Type /Page /Parent {tree} 0 R /MediaBox [0 0 {size[0]} {size[1]}] /Contents {number + 1} 0 R "
            f"/Resources << /Font << /F {face} 0 R >> /XObject << /I {image} 0 R >> >> {more} >>"
        )
        objects[number + 1] = _stream("\n".join(["q 200 0 0 200 50 50 cm /I Do Q"] * picture + texts))
    trailer = f"/Root {catalog} 0 R /Info {info} 0 R" + f" /Encrypt {security} 0 R /ID [<41> <41>]" * bool(encrypt)
    return _pdf_file(objects, trailer)


def _pdf_file(objects: Mapping[int, str], trailer: str) -> bytes:
    parts, places = ["%PDF-1.4\n"], []
    for number in sorted(objects):
        places.append(sum(map(len, parts)))
        parts.append(f"{number} 0 obj\n{objects[number]}\nendobj\n")
    start = sum(map(len, parts))
    rows = "".join(f"{place:010} 00000 n \n" for place in places)
    count = len(objects) + 1
    parts.append(f"xref\n0 {count}\n0000000000 65535 f \n{rows}trailer\n<< /Size {count} {trailer} >>\n")
    parts.append(f"startxref\n{start}\n%%EOF\n")
    return "".join(parts).encode("cp1252")


def _stream(content: str, entries: str = "") -> str:
    return f"<< {entries} /Length {len(content)} >>\nstream\n{content}\nendstream"


def pdf_string(text: str) -> str:
    """Text escaped for a PDF string."""
    return text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")


def pdf_page(paragraph: str, heading: str = "") -> list[PdfText]:
    """One paragraph as lines of a page, under a heading in larger type."""
    lines = enumerate(textwrap.wrap(paragraph, LINE_CHARACTERS))
    return [(72, 760, 18, heading)] * bool(heading) + [(72, 720 - LINE_HEIGHT * row, 11, line) for row, line in lines]


def pdf_pages(chapters: Sequence[Chapter] = CHAPTERS) -> list[list[PdfText]]:
    """A page for each paragraph."""
    return [
        pdf_page(paragraph, "" if number else chapter.heading)
        for chapter in chapters
        for number, paragraph in enumerate(chapter.paragraphs)
    ]


def pdf(folder: Path) -> Path:
    return written(
        folder / "sample.pdf", pdf_bytes(pdf_pages(), title=TITLE, outline=[(HEADINGS[0], 0), (HEADINGS[1], 2)])
    )


# Zip files of XML


def zipped(path: Path, members: Mapping[str, bytes | str]) -> Path:
    """A zip file of `members` (name, content), in their order."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return path


XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
CHAPTER_FILE = "OEBPS/text/chapter{}.xhtml"


def xhtml(body: str, before: str = "") -> str:
    """A chapter; `before` is its document type declaration."""
    return f'{XML}{before}<html xmlns="http://www.w3.org/1999/xhtml"><head><title>Chapter</title></head><body>{body}</body></html>'


def html_body(chapter: Chapter) -> str:
    paragraphs = "\n".join(f"<p>{escape(paragraph)}</p>" for paragraph in chapter.paragraphs)
    return f"<h1>{escape(chapter.heading)}</h1>\n{paragraphs}\n"


def epub_members(version: int = 3, chapters: Sequence[Chapter] = CHAPTERS) -> dict[str, str]:
    """The parts of an EPUB, in order; chapter files are named by CHAPTER_FILE, numbered from 1."""
    numbers = range(1, len(chapters) + 1)
    links = "".join(f'<li><a href="text/chapter{n}.xhtml">{chapters[n - 1].heading}</a></li>' for n in numbers)
    points = "".join(
        f'<navPoint id="n{n}" playOrder="{n}"><navLabel><text>{chapters[n - 1].heading}</text></navLabel>'
        f'<content src="text/chapter{n}.xhtml"/></navPoint>'
        for n in numbers
    )
    contents = {
        2: ("toc.ncx", "application/x-dtbncx+xml", "", f"{XML}<ncx><navMap>{points}</navMap></ncx>"),
        3: ("nav.xhtml", "application/xhtml+xml", 'properties="nav"', xhtml(f"<nav><ol>{links}</ol></nav>")),
    }
    name, kind, properties, text = contents[version]
    items = "".join(
        f'<item id="c{n}" href="text/chapter{n}.xhtml" media-type="application/xhtml+xml"/>\n' for n in numbers
    )
    return {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": f'{XML}<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
        '<rootfiles><rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles>'
        "</container>",
        "OEBPS/book.opf": f'{XML}<package xmlns="http://www.idpf.org/2007/opf" version="{version}.0">'
        '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<dc:title>{TITLE}</dc:title><dc:creator>{AUTHOR}</dc:creator></metadata>"
        f'<manifest><item id="toc" href="{name}" media-type="{kind}" {properties}/>{items}</manifest>'
        f'<spine toc="toc">{"".join(f"""<itemref idref="c{n}"/>""" for n in numbers)}</spine></package>',
        f"OEBPS/{name}": text,
        **{CHAPTER_FILE.format(n): xhtml(html_body(chapters[n - 1])) for n in numbers},
    }


def epub(folder: Path, version: int = 3) -> Path:
    return zipped(folder / f"sample{version}.epub", epub_members(version))


WORD_NAMESPACES = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
    'xmlns:pic="http://schemas.openxmlformats.org/drawingml/2006/picture"'
)
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
DOCX_NOTE = "Such notes were kept by every keeper."


def word_paragraph(text: str, style: str = "", more: str = "") -> str:
    properties = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f'<w:p>{properties}<w:r><w:t xml:space="preserve">{escape(text)}</w:t></w:r>{more}</w:p>'


def docx_body(chapters: Sequence[Chapter] = CHAPTERS) -> str:
    """Headings and paragraphs, and one footnote."""
    mark = '<w:r><w:footnoteReference w:id="1"/></w:r>'
    return "".join(
        word_paragraph(chapter.heading, "Heading1")
        + "".join(
            word_paragraph(one, more=mark if one == chapters[0].paragraphs[0] else "") for one in chapter.paragraphs
        )
        for chapter in chapters
    )


def docx_members(body: str | None = None, before: str = "", relationships: str = "") -> dict[str, str]:
    """The parts of a Word document, in their order; `before` is the main part's document type declaration."""
    types = "application/vnd.openxmlformats-officedocument.wordprocessingml"
    parts = {"document": "document.main", "styles": "styles", "footnotes": "footnotes"}
    overrides = "".join(
        f'<Override PartName="/word/{name}.xml" ContentType="{types}.{kind}+xml"/>' for name, kind in parts.items()
    )
    main = f'<Relationship Id="m" Type="{OFFICE}/officeDocument" Target="word/document.xml"/>'
    others = (
        f'<Relationship Id="s" Type="{OFFICE}/styles" Target="styles.xml"/>'
        f'<Relationship Id="f" Type="{OFFICE}/footnotes" Target="footnotes.xml"/>{relationships}'
    )
    about = f"<dc:title>{TITLE}</dc:title><dc:creator>{AUTHOR}</dc:creator>"
    heading = '<w:style w:type="paragraph" w:styleId="Heading1"><w:name w:val="heading 1"/></w:style>'
    note = f'<w:footnote w:id="1">{word_paragraph(DOCX_NOTE)}</w:footnote>'
    text = f"<w:body>{docx_body() if body is None else body}</w:body>"
    return {
        "[Content_Types].xml": f'{XML}<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" '
        f'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>{overrides}</Types>',
        "_rels/.rels": f'{XML}<Relationships xmlns="{PACKAGE}/relationships">{main}</Relationships>',
        "docProps/core.xml": f'{XML}<p:coreProperties xmlns:p="{PACKAGE}/metadata/core-properties" '
        f'xmlns:dc="http://purl.org/dc/elements/1.1/">{about}</p:coreProperties>',
        "word/document.xml": f"{XML}{before}<w:document {WORD_NAMESPACES}>{text}</w:document>",
        "word/_rels/document.xml.rels": f'{XML}<Relationships xmlns="{PACKAGE}/relationships">{others}</Relationships>',
        "word/styles.xml": f"{XML}<w:styles {WORD_NAMESPACES}>{heading}</w:styles>",
        "word/footnotes.xml": f"{XML}<w:footnotes {WORD_NAMESPACES}>{note}</w:footnotes>",
    }


def docx(folder: Path) -> Path:
    return zipped(folder / "sample.docx", docx_members())


# Text and markup


def html(folder: Path) -> Path:
    body = "".join(map(html_body, CHAPTERS))
    head = f'<head><meta charset="utf-8"><title>{TITLE}</title><meta name="author" content="{AUTHOR}"></head>'
    return written(folder / "sample.html", f"<!DOCTYPE html>\n<html>{head}<body>{body}</body></html>\n")


def markdown(folder: Path) -> Path:
    blocks = [f"---\ntitle: {TITLE}\nauthor: {AUTHOR}\n---"]
    for chapter in CHAPTERS:
        blocks += [f"# {chapter.heading}", *chapter.paragraphs]
    return written(folder / "sample.md", "\n\n".join(blocks) + "\n")


def text(folder: Path) -> Path:
    blocks = [textwrap.fill(block) for chapter in CHAPTERS for block in (chapter.heading, *chapter.paragraphs)]
    return written(folder / "sample.txt", "\n\n".join(blocks) + "\n")


def dump_xml(source: str, before: str = "") -> str:
    """A MediaWiki dump of one article; `before` is its document type declaration."""
    site = '<siteinfo><sitename>Wiki</sitename><namespaces><namespace key="0"/></namespaces></siteinfo>'
    revision = f"<revision><id>1</id><timestamp>2020-01-01T00:00:00Z</timestamp><text>{source}</text></revision>"
    page = f"<page><title>{TITLE}</title><ns>0</ns><id>1</id>{revision}</page>"
    return f"{XML}{before}<mediawiki>{site}\n{page}</mediawiki>\n"


def dump_text(chapters: Sequence[Chapter] = CHAPTERS) -> str:
    return "\n".join(escape("\n\n".join([f"== {chapter.heading} ==", *chapter.paragraphs])) for chapter in chapters)


def mediawiki(folder: Path, suffix: str = "") -> Path:
    pack = {"": bytes, ".bz2": bz2.compress, ".gz": partial(gzip.compress, mtime=0)}[suffix]
    return written(folder / f"sample.xml{suffix}", pack(dump_xml(dump_text()).encode()))


# Rows: one for each chapter

ROWS = [{"title": chapter.heading, "author": AUTHOR, "text": "\n\n".join(chapter.paragraphs)} for chapter in CHAPTERS]


def jsonl(folder: Path) -> Path:
    return written(folder / "sample.jsonl", "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS))


def csv_rows(folder: Path) -> Path:
    path = folder / "sample.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, ROWS[0])
        writer.writeheader()
        writer.writerows(ROWS)
    return path


def parquet_rows(folder: Path) -> Path:
    path = folder / "sample.parquet"
    parquet.write_table(pyarrow.Table.from_pylist(ROWS), path, compression="none")
    return path


def arrow_rows(folder: Path, form: str = "stream") -> Path:
    path = folder / f"{form}.arrow"
    table = pyarrow.Table.from_pylist(ROWS)
    with {"stream": ipc.new_stream, "file": ipc.new_file}[form](path, table.schema) as writer:
        writer.write_table(table)
    return path


SAMPLES: dict[str, Callable[[Path], Path]] = {
    "pdf": pdf,
    "epub 2": partial(epub, version=2),
    "epub 3": partial(epub, version=3),
    "docx": docx,
    "html": html,
    "markdown": markdown,
    "text": text,
    "mediawiki": mediawiki,
    "mediawiki bz2": partial(mediawiki, suffix=".bz2"),
    "mediawiki gz": partial(mediawiki, suffix=".gz"),
    "jsonl": jsonl,
    "csv": csv_rows,
    "parquet": parquet_rows,
    "arrow stream": partial(arrow_rows, form="stream"),
    "arrow file": partial(arrow_rows, form="file"),
}
