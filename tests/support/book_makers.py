"""Books in many formats, made from a known text by the programs that make real ones.

Extracted text can be compared with `known_text` and `headings`. A maker whose program is not installed raises
MissingTool; tests turn that into a skip.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.sax.saxutils import escape

from PIL import Image

from localist.corpus.cleaning import without_sections
from localist.corpus.formats.book import PROSE
from localist.corpus.formats.mediawiki import read_mediawiki
from localist.report.latex import latex_text

NOT_PROSE = {"references", "notes", "further reading", "see also", "external links", "bibliography"}
TITLE, AUTHOR = "Mind and Machine", "A. Collective"
SHORTEST_PARAGRAPH = 8  # words
SECONDS = 180  # for one run of one program
PACKAGES = {
    "chromium": "chromium",
    "pandoc": "pandoc",
    "pdflatex": "texlive-latex-base, with lmodern",
    "pdftoppm": "poppler-utils",
    "qpdf": "qpdf",
    "soffice": "libreoffice-writer-nogui",
}


@dataclass(frozen=True)
class Chapter:
    """A title and plain running text: ASCII and Latin-1 letters, without line breaks."""

    title: str
    paragraphs: tuple[str, ...]


class MissingTool(Exception):
    """A program is not installed; the message names it and its Debian package."""


# The text


def sample_chapters(dump: Path, words: int) -> list[Chapter]:
    """Whole articles of a MediaWiki dump, in order, until they have `words` words or the dump ends."""
    chapters, found = [], 0
    for chapter in _dump_chapters(dump):
        if found >= words:
            break
        chapters.append(chapter)
        found += sum(len(paragraph.split()) for paragraph in chapter.paragraphs)
    return chapters


def known_text(chapters: Iterable[Chapter]) -> str:
    """The result of a perfect extraction of the prose: one paragraph per line, without chapter titles."""
    return "\n".join(paragraph for chapter in chapters for paragraph in chapter.paragraphs)


def headings(chapters: Iterable[Chapter]) -> list[str]:
    """The chapters' titles, in order."""
    return [chapter.title for chapter in chapters]


def _dump_chapters(dump: Path) -> Iterator[Chapter]:
    for book in read_mediawiki(dump):
        kept, _ = without_sections(book.paragraphs, NOT_PROSE)
        lines = (_typeable(paragraph.text) for paragraph in kept if paragraph.kind == PROSE)
        paragraphs = tuple(line for line in lines if len(line.split()) >= SHORTEST_PARAGRAPH)
        if paragraphs:
            yield Chapter(_typeable(book.title), paragraphs)


_ASCII = str.maketrans(
    {"‘": "'", "’": "'", "´": "'", "“": '"', "”": '"', "–": "-", "−": "-", "‐": "-", "‑": "-", "—": " - ", "…": "..."}
)


def _typeable(text: str) -> str:
    characters = (_typeable_character(one) for one in unicodedata.normalize("NFC", text).translate(_ASCII))
    return " ".join("".join(characters).split())


def _typeable_character(character: str) -> str:
    if character.isspace():
        return " "
    if "!" <= character <= "~" or ("À" <= character <= "ÿ" and character.isalpha()):
        return character
    base = unicodedata.normalize("NFD", character)[0]  # ā → a
    return base if base.isascii() and base.isalpha() else ""


# Formats with marked-up text


def markdown_book(chapters: Iterable[Chapter], path: Path, title: str = TITLE, author: str = AUTHOR) -> Path:
    """Markdown with YAML front matter; the text is escaped so that CommonMark and pandoc show it literally."""
    front = [f"{key}: {json.dumps(value)}" for key, value in (("title", title), ("author", author), ("lang", "en-GB"))]
    blocks = ["\n".join(["---", *front, "---"])]
    for chapter in chapters:
        blocks += [f"# {_markdown(chapter.title)}", *map(_markdown, chapter.paragraphs)]
    path.write_text("\n\n".join(blocks) + "\n", encoding="utf-8")
    return path


def _markdown(text: str) -> str:
    text = re.sub(r"[\\`*_{}\[\]<>&#$~^|@]", r"\\\g<0>", text)
    text = re.sub(r"^(\(?\w{1,5})([.)])(?=\s)", r"\1\\\2", text)  # 1. and (a) would begin a list, as do - and +
    return re.sub(r"^[-+=:%]", r"\\\g<0>", text)


def html_book(chapters: Iterable[Chapter], path: Path, title: str = TITLE, author: str = AUTHOR) -> Path:
    """One HTML page by pandoc, with its title block and style sheet."""
    return _pandoc(chapters, path, "html5", title=title, author=author)


