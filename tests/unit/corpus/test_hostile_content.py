"""Scripts and links in documents, and content that makes readers slow or crashes them."""

import gzip
import io
import time
from pathlib import Path

import hostile
import pyarrow
import pytest
import resource_servers
from hostile import CHAPTER, SECRET, message_or_words, refusal, words_of
from pyarrow import parquet
from sample_files import (
    CHAPTERS,
    OFFICE,
    corpus,
    docx_body,
    docx_members,
    dump_xml,
    epub_members,
    pdf_bytes,
    pdf_page,
    pdf_pages,
    word_paragraph,
    written,
    xhtml,
    zipped,
)

from localist.corpus.extraction import extract
from localist.plumbing.errors import UserError

process, read, read_with_little = hostile.process, hostile.read, hostile.read_with_little  # fixtures
serve = resource_servers.serve

pytestmark = pytest.mark.slow

PROSE = " ".join(CHAPTERS[0].paragraphs)


ACTIVE = """
<script>stealCookies("script");</script>
<script src="{0}/script.js"></script>
<style>@import "{0}/style.css"; .stealCookies {{ background: url({0}/background.png) }}</style>
<link rel="stylesheet" href="{0}/link.css"/>
<p onclick="stealCookies()">Honest words <img src="{0}/image.png" alt="stealCookies"/>go on
<a href="javascript:stealCookies()">here</a>.</p>
<iframe src="{0}/frame.html">stealCookies</iframe>
<object data="{0}/object.swf"><embed src="{0}/embed.swf"/>stealCookies</object>
<svg xmlns="http://www.w3.org/2000/svg"><script>stealCookies()</script><image href="{0}/svg.png"/></svg>
<video src="{0}/video.mp4" poster="{0}/poster.png">stealCookies</video>
<template>stealCookies</template>
<noscript>stealCookies<img src="{0}/pixel.png"/></noscript>
<!-- stealCookies -->
"""
LINKED_PICTURE = (
    '<w:p><w:r><w:drawing><wp:inline><a:graphic><a:graphicData><pic:pic><pic:blipFill><a:blip r:link="{0}"/>'
    "</pic:blipFill></pic:pic></a:graphicData></a:graphic></wp:inline></w:drawing></w:r></w:p>"
)
REMOTE_DTD = '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "{0}/strict.dtd">'


def active_file(folder: Path, kind: str, server: str) -> Path:
    active, dtd = ACTIVE.format(server), REMOTE_DTD.format(server)
    if kind == "html":
        return written(folder / "active.html", f"{dtd}<html><head>{active}</head><body>{active}</body></html>")
    if kind == "broken html":
        return written(folder / "active.html", f"<html><body>{active}<p><script>stealCookies()")
    if kind == "markdown":
        return written(folder / "active.md", f"{active}\n\n![picture]({server}/picture.png)\n\n[link]: {server}/link\n")
    if kind == "epub":
        members = epub_members() | {CHAPTER: xhtml(active, dtd)}
        members["OEBPS/book.opf"] = members["OEBPS/book.opf"].replace(
            "<manifest>",
            f'<manifest><item id="remote" href="{server}/remote.xhtml" media-type="application/xhtml+xml"/>',
        )
        return zipped(folder / "active.epub", members)
    relations = "".join(
        f'<Relationship Id="{name}" Type="{OFFICE}/{what}" Target="{target}" TargetMode="External"/>'
        for name, what, target in [
            ("i1", "image", f"{server}/image.png"),
            ("i2", "image", (folder / "secret.txt").as_uri()),
            ("t1", "attachedTemplate", f"{server}/template.dotm"),
            ("h1", "hyperlink", f"{server}/hyperlink"),
        ]
    )
    body = LINKED_PICTURE.format("i1") + LINKED_PICTURE.format("i2") + word_paragraph("Honest words go on here.")
    return zipped(folder / "active.docx", docx_members(body, relationships=relations))


@pytest.mark.parametrize("kind", ["html", "broken html", "markdown", "epub", "docx"])
def test_nothing_is_fetched_and_no_script_becomes_prose(tmp_path, read, serve, kind):
    """Catches a reader that follows links, and code read as prose."""
    written(tmp_path / "secret.txt", SECRET)
    asked = []
    server = serve(lambda path: (asked.append(path), (200, {}, b"Fetched words."))[1])
    told = read(active_file(tmp_path, kind, server))
    words = " ".join(words_of(told))
    assert "Honest words go on here" in words.replace(" .", ".")
    assert "stealCookies" not in words
    assert SECRET not in words
    assert "Fetched" not in words
    assert asked == []


