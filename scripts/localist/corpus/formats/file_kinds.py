"""Detects file types from content; a mismatched extension is an error."""

import bz2
import gzip
import json
import re
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO, cast

from localist.corpus.formats.decoding import unmarked_utf16
from localist.plumbing.errors import UserError

START = 8192
EXTENSIONS = {
    "pdf": {".pdf"},
    "epub": {".epub"},
    "docx": {".docx", ".docm"},
    "html": {".html", ".htm", ".xhtml"},
    "markdown": {".md", ".markdown"},
    "text": {".txt", ".text"},
    "mediawiki": set(),  # .xml may be XHTML too
    "mhtml": {".mhtml", ".mht"},
    "notebook": {".ipynb"},
    "jsonl": {".jsonl", ".ndjson"},
    "csv": {".csv", ".tsv"},
    "parquet": {".parquet"},
    "arrow": {".arrow"},
}
FORMATS = tuple(EXTENSIONS)
READ_HERE = f"Convert it to one of {', '.join(FORMATS)}, or leave it out."
# First bytes of unsupported types → the file type, and how to convert it.
FOREIGN = (
    (b"\xd0\xcf\x11\xe0", "a legacy or password-protected Office file: save it as DOCX without a password"),
    (b"{\\rtf", "RTF: save it as DOCX, for example with `soffice --convert-to docx`"),
    (b"\x89PNG", "a picture (PNG): text in pictures needs OCR, for example with ocrmypdf"),
    (b"\xff\xd8\xff", "a picture (JPEG): text in pictures needs OCR, for example with ocrmypdf"),
    (b"GIF8", "a picture (GIF)"),
    (b"II*\0", "a picture (TIFF): text in pictures needs OCR, for example with ocrmypdf"),
    (b"MM\0*", "a picture (TIFF): text in pictures needs OCR, for example with ocrmypdf"),
    (b"AT&TFORM", "DjVu: convert it to PDF, for example with ddjvu"),
    (b"%!PS", "PostScript: convert it to PDF, for example with ps2pdf"),
    (b"7z\xbc\xaf", "a 7z archive: unpack it and name the folder"),
    (b"Rar!\x1a", "a RAR archive: unpack it and name the folder"),
    (b"\xfd7zXZ", "xz-compressed: unpack it with xz -d"),
    (b"\x28\xb5\x2f\xfd", "zstd-compressed: unpack it with zstd -d"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90\0", "a program"),
    (b"SQLite format", "a database: export its text as CSV"),
)
KINDLE = (b"BOOKMOBI", b"TEXtREAd")
OPENERS = ((re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)"), bz2.open), (re.compile(rb"\x1f\x8b"), gzip.open))
COMPRESSED = {".bz2", ".gz"}
READ_COMPRESSED = {"mediawiki", "text", "markdown", "html", "jsonl", "csv"}
# Raised while reading damaged compressed files.
DAMAGED_PACKING = (EOFError, zlib.error, gzip.BadGzipFile)
LARGEST_UNPACKED = 200_000_000
AT_ONCE = 1_000_000
PDF = re.compile(rb"(?:\A|[\r\n\0-\x1f\x80-\xff])%PDF-\d")  # possibly after some stray bytes
PROLOG = rb"\A(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*"
HTML = re.compile(PROLOG + rb"(?:<!doctype\s+html|<html)[\s>]", re.IGNORECASE | re.DOTALL)
DUMP = re.compile(PROLOG + rb"(?:<!doctype[^>]*>\s*)?<mediawiki[\s>]", re.IGNORECASE | re.DOTALL)
OTHER_XML = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*<\?xml")
ZIP = (b"PK\x03\x04", b"PK\x05\x06")
JSON_BEGINS = re.compile(rb'\s*\{\s*"[^"\n]*"\s*:')
JSON_ARRAY = re.compile(rb'\A(?:\xef\xbb\xbf)?\s*\[\s*(?:\{\s*"|\])')
# The header of a multipart e-mail message, the format in which browsers save pages.
MAIL = re.compile(rb"\A(?:[\w-]+:[^\n]*\n(?:[ \t][^\n]*\n)*)*?Content-Type:\s*multipart/related", re.IGNORECASE)
NOTEBOOK = re.compile(rb'\A\s*\{\s*"(?:cells|metadata|nbformat|nbformat_minor)"\s*:')
FICTION_BOOK = re.compile(rb"<FictionBook[\s>]")
SUBTITLES = re.compile(rb"\A(?:\xef\xbb\xbf)?(?:WEBVTT\b|\s*\d+\r?\n\d+:\d\d:\d\d[,.]\d{3} -->)")
TEX = re.compile(rb"^\s*\\(?:documentclass|documentstyle|begin\{document\}|chapter\*?\{)", re.MULTILINE)
ANYTHING = re.compile(b"")
LIKE_TEXT = {
    "markdown": ANYTHING,
    "csv": ANYTHING,
    "html": re.compile(rb"<!--|</?[A-Za-z][^<]*>"),
    "jsonl": re.compile(rb"\A(?:\xef\xbb\xbf)?\s*\{"),
}
AS_IT_IS = "or set corpus.format: text to read it as plain text."
TO_MARKDOWN = f"Convert it to Markdown, for example with `pandoc FILE -o book.md`, {AS_IT_IS}"
SUBTITLE_FILE = f"a subtitle file, whose lines are cut to fit a screen. Join them into paragraphs, {AS_IT_IS}"
TEX_SOURCE = f"TeX source. {TO_MARKDOWN}"
JSON_LINES_ONLY = "Only JSON Lines, with one object per line, is supported. Convert it, for example with `jq -c '.[]'`."
NO_PROSE = {
    ".css": "a style sheet. Leave it out.",
    ".js": "a program. Leave it out.",
    ".json": f"JSON. {JSON_LINES_ONLY}",
    **dict.fromkeys((".tex", ".ltx", ".latex"), TEX_SOURCE),
    **dict.fromkeys((".srt", ".vtt", ".ass", ".ssa", ".sub"), SUBTITLE_FILE),
    ".rst": f"reStructuredText. {TO_MARKDOWN}",
    ".org": f"an Org file. {TO_MARKDOWN}",
    ".typ": f"Typst source. {TO_MARKDOWN}",
    ".textile": f"Textile. {TO_MARKDOWN}",
    **dict.fromkeys((".adoc", ".asciidoc"), f"AsciiDoc. Convert it to HTML with asciidoctor, {AS_IT_IS}"),
    **dict.fromkeys((".eml", ".mbox"), f"an e-mail. Save its text, {AS_IT_IS}"),
}
# Control characters other than white space, form feed and escape, which no single-byte encoding of text uses.
CONTROL = re.compile(rb"[\x01-\x08\x0e-\x1a\x1c-\x1f\x7f]")
MOST_CONTROLS = 0.01


def kind_of(path: Path, stated: str = "auto") -> str:
    """The format of a file, one of FORMATS: `stated` (corpus.format), or if auto, detected from the first bytes.

    Raises UserError, naming the file, if it cannot be read, is empty, has an unsupported type, or has the extension of
    another type.
    """
    if is_unpacked_epub(path):
        return "epub"
    start, compressed = _start(path)
    if not start.strip(b"\0 \t\r\n") and len(start) < START:
        raise UserError(f"{path}: is empty. Get a new copy, or leave it out.")
    if stated != "auto":
        return stated
    kind = _by_content(start, path)
    claimed = path.with_suffix("").suffix if path.suffix.lower() in COMPRESSED else path.suffix
    said = next((name for name, endings in EXTENSIONS.items() if claimed.lower() in endings), None)
    if kind == "text" and claimed.lower() in NO_PROSE:
        raise UserError(f"{path}: is {NO_PROSE[claimed.lower()]}")
    # Only the extension distinguishes Markdown, CSV, HTML fragments and malformed JSON Lines from other text.
    if kind == "text" and said in LIKE_TEXT and LIKE_TEXT[said].search(start.replace(b"\0", b"")):
        kind = said
    if said not in (None, kind):
        raise UserError(
            f"{path}: has the extension {claimed}, but its content is {kind}. If the content is right, rename the file "
            f"or set corpus.format: {kind}; otherwise get the right file."
        )
    if compressed and kind not in READ_COMPRESSED:
        raise UserError(f"{path}: is a compressed {kind} file, which is not supported. Unpack it first.")
    return kind


def is_unpacked_epub(path: Path) -> bool:
    """Whether a folder is an unpacked EPUB, as some programs store it."""
    return (path / "META-INF" / "container.xml").is_file()


def opened(path: Path) -> BinaryIO:
    """A stream of the bytes of a file, decompressed if it is bz2 or gzip."""
    with path.open("rb") as stream:
        start = stream.read(10)
    opener = next((opener for magic, opener in OPENERS if magic.match(start)), Path.open)
    return cast(BinaryIO, opener(path, "rb"))


def unpacked(path: Path) -> bytes:
    """All bytes of a file, decompressed if it is bz2 or gzip. Raises UserError for damaged files and bombs."""
    try:
        with opened(path) as stream:
            if not isinstance(stream, (bz2.BZ2File, gzip.GzipFile)):
                return stream.read()
            parts, size = [], 0
            while part := stream.read(AT_ONCE):
                parts.append(part)
                size += len(part)
                if size > LARGEST_UNPACKED:
                    raise UserError(f"{path}: unpacks to more than {LARGEST_UNPACKED:,} bytes. Split it.")
            return b"".join(parts)
    except DAMAGED_PACKING as error:
        raise UserError(f"{path}: is a damaged or truncated compressed file ({error}). Get a new copy.") from error


def plain_stem(path: Path) -> str:
    """The file name without its extension and that of a compression format."""
    return path.with_suffix("").stem if path.suffix.lower() in COMPRESSED else path.stem


def _start(path: Path) -> tuple[bytes, bool]:
    """The first bytes of a file, decompressed, and whether it is compressed."""
    if path.exists() and not path.is_file():
        raise UserError(f"{path}: is not a regular file. Leave it out.")
    try:
        with opened(path) as stream:
            return stream.read(START), isinstance(stream, (bz2.BZ2File, gzip.GzipFile))
    except (OSError, EOFError, zlib.error) as error:
        if isinstance(error, OSError) and error.strerror:
            raise UserError(
                f"{path}: cannot be read ({error.strerror}). Check the path and its permissions."
            ) from error
        raise UserError(f"{path}: is a damaged or truncated compressed file ({error}). Get a new copy.") from error


def _by_content(start: bytes, path: Path) -> str:
    if PDF.search(start, 0, 1024):
        return "pdf"
    if start.startswith(ZIP):
        return _zip_kind(path)
    if start.startswith(b"PAR1"):
        return "parquet"
    if start.startswith(b"ARROW1") or start[:4] == b"\xff\xff\xff\xff":
        return "arrow"
    if start[60:68] in KINDLE:
        raise UserError(f"{path}: is a Kindle book: convert it to EPUB, for example with Calibre.")
    for magic, what in FOREIGN:
        if start.startswith(magic):
            raise UserError(f"{path}: is {what}. {READ_HERE}")
    if DUMP.match(start):
        return "mediawiki"
    if HTML.match(start):
        return "html"
    if FICTION_BOOK.search(start):
        raise UserError(f"{path}: is FictionBook XML (FB2). Convert it to EPUB, for example with Calibre.")
    if OTHER_XML.match(start):
        raise UserError(f"{path}: is XML, but neither XHTML nor a MediaWiki dump. Convert it to HTML or text.")
    if MAIL.match(start.replace(b"\r\n", b"\n")):
        return "mhtml"
    if SUBTITLES.match(start):
        raise UserError(f"{path}: is {SUBTITLE_FILE}")
    if TEX.search(start) and path.suffix.lower() not in EXTENSIONS["markdown"]:
        raise UserError(f"{path}: is {TEX_SOURCE}")
    if JSON_ARRAY.match(start):
        raise UserError(f"{path}: is a JSON array. {JSON_LINES_ONLY}")
    if NOTEBOOK.match(start) and path.suffix.lower() in EXTENSIONS["notebook"]:
        return "notebook"
    if _are_json_lines(start):
        return "jsonl"
    is_utf16 = start.startswith((b"\xff\xfe", b"\xfe\xff")) or unmarked_utf16(start) is not None
    if not is_utf16 and len(CONTROL.findall(start)) > MOST_CONTROLS * len(start):
        raise UserError(f"{path}: is a binary file of an unknown type. {READ_HERE}")
    return "text"


def _zip_kind(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise UserError(f"{path}: is a damaged or truncated zip file ({error}). Get a new copy.") from error
    if any(name.casefold() == "meta-inf/container.xml" for name in names):
        return "epub"
    if any(name.startswith("word/") for name in names):
        return "docx"
    if "content.xml" in names:
        raise UserError(f"{path}: is OpenDocument: save it as DOCX, for example with `soffice --convert-to docx`.")
    raise UserError(f"{path}: is a zip file, but neither EPUB nor DOCX. Unpack it, and name the folder.")


def _are_json_lines(start: bytes) -> bool:
    """Whether every complete line of the beginning is a JSON object, or one long line begins like one."""
    *lines, last = start.split(b"\n")
    if not lines or not any(line.strip() for line in lines):
        return JSON_BEGINS.match(last) is not None
    try:
        return all(isinstance(json.loads(line), dict) for line in lines if line.strip())
    except (ValueError, RecursionError):
        return False