def epub_book(
    chapters: Iterable[Chapter], path: Path, title: str = TITLE, author: str = AUTHOR, *, version: int = 3
) -> Path:
    """An EPUB 2 or 3 by pandoc, with a title page and a page of contents."""
    options = ["--toc", "--metadata=identifier:mind-and-machine"]  # otherwise, pandoc draws one at random
    return _pandoc(chapters, path, f"epub{version}", *options, title=title, author=author)


def docx_book(
    chapters: Iterable[Chapter], path: Path, title: str = TITLE, author: str = AUTHOR, *, maker: str = "pandoc"
) -> Path:
    """A Word file by pandoc, or by libreoffice from pandoc's ODT; chapters have the style Heading 1 in both."""
    if maker == "pandoc":
        return _pandoc(chapters, path, "docx", title=title, author=author)
    with TemporaryDirectory() as temporary:
        odt = _pandoc(chapters, Path(temporary, "book.odt"), "odt", title=title, author=author)
        return _soffice(odt, path)


def _pandoc(chapters: Iterable[Chapter], path: Path, form: str, *options: str, title: str, author: str) -> Path:
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        markdown = markdown_book(chapters, folder / "book.md", title, author)
        source = "--from=commonmark+yaml_metadata_block"
        _run(folder, "pandoc", source, f"--to={form}", "--standalone", *options, "--output=made", markdown)
        return shutil.move(folder / "made", path)


# PDF

_LATEX_HEAD = r"""
\documentclass[a4paper,twoside,%(options)s]{book}
\usepackage[T1]{fontenc}
\usepackage{textcomp,lmodern,fancyhdr}
\usepackage[english]{babel}
\input{glyphtounicode}
\pdfgentounicode=1
\setlength{\headheight}{15pt}
\setlength{\emergencystretch}{3em}
\pagestyle{fancy}
\renewcommand{\chaptermark}[1]{\markboth{#1}{}}
\fancyhf{}
\fancyhead[LE]{%(title)s}
\fancyhead[RO]{\leftmark}
\fancyfoot[C]{\thepage}
\begin{document}
\frontmatter
\tableofcontents
\mainmatter
"""


def latex_pdf(chapters: Iterable[Chapter], path: Path, *, columns: int = 1, fontsize: int = 10) -> Path:
    """A book by pdflatex with hyphenation, ligatures, table of contents, running heads, and page numbers in the footer.

    Left pages have the book title at the top, right pages the chapter title; pages that open a chapter have only the
    number. In two columns, chapter titles span both. fontsize: 10, 11 or 12 points.
    """
    options = f"{fontsize}pt,{'twocolumn' if columns == 2 else 'onecolumn'}"
    blocks = [_LATEX_HEAD.lstrip() % {"options": options, "title": _latex(TITLE)}]
    for chapter in chapters:
        blocks += [rf"\chapter{{{_latex(chapter.title)}}}", *map(_latex, chapter.paragraphs)]
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "book.tex").write_text("\n\n".join([*blocks, r"\end{document}", ""]), encoding="utf-8")
        for _ in range(2):  # the second run includes the table of contents
            _run(folder, "pdflatex", "-interaction=nonstopmode", "-halt-on-error", "book.tex")
        return shutil.move(folder / "book.pdf", path)


def _latex(text: str) -> str:
    # T1 fonts have no straight apostrophe, and turn `, --, ,,, << and >> into other characters.
    text = latex_text(text).replace("'", r"\textquotesingle{}").replace("`", r"\textasciigrave{}")
    return re.sub(r"([-,<>])(?=\1)", r"\1{}", text)