DEEP = 20_000
SLOW = {
    "deep.html": "<html><body>" + "<div>" * DEEP + "words" + "</div>" * DEEP + "</body></html>",
    "inline.html": "<html><body>" + "<b>" * DEEP + "words</body></html>",
    "spans.html": "<html><body>" + "<span>" * 200 + "<a>1</a>" * 5_000 + "</body></html>",
    "open.html": "<html>" + "<" * 1_000_000,
    "attributes.html": "<html><body><p " + " ".join(f"a{n}='1'" for n in range(20_000)) + ">words</p></body></html>",
    "comments.html": "<html><body>" + "<!--" * 300_000,
    "brackets.md": "[" * 60_000,  # fifty steps for each, or 60,000 without a nesting limit
    "links.md": "[a](" * 50_000,
    "ticks.md": "".join("`" * (n % 1000) + " " for n in range(2000)),
    "stars.md": "*a **b " * 50_000,
    "quotes.md": ">" * 100_000 + " words",
    "nested.md": "".join("  " * n + "- words\n" for n in range(1000)),
    "rows.md": "|" * 3000 + "\n" + "|-" * 3000 + "|\n" + "|a\n" * 3000,
    "notes.md": "".join(f"[^{n}]" for n in range(50_000)) + "\n\n[^1]: words\n",
    "references.md": "".join(f"[a{n}]: x\n" for n in range(50_000)),
    "front.md": "---\n"
    + "a: &a ["
    + "x," * 10
    + "]\n"
    + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 10)}]\n" for n in range(6))
    + "title: *g\n---\nWords.\n",
    "hyphens.txt": "a-\n" * 100_000,
    "dots.txt": ". " * 500_000,
    "leaders.txt": "." * 900_000,
    "blank.txt": "a" + " \n" * 400_000 + "b",
    "spaces.txt": "a" + " " * 900_000 + "b",
    "marks.txt": "\ue000" * 500_000,
    "pairs.txt": "\ue000a\ue001" * 300_000,
    "raised.txt": "word\ue0001\ue001 " * 100_000,
    "starred.txt": "word\ue000" + "*" * 300_000 + "x\ue001 ",
    "letters.txt": "a" * 900_000,
    "numbers.txt": "1" * 900_000,
    "combining.txt": "a" + "\u0301" * 500_000,
    "mojibake.txt": "Ã¢â‚¬â„¢" * 50_000,
    "credits.txt": "*** START OF THE PROJECT GUTENBERG EBOOK\n\n" + "produced " * 100_000,
    "feeds.txt": "\f" * 500_000,
    "pages.txt": "".join(f"{n}\n\nwords\n\f" for n in range(50_000)),
    "alone.txt": "".join(f"a word\n\n{n}\n\n" for n in range(50_000)),
    "pictures.txt": "[Illustration: a\n\n" * 50_000,
    "underscores.txt": "_a " * 300_000 + "_",
    "marked.txt": "a {1}" * 150_000,
    "capitals.txt": "A WORD\n\n" * 100_000,
    "indented.txt": "  a word.\nwords\n" * 50_000,
    "spaced.txt": "".join(f"{' ' * (n % 300)}\u3000a\n" for n in range(5_000)),
    "quoted.txt": "“A b. " * 100_000,
    "chinese.txt": "磨坊。\n" * 100_000,
    "brackets.xml": dump_xml("[[" * 100_000),
    "templates.xml": dump_xml("{{" * 100_000),
    "tables.xml": dump_xml("{|\n" * 7_000),
    "emphasis.xml": dump_xml("'" * 500_000),
    "tags.xml": dump_xml("&lt;ref>" * 7_000),
    "headings.xml": dump_xml("==\n" * 30_000),
}


@pytest.mark.parametrize("name", SLOW)
def test_no_text_crashes_or_stalls_its_reader(tmp_path, read, name):
    """Catches time that grows quadratically or worse with the length, unbounded recursion, and vast output."""
    path = written(tmp_path / name, SLOW[name])
    told = message_or_words(read, path)
    assert "timed out" not in told
    assert len(told) < 20 * path.stat().st_size