# Hyphenation also needs the Debian package hyphen-en-gb; without it, lines break only between words.
_FODT = """<?xml version="1.0" encoding="UTF-8"?>
<office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"
 xmlns:fo="urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0"
 office:version="1.2" office:mimetype="application/vnd.oasis.opendocument.text">
<office:styles>
<style:style style:name="Body" style:family="paragraph">
<style:paragraph-properties fo:text-align="justify" fo:margin-bottom="0.2cm"/>
<style:text-properties fo:font-family="Liberation Serif" fo:font-size="11pt" fo:language="en" fo:country="GB"
 fo:hyphenate="true" fo:hyphenation-remain-char-count="2" fo:hyphenation-push-char-count="2"/>
</style:style>
<style:style style:name="Heading_20_1" style:display-name="Heading 1" style:default-outline-level="1"
 style:family="paragraph">
<style:paragraph-properties fo:break-before="page" fo:margin-bottom="0.8cm"/>
<style:text-properties fo:font-family="Liberation Sans" fo:font-size="20pt" fo:font-weight="bold"/>
</style:style>
<style:style style:name="Centred" style:family="paragraph" style:parent-style-name="Body">
<style:paragraph-properties fo:text-align="center"/><style:text-properties fo:font-size="9pt"/>
</style:style>
</office:styles>
<office:automatic-styles>
<style:page-layout style:name="Page">
<style:page-layout-properties fo:page-width="21cm" fo:page-height="29.7cm" fo:margin="2.2cm"/>
<style:header-style><style:header-footer-properties fo:margin-bottom="0.5cm"/></style:header-style>
<style:footer-style><style:header-footer-properties fo:margin-top="0.5cm"/></style:footer-style>
</style:page-layout>
</office:automatic-styles>
<office:master-styles>
<style:master-page style:name="Standard" style:page-layout-name="Page">
<style:header><text:p text:style-name="Centred">{head}</text:p></style:header>
<style:footer><text:p text:style-name="Centred"><text:page-number/></text:p></style:footer>
</style:master-page>
</office:master-styles>
<office:body><office:text>
{body}
</office:text></office:body>
</office:document>
"""


def libreoffice_pdf(chapters: Iterable[Chapter], path: Path) -> Path:
    """One justified column by LibreOffice; every page has the book title at the top and its number at the bottom."""
    body = []
    for chapter in chapters:
        body.append(f'<text:h text:style-name="Heading_20_1" text:outline-level="1">{escape(chapter.title)}</text:h>')
        body += [f'<text:p text:style-name="Body">{escape(paragraph)}</text:p>' for paragraph in chapter.paragraphs]
    with TemporaryDirectory() as temporary:
        source = Path(temporary, "book.fodt")
        source.write_text(_FODT.format(head=escape(TITLE), body="\n".join(body)), encoding="utf-8")
        return _soffice(source, path)


def chromium_pdf(chapters: Iterable[Chapter], path: Path) -> Path:
    """A web page printed by Chromium, with headers (date, title) and footers (address, page number) on every page."""
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        page = html_book(chapters, folder / "book.html")
        style = "<style>@page { size: A4; margin: 2cm }</style></head>"
        page.write_text(page.read_text(encoding="utf-8").replace("</head>", style, 1), encoding="utf-8")
        quiet = ("background-networking", "component-update", "gpu", "quic", "sync")
        options = ["--headless", "--no-sandbox", "--no-first-run", *(f"--disable-{what}" for what in quiet)]
        folders = [f"--user-data-dir={folder / 'profile'}", f"--print-to-pdf={folder / 'book.pdf'}"]
        _run(folder, "chromium", *options, *folders, page.as_uri())
        return shutil.move(folder / "book.pdf", path)


def encrypted_pdf(source: Path, path: Path) -> Path:
    """`source` with 256-bit encryption; the password for reading is `user`."""
    with TemporaryDirectory() as temporary:
        made = Path(temporary, "book.pdf")
        _run(Path(temporary), "qpdf", "--encrypt", "user", "owner", "256", "--", source.absolute(), made)
        return shutil.move(made, path)


def scanned_pdf(source: Path, path: Path, pages: int = 2) -> Path:
    """The first pages of `source` as images, without a text layer."""
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        _run(folder, "pdftoppm", "-r", "60", "-gray", "-l", str(pages), source.absolute(), "page")
        first, *others = [Image.open(picture) for picture in sorted(folder.glob("page*"))]
        first.save(path, "PDF", resolution=60, save_all=True, append_images=others)
    return path


# Programs


def _soffice(source: Path, path: Path) -> Path:
    form = path.suffix.removeprefix(".")
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        # With its own profile, it neither waits for another LibreOffice nor hands the work to it.
        profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
        _run(folder, "soffice", profile, "--headless", "--convert-to", form, "--outdir", folder, source)
        return shutil.move(folder / f"{source.stem}.{form}", path)


def _run(folder: Path, program: str, *arguments: str | Path) -> None:
    if shutil.which(program) is None:
        raise MissingTool(f"{program} is not installed (Debian package {PACKAGES[program]}).")
    command = [program, *map(str, arguments)]
    # Books do not contain today's date, and programs leave nothing in the home folder.
    environment = os.environ | {"SOURCE_DATE_EPOCH": "0", "HOME": str(folder)}
    # LibreOffice and Chromium start child processes, which must end too and would keep a pipe open.
    with (folder / "output.log").open("w+", errors="replace") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            status = process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        if status:
            log.seek(0)
            error = subprocess.CalledProcessError(status, command)
            error.add_note(log.read()[-2000:])
            raise error