def test_deeply_nested_word_tables(tmp_path, read):
    """Catches unbounded recursion in a library that converts Word elements."""
    body = "<w:tbl><w:tr><w:tc>" * 5000 + word_paragraph("Words.") + "</w:tc></w:tr></w:tbl>" * 5000
    message_or_words(read, zipped(tmp_path / "deep.docx", docx_members(docx_body() + body)))


def test_a_deeply_nested_epub_chapter_is_not_silently_cut(tmp_path, read):
    """Catches a chapter whose deeply nested part is silently lost instead of being read or refused."""
    deep = xhtml("<div>" * 400 + f"<p>{PROSE}</p>" + "</div>" * 400)
    told = message_or_words(read, zipped(tmp_path / "deep.epub", epub_members() | {CHAPTER: deep}))
    assert "nested" in told or PROSE in told


def test_a_page_with_very_many_letters(tmp_path, read):
    """Catches a column search that takes too long on a single page with the text of a book."""
    rows = [(72.0 + 400 * (n % 2), 10_000.0 - n // 2, 1.0, "Words of a column.") for n in range(6000)]
    path = written(tmp_path / "poster.pdf", pdf_bytes([rows], size=(10_000, 10_000)))
    assert "timed out" not in message_or_words(read, path)


def test_very_many_pages(tmp_path, read):
    """Catches time that grows quadratically with the number of pages."""
    path = written(tmp_path / "thick.pdf", pdf_bytes([pdf_page(f"Page number {n} has words.") for n in range(3000)]))
    assert "timed out" not in message_or_words(read, path)


def test_a_decompression_bomb_is_refused(tmp_path, read_with_little):
    """Catches a small compressed dump whose only article fills the memory or takes too long to read."""
    before, after = dump_xml("@").encode().split(b"@")
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as stream:
        stream.write(before)
        for _ in range(10):
            stream.write(b"words and " * 1_000_000)
        stream.write(after)
    refusal(read_with_little, written(tmp_path / "bomb.xml.gz", buffer.getvalue()))


def test_text_far_off_the_page(tmp_path, read):
    """Catches a column search that steps by letter widths all the way to invisible text far off the page."""
    rows = [(72 + 1e7 * (n % 2), 800.0 - 8 * n, 1.0, f"Words number {n} of two columns.") for n in range(80)]
    path = written(tmp_path / "far.pdf", pdf_bytes([rows]))
    assert "timed out" not in message_or_words(read, path)


def test_a_pdf_of_nested_drawings_is_refused(tmp_path, read_with_little):
    """Catches a PDF of a few kilobytes whose nested drawings expand to billions of letters."""
    forms = []
    for number in range(10):
        drawn = f"/X{number - 1} Do " * 10 if number else "BT /F 11 Tf 1 0 0 1 72 400 Tm (ha ha) Tj ET"
        parts = f"/Font << /F 3 0 R >> /XObject << /X{number - 1} {199 + number} 0 R >>"
        forms.append(
            f"{200 + number} 0 obj\n<< /Type /XObject /Subtype /Form /BBox [0 0 600 800] /Resources << {parts} >> "
            f"/Length {len(drawn)} >>\nstream\n{drawn}\nendstream\nendobj\n"
        )
    content = pdf_bytes(pdf_pages()).decode("cp1252").replace("/I 4 0 R", "/I 4 0 R /X9 209 0 R")
    content = content.replace("stream\nBT", "stream\n/X9 Do BT", 1).replace("xref\n", "".join(forms) + "xref\n", 1)
    with pytest.raises(UserError, match=r"laughs\.pdf"):
        read_with_little(written(tmp_path / "laughs.pdf", content.encode("cp1252")))


def test_a_long_line_of_quotes_is_split_in_time(tmp_path):
    """Catches sentence splitting that takes quadratic time on a long line, where no time limit applies."""
    path = written(tmp_path / "quotes.txt", "Words.\n\n" + "「a。" * 150_000)
    start = time.monotonic()
    extract([path], corpus(), tmp_path / "sections.parquet")
    assert time.monotonic() - start < 30


def test_a_parquet_bomb_does_not_crash_its_reader(tmp_path, read):
    """Catches a small data set whose rows fill the memory."""
    path = tmp_path / "bomb.parquet"
    parquet.write_table(pyarrow.table({"text": ["words and " * 1_000_000] * 100}), path, compression="zstd")
    assert path.stat().st_size < 1_000_000
    message_or_words(read, path)
