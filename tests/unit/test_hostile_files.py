"""Odd, broken and malicious files: each is read rightly or refused in words that name it and say what to do."""

import bz2
import gzip
import io
import json
import os
import random
import re
import time
import urllib.parse
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from book_makers import MissingTool, encrypted_pdf
from pyarrow import parquet
from resource_servers import serve  # noqa: F401
from sample_files import (
    CHAPTER_FILE,
    CHAPTERS,
    HEADINGS,
    OFFICE,
    SAMPLES,
    WORDS,
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

import extract_corpus
from localist.corpus_files import corpus_files
from localist.decoding import LONGEST_LINE
from localist.errors import UserError
from localist.extraction import extract
from localist.file_kinds import EXTENSIONS, kind_of
from localist.files import read_json
from localist.reading_process import ReadingProcess, spooled

# Every message tells the reader what to do, in one of these words.
REMEDY = re.compile(
    r"\b(get|save|set|use|leave it out|split|break|convert|unpack|rename|check|repair|correct|mend|quote|export|name|"
    r"ocrmypdf)\b",
    re.IGNORECASE,
)
SECRET = "the-word-of-another-file"
CHAPTER = CHAPTER_FILE.format(1)

Read = Callable[..., list[dict[str, Any]]]


@pytest.fixture(scope="module")
def process() -> Iterator[ReadingProcess]:
    with ReadingProcess() as process:
        yield process


@pytest.fixture
def read(process: ReadingProcess, tmp_path_factory: pytest.TempPathFactory) -> Read:
    """Reads a file as the pipeline does, in a process of its own; keywords change the config's corpus."""
    spool = tmp_path_factory.mktemp("spool") / "documents.jsonl"

    def documents(path: Path, **changes: Any) -> list[dict[str, Any]]:
        process.read(path, corpus(**changes), spool)
        return list(spooled(spool))

    return documents


def words_of(documents: list[dict[str, Any]]) -> list[str]:
    return [word for one in documents for section in one["document"]["sections"] for word in section["text"].split()]


def refusal(read: Read, path: Path, **changes: Any) -> str:
    """The message with which a file is refused, after checks on what every such message must have."""
    with pytest.raises(UserError) as caught:
        read(path, **changes)
    message = str(caught.value)
    check_message(message, path)
    return message


def check_message(message: str, path: Path) -> None:
    assert str(path) in message
    assert "Traceback" not in message
    assert "reader broke down" not in message
    assert REMEDY.search(message.replace(str(path), "")), message


def message_or_words(read: Read, path: Path) -> str:
    """What became of a file: the message of its refusal, or all that was read from it."""
    try:
        return json.dumps(read(path), ensure_ascii=False)
    except UserError as error:
        check_message(str(error), path)
        return str(error)


@pytest.mark.parametrize("name", SAMPLES)
def test_every_format_gives_the_same_words(tmp_path, read, name):
    """Catches a reader that loses, adds or reorders words or headings: all samples hold the same text."""
    documents = read(SAMPLES[name](tmp_path))
    assert words_of(documents) == WORDS
    sections = [(one["document"], section) for one in documents for section in one["document"]["sections"]]
    assert [section["heading"] or document["title"] for document, section in sections] == HEADINGS


# PDF


@pytest.mark.parametrize("handler", ["Standard", "EBX_HANDLER"])
def test_an_encrypted_pdf_is_called_so(tmp_path, read, handler):
    """Catches a locked PDF (by password, or by a shop's own handler) that is called damaged."""
    path = written(tmp_path / "locked.pdf", pdf_bytes(pdf_pages(), encrypt=handler))
    assert "encrypted" in refusal(read, path)


def test_an_encrypted_pdf_of_a_real_program_is_called_so(tmp_path, read):
    """Catches encryption with today's ciphers that is not recognised."""
    try:
        path = encrypted_pdf(SAMPLES["pdf"](tmp_path), tmp_path / "locked.pdf")
    except MissingTool as error:
        pytest.skip(str(error))
    assert "encrypted" in refusal(read, path)


def test_a_pdf_of_pictures_needs_ocr(tmp_path, read):
    """Catches a scan that is read as an empty book."""
    path = written(tmp_path / "scan.pdf", pdf_bytes([[], [], []], picture=True))
    message = refusal(read, path)
    assert "OCR" in message
    assert "pages 1, 2, 3" in message


def test_a_pdf_without_pages_is_refused(tmp_path, read):
    """Catches a division by zero, or an empty book, where a PDF has no page."""
    assert "encrypt" not in refusal(read, written(tmp_path / "none.pdf", pdf_bytes([])))


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9, 0.98])
def test_a_truncated_pdf_is_refused(tmp_path, read, share):
    """Catches a broken download whose first pages pass for the whole book."""
    content = SAMPLES["pdf"](tmp_path).read_bytes()
    assert "cut off" in refusal(read, written(tmp_path / "cut.pdf", content[: int(share * len(content))]))


@pytest.mark.parametrize("number", ["1e30", "-1e30", "1e400", "99999999999999999999", "NaN", "0.0000001"])
@pytest.mark.parametrize("what", ["place", "size", "page", "turn"])
def test_absurd_numbers_in_a_pdf(tmp_path, read, what, number):
    """Catches an overflow, a division by zero or an endless search for columns where letters stand nowhere near."""
    content = pdf_bytes(pdf_pages()).decode("cp1252")
    old, new = {
        "place": ("1 0 0 1 72 720 Tm", f"1 0 0 1 {number} 720 Tm"),
        "size": ("/F 11 Tf", f"/F {number} Tf"),
        "page": ("[0 0 595 842]", f"[0 0 {number} {number}]"),
        "turn": ("1 0 0 1 72 706 Tm", f"0 {number} -{number} 0 72 706 Tm"),
    }[what]
    assert old in content
    # Cross-references are off by some bytes now, which PDFium mends.
    message_or_words(read, written(tmp_path / "absurd.pdf", content.replace(old, new).encode("cp1252")))


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_turned_page_is_read_all_the_same(tmp_path, read, turn):
    """Catches landscape pages whose text falls apart into letters."""
    path = written(tmp_path / "turned.pdf", pdf_bytes(pdf_pages(), more=f"/Rotate {turn}"))
    assert words_of(read(path)) == WORDS


# Zip files


@pytest.mark.parametrize("name", ["epub 3", "docx", "mediawiki bz2", "mediawiki gz"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_a_truncated_packed_file_is_refused(tmp_path, read, name, share):
    """Catches a broken download of an archive that ends in a traceback, or is read in part."""
    path = SAMPLES[name](tmp_path)
    content = path.read_bytes()
    message = refusal(read, written(path, content[: int(share * len(content))]))
    assert "damaged" in message or "not a readable" in message


@pytest.mark.parametrize("name", ["epub 3", "docx"])
def test_a_zip_bomb_is_refused(tmp_path, read, name):
    """Catches a small archive that fills the memory."""
    path = SAMPLES[name](tmp_path)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive, archive.open("bomb.xml", "w") as member:
        for _ in range(60):
            member.write(bytes(1_000_000))
    assert path.stat().st_size < 1_000_000
    assert "unpacks" in refusal(read, path)


@pytest.mark.parametrize("name", ["epub 3", "docx"])
def test_a_bomb_that_lies_about_its_size_is_refused(tmp_path, read, name):
    """Catches a bomb whose directory says that it is small."""
    path = SAMPLES[name](tmp_path)
    place = CHAPTER if name == "epub 3" else "word/document.xml"
    with zipfile.ZipFile(path) as archive:
        members = {one.filename: archive.read(one) for one in archive.infolist()}
    zipped(path, members | {place: bytes(60_000_000)})
    size, claimed = (60_000_000).to_bytes(4, "little"), (6000).to_bytes(4, "little")
    written(path, path.read_bytes().replace(size, claimed))
    refusal(read, path)


@pytest.mark.parametrize("member", ["../evil.xhtml", "a/../../evil.xhtml", "/evil.xhtml", "C:\\evil.xhtml", "..\\evil"])
def test_member_names_outside_the_book_are_refused(tmp_path, read, member):
    """Catches an archive that reaches for files around it."""
    path = zipped(tmp_path / "outside.epub", epub_members() | {member: "x"})
    message = refusal(read, path)
    assert "outside" in message
    assert not list(tmp_path.parent.glob("evil*"))


@pytest.mark.parametrize(
    "href", ["../../secret.txt", "%2e%2e/%2e%2e/secret.txt", "/{}/secret.txt", "file:///{}/secret.txt"]
)
def test_a_spine_that_points_outside_the_book(tmp_path, read, href):
    """Catches chapters that are read from the disk instead of from the book."""
    written(tmp_path / "secret.txt", SECRET)
    members = epub_members()
    target = href.format(urllib.parse.quote(str(tmp_path)))
    members["OEBPS/book.opf"] = members["OEBPS/book.opf"].replace("text/chapter1.xhtml", target)
    assert "lacks its part" in refusal(read, zipped(tmp_path / "spine.epub", members))


def test_a_missing_chapter_is_named(tmp_path, read):
    """Catches a book that is read without one of its chapters."""
    members = epub_members()
    del members[CHAPTER]
    assert CHAPTER in refusal(read, zipped(tmp_path / "incomplete.epub", members))


def test_a_spine_item_that_is_not_listed_is_refused(tmp_path, read):
    """Catches a chapter that the book does not list and that is passed over in silence."""
    members = epub_members()
    members["OEBPS/book.opf"] = members["OEBPS/book.opf"].replace('idref="c1"', 'idref="c9"')
    assert "'c9'" in refusal(read, zipped(tmp_path / "spine.epub", members))


def test_a_book_without_chapters_is_refused(tmp_path, read):
    """Catches an empty spine that gives an empty book."""
    members = epub_members()
    members["OEBPS/book.opf"] = re.sub("<itemref.*?/>", "", members["OEBPS/book.opf"])
    assert "no chapter" in refusal(read, zipped(tmp_path / "spine.epub", members))


@pytest.mark.parametrize("name", ["META-INF/rights.xml", "META-INF/license.lcpl"])
def test_a_locked_book_is_called_so(tmp_path, read, name):
    """Catches a book of a shop, with its text encrypted, that is called damaged."""
    assert "DRM" in refusal(read, zipped(tmp_path / "bought.epub", epub_members() | {name: "<rights/>"}))


def test_parts_of_one_name_are_not_read_twice(tmp_path, read):
    """Catches an archive whose two chapters of one name give text twice."""
    path = zipped(tmp_path / "twice.epub", epub_members())
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr(CHAPTER, xhtml("<p>Another text.</p>"))
    assert len(words_of(read(path))) < len(WORDS)


@pytest.mark.parametrize(
    "body", ["", "<w:p/>", "<w:tbl><w:tr/></w:tbl>", "<w:p><w:r><w:t/></w:r></w:p>", "<w:sectPr/>"]
)
def test_a_document_without_text(tmp_path, read, body):
    """Catches a Word file with nothing in it that ends in a mistake of a library."""
    told = message_or_words(read, zipped(tmp_path / "void.docx", docx_members(body)))
    assert "Error:" not in told


# XML that declares entities


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha "}">' for n in range(10))
ENTITIES = {
    "bomb": (f"<!DOCTYPE root [{LAUGHS}]>", "&l9;"),
    "long": (f'<!DOCTYPE root [<!ENTITY l9 "{"ha " * 100_000}">]>', "&l9;" * 10_000),
    "file": ('<!DOCTYPE root [<!ENTITY l9 SYSTEM "{}">]>', "&l9;"),
    "parameter": ('<!DOCTYPE root [<!ENTITY % all SYSTEM "{}"> %all;]>', ""),
    "external": ('<!DOCTYPE root SYSTEM "{}">', ""),
}
EPUB_PARTS = ["META-INF/container.xml", "OEBPS/book.opf"]
DOCX_PARTS = ["docProps/core.xml", "_rels/.rels"]
ENTITY_PLACES = ["chapter", *EPUB_PARTS, "word/document.xml", *DOCX_PARTS, "dump", "html"]


def entity_file(folder: Path, place: str, before: str, reference: str, encoding: str) -> Path:
    """A file of which the part `place` declares entities (`before`) and uses one."""

    def coded(content: str) -> bytes:
        return content.replace("UTF-8", encoding.upper()).encode(encoding)

    text = f"<p>Before. {reference} After.</p>"
    if place == "chapter":
        return zipped(folder / "e.epub", epub_members() | {CHAPTER: coded(xhtml(text, before))})
    if place in EPUB_PARTS:
        members = epub_members()
        content = members[place].replace("?>\n", f"?>\n{before}", 1)
        content = content.replace("<dc:title>", f"<dc:title>{reference}").replace(
            "<rootfiles>", f"<rootfiles>{reference}"
        )
        return zipped(folder / "e.epub", members | {place: coded(content)})
    if place == "word/document.xml":
        members = docx_members(f"<w:p><w:r><w:t>Before. {reference} After.</w:t></w:r></w:p>", before)
        return zipped(folder / "e.docx", members | {place: coded(members[place])})
    if place in DOCX_PARTS:
        members = docx_members()
        content = members[place].replace("?>\n", f"?>\n{before}", 1).replace("<dc:title>", f"<dc:title>{reference}")
        return zipped(folder / "e.docx", members | {place: coded(content)})
    if place == "dump":
        return written(folder / "e.xml", dump_xml(f"Before. {reference} After.", before))
    return written(folder / "e.html", coded(xhtml(text, before)))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("entity", ENTITIES)
@pytest.mark.parametrize("place", ENTITY_PLACES)
def test_xml_entities_neither_multiply_nor_reach_files(tmp_path, read, place, entity, encoding):
    """Catches entities that fill the memory or bring in another file, hidden by another encoding too."""
    secret = written(tmp_path / "secret.txt", SECRET)
    before, reference = ENTITIES[entity]
    told = message_or_words(
        read, entity_file(tmp_path, place, before.replace("{}", secret.as_uri()), reference, encoding)
    )
    assert SECRET not in told
    assert len(told) < 100_000


# Kinds of files


@pytest.mark.parametrize(
    ("extension", "name", "found"),
    [
        (".pdf", "html", "html"),
        (".pdf", "text", "text"),
        (".pdf", "epub 3", "epub"),
        (".epub", "pdf", "pdf"),
        (".epub", "docx", "docx"),
        (".epub", "html", "html"),
        (".docx", "epub 3", "epub"),
        (".docx", "text", "text"),
        (".txt", "pdf", "pdf"),
        (".txt", "docx", "docx"),
        (".txt", "html", "html"),
        (".txt", "jsonl", "jsonl"),
        (".md", "html", "html"),
        (".md", "docx", "docx"),
        (".html", "epub 3", "epub"),
        (".html", "text", "text"),
        (".html", "pdf", "pdf"),
        (".csv", "jsonl", "jsonl"),
        (".csv", "parquet", "parquet"),
        (".jsonl", "csv", "text"),
        (".jsonl", "arrow file", "arrow"),
        (".parquet", "arrow stream", "arrow"),
        (".parquet", "html", "html"),
        (".arrow", "parquet", "parquet"),
        (".gz", "mediawiki bz2", None),
        (".bz2", "mediawiki", None),
    ],
)
def test_a_file_that_is_something_else_than_its_name_says(tmp_path, read, extension, name, found):
    """Catches an error page saved as a book, and the like, that is read as what it is called."""
    sample = SAMPLES[name](tmp_path)
    path = written(tmp_path / f"mistaken{extension}", sample.read_bytes())
    if found is None:  # a dump is known without its name
        assert words_of(read(path)) == WORDS
    else:
        message = refusal(read, path)
        assert found in message.replace(str(path), "")
        assert extension in message.replace(str(path), "")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("web.md", "# Pages\n\nEvery page begins with `<!DOCTYPE html>` and the element `<html>`.\n"),
        ("web.txt", "Every page begins with <!DOCTYPE html> and the element <html>.\n"),
        ("web.jsonl", json.dumps({"text": "<html><body>A page.</body></html>"}) + "\n"),
        ("web.csv", 'text,title\n"<html> is the element of pages.",A page\n'),
        ("pdf.txt", "A file of that kind begins with %PDF-1.4 and a number.\n"),
        ("wiki.md", "A dump begins with `<mediawiki xmlns=...>`, and its pages follow.\n"),
        ("pk.txt", "PKI is short for public key infrastructure.\n"),
        ("mz.txt", "MZ are the first letters of a program for DOS.\n"),
        ("rar.txt", "Rar! Rar! cried the ravens.\n"),
        ("bz.txt", "BZh is no word.\n"),
        ("brace.txt", '{"text": "One line that looks like a row."}\nAnd prose that is none.\n'),
        ("blank.txt", "\n" * 10_000 + "The text begins far down.\n"),
        ("quote.csv", '"text","title"\n"{""a"": 1}","Braces"\n'),
        ("mark.jsonl", "\ufeff" + json.dumps({"text": "A row after a byte order mark."}) + "\n"),
        ("long.jsonl", json.dumps({"text": "words " * 5000}) + "\n"),
        ("array.csv", 'text\n"[1, 2]"\n'),
        ("fragment.html", "<title>Words</title>\n<h1>Words</h1>\n<p>HTML needs no html element.</p>\n"),
        ("comment.html", f"<!-- {'a licence ' * 1000} -->\n<!DOCTYPE html>\n<html><p>Words.</p></html>\n"),
        ("utf16.html", "<!DOCTYPE html>\n<html><p>Words.</p></html>\n".encode("utf-16")),
        ("mark.html", "\ufeff<!DOCTYPE html>\n<html><p>Words.</p></html>\n"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 20 else "",
)
def test_honest_files_that_look_like_another_kind(tmp_path, name, content):
    """Catches text about a format that is taken for a file of it, and an unusual beginning of a usual file."""
    path = written(tmp_path / name, content)
    assert path.suffix in EXTENSIONS[kind_of(path)]


@pytest.mark.parametrize("content", ['[{"text": "One."}, {"text": "Two."}]', '{\n  "text": "One."\n}\n'])
def test_json_that_is_no_json_lines_is_not_prose(tmp_path, read, content):
    """Catches a JSON file whose braces and keys are read as the words of a text."""
    message = refusal(read, written(tmp_path / "rows.json", content))
    assert "JSON Lines" in message


@pytest.mark.parametrize(
    "extension",
    [".pdf", ".epub", ".docx", ".html", ".md", ".txt", ".xml", ".csv", ".jsonl", ".parquet", ".arrow"],
)
@pytest.mark.parametrize(
    "content",
    [b"", b" \n\t\r\n" * 50, bytes(5000), b"\xef\xbb\xbf", "\ufeff \n".encode("utf-16-le"), "\xa0\u2003\n".encode()],
    ids=["empty", "white space", "NUL bytes", "byte order mark", "UTF-16 white space", "odd spaces"],
)
def test_a_file_with_nothing_in_it(tmp_path, read, extension, content):
    """Catches an empty file that ends in a mistake of its reader, or in words; a whole corpus of them is refused."""
    path = written(tmp_path / f"nothing{extension}", content)
    try:
        assert words_of(read(path)) == []
    except UserError as error:
        check_message(str(error), path)


def test_a_corpus_of_nothing_is_refused(tmp_path):
    """Catches a study of files without a word."""
    path = written(tmp_path / "nothing.txt", b"\xef\xbb\xbf")
    with pytest.raises(UserError, match=r"nothing\.txt"):
        extract([path], corpus(), 1, tmp_path / "sections.parquet")


@pytest.mark.parametrize("suffix", [".bz2", ".gz"])
def test_a_packed_file_with_nothing_in_it_is_refused(tmp_path, read, suffix):
    """Catches an empty dump that is called damaged, or read."""
    pack = {".bz2": bz2.compress, ".gz": gzip.compress}[suffix]
    assert "empty" in refusal(read, written(tmp_path / f"nothing.xml{suffix}", pack(b"")))


@pytest.mark.parametrize("stated", ["auto", *EXTENSIONS])
@pytest.mark.parametrize("extension", [".pdf", ".epub", ".docx", ".html", ".txt", ".csv", ".jsonl", ".parquet", ""])
def test_binary_rubbish_is_refused(tmp_path, read, extension, stated):
    """Catches random bytes that are read as text, or break a reader, also where the config names the format."""
    refusal(read, written(tmp_path / f"rubbish{extension}", random.Random(1).randbytes(20_000)), format=stated)


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("stated", EXTENSIONS)
def test_a_format_that_does_not_fit_the_file(tmp_path, read, name, stated):
    """Catches a wrong corpus.format that breaks a reader; what it can read as that format, it may."""
    path = SAMPLES[name](tmp_path)
    try:
        read(path, format=stated)
    except UserError as error:
        check_message(str(error), path)
        assert not re.search(r"cannot be read: \w+: ", str(error)), error


# Text


def test_a_text_of_three_words_is_refused(tmp_path):
    """Catches a study of nothing: the message says how much one window needs."""
    path = written(tmp_path / "short.txt", "Only three words.")
    with pytest.raises(UserError, match=r"short\.txt: has 3 words .* takes 256 tokens") as caught:
        extract([path], corpus(), 256, tmp_path / "sections.parquet")
    assert REMEDY.search(str(caught.value))


@pytest.mark.parametrize("extension", [".txt", ".html", ".md", ".csv", ".jsonl"])
def test_mixed_encodings_are_refused_with_their_line(tmp_path, read, extension):
    """Catches wrong letters where parts of a file are in another encoding than the rest."""
    lines = ["Ein Café öffnet, und die Gäste hören Musik über den Dächern."] * 9
    frame = {".html": "<html><body>{}</body></html>", ".csv": 'text\n"{}"', ".jsonl": '{{"text": "{}"}}'}
    before, _, after = frame.get(extension, "{}").replace("{{", "{").replace("}}", "}").partition("{}")
    between = {".jsonl": '"}\n{"text": "', ".csv": '"\n"'}.get(extension, "\n")
    coded = [line.encode("cp1252" if number == 6 else "utf-8") for number, line in enumerate(lines)]
    path = written(tmp_path / f"mixed{extension}", before.encode() + between.encode().join(coded) + after.encode())
    message = refusal(read, path)
    assert f"line {8 if extension == '.csv' else 7}" in message


@pytest.mark.parametrize("extension", [".txt", ".html", ".md", ".csv"])
def test_nul_bytes_are_refused_with_their_line(tmp_path, read, extension):
    """Catches a damaged file (holes filled with NUL bytes) whose rest passes for the whole."""
    content = {".html": "<html>\n", ".csv": "text\n"}.get(extension, "First line.\n") + "Some words.\n" * 300
    path = written(tmp_path / f"holes{extension}", content.encode() + b"Words\0\0\0words.\n")
    assert "NUL byte in line 302" in refusal(read, path)


@pytest.mark.parametrize("extension", [".txt", ".jsonl", ".csv", ".md", ".html"])
def test_an_endless_line_is_refused(tmp_path, read, extension):
    """Catches a file in one line that fills the memory."""
    before, after = {
        ".jsonl": ('{"text": "', '"}\n'),
        ".csv": ("text\n", "\n"),
        ".html": ("<html>\n", "\n</html>"),
    }.get(extension, ("\n", "\n"))
    content = before + "word " * (LONGEST_LINE // 5 + 200_000) + after
    path = written(tmp_path / f"line{extension}", content)
    message = refusal(read, path)
    assert "line 1" in message if extension == ".jsonl" else "line 2" in message


@pytest.mark.parametrize(
    "row",
    [
        "[1, 2]",
        "17",
        '"text"',
        "null",
        '{"text": 3}',
        '{"text": ["a"]}',
        '{"other": "a"}',
        '{"text": NaN}',
        '{"text": 1e999}',
        '{"text": ' + "9" * 5000 + "}",
        '{"text": "a"',
        '{"text": "a"} {"text": "b"}',
        '{"a": ' * 100_000,
        "[" * 100_000,
        '{"text": "\\ud800"',
        "{'text': 'a'}",
    ],
    ids=lambda row: row[:24],
)
def test_a_bad_row_of_json_lines_is_refused_with_its_line(tmp_path, read, row):
    """Catches a row that is passed over, or that ends in a mistake without its place."""
    path = written(tmp_path / "rows.jsonl", '{"text": "Good words."}\n\n' + row + "\n")
    message = refusal(read, path)
    assert "line 3" in message
    assert "cannot be read: " not in message


@pytest.mark.parametrize("unicode", [True, False])
@pytest.mark.parametrize(
    "row", ['{"text": "Good \\ud800 words."}', '{"text": "Good words.", "title": "A \\udfff title"}']
)
def test_half_a_letter_in_json(tmp_path, row, unicode):
    """Catches a lone surrogate, which JSON allows, that cannot be written to any file."""
    path = written(tmp_path / "rows.jsonl", row)
    sections = tmp_path / "sections.parquet"
    steps = corpus()["clean"] | {"unicode": unicode}
    extract_corpus.main([path], corpus(clean=steps), 1, sections, tmp_path / "report.json")
    assert "words." in parquet.read_table(sections)["text"][0].as_py()


@pytest.mark.parametrize("code", ["D835DC65", "D835", "0000", "202E"])
def test_odd_letters_of_a_font(tmp_path, code):
    """Catches a font whose map gives halves of letters, or letters without a meaning, that break the report."""
    table = f"begincmap 1 begincodespacerange <00> <FF> endcodespacerange 1 beginbfchar <65> <{code}> endbfchar endcmap"
    added = f"99 0 obj\n<< /Length {len(table)} >>\nstream\n{table}\nendstream\nendobj\nxref\n"
    content = pdf_bytes(pdf_pages()).decode("cp1252").replace("xref\n", added, 1)
    content = content.replace("/Encoding /WinAnsiEncoding", "/Encoding /WinAnsiEncoding /ToUnicode 99 0 R")
    path = written(tmp_path / "font.pdf", content.encode("cp1252"))
    sections = tmp_path / "sections.parquet"
    extract_corpus.main([path], corpus(), 1, sections, tmp_path / "report.json")
    assert "stairs at dusk" in parquet.read_table(sections)["text"][0].as_py()


@pytest.mark.parametrize(
    "name",
    [b"caf\xe9.txt", b"two\nlines.txt", b"<script>.txt", "m\u00b22.txt".encode(), "\u00b21.txt".encode()],
)
def test_odd_names_of_files(tmp_path, name):
    """Catches a name in another encoding, or with odd signs in it, that breaks the report."""
    books = tmp_path / "books"
    books.mkdir()
    path = Path(os.fsdecode(os.fsencode(books) + b"/" + name))
    written(path, "\n\n".join(CHAPTERS[0].paragraphs))
    extract_corpus.main([books], corpus(), 1, tmp_path / "sections.parquet", tmp_path / "report.json")
    assert len(read_json(tmp_path / "report.json")["files"]) == 1


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("about.txt", "Files begin with <?xml version='1.0' encoding='KOI8-R'?> in the café."),
        ("about.md", 'Write `<meta charset="koi8-r">` into the head, says the café.'),
        ("about.csv", 'text\n"Write <meta charset=koi8-r> into the head, says the café."\n'),
        ("about.jsonl", json.dumps({"text": "<meta charset=koi8-r> says the café."}, ensure_ascii=False)),
        ("said.html", '<html><meta charset="koi8-r"><p>It is UTF-8 all the same, says the café.</p></html>'),
    ],
)
def test_an_encoding_that_a_text_speaks_of(tmp_path, read, name, content):
    """Catches letters turned into others because a text speaks of an encoding that it is not in."""
    assert "café." in words_of(read(written(tmp_path / name, content)))


@pytest.mark.parametrize(
    "content",
    [
        'text,title\n"one, two\nthree',
        'text,title\n"one" two,three\n',
        "text,title\n" + '"' * 1001 + "\n",
        "text,text\none,two\n",
        "title\none\n",
        "text,title\none,two,three\n",
        "text,title\n\n\n",
        "text",
    ],
    ids=["open quote", "text after quote", "quotes", "same name", "no column", "long row", "no rows", "header only"],
)
def test_odd_csv(tmp_path, read, content):
    """Catches CSV that breaks its reader rather than being read or refused."""
    message_or_words(read, written(tmp_path / "odd.csv", content))


@pytest.mark.parametrize("kind", ["struct", "list", "binary", "number", "dictionary"])
def test_columns_of_parquet_that_are_no_text(tmp_path, read, kind):
    """Catches a column of another type that is read as text, or breaks the reader; a dictionary of texts is text."""
    values = {
        "struct": pyarrow.array([{"body": "words"}]),
        "list": pyarrow.array([["words"]]),
        "binary": pyarrow.array([b"words"]),
        "number": pyarrow.array([1.5]),
        "dictionary": pyarrow.array(["words"]).dictionary_encode(),
    }
    path = tmp_path / "columns.parquet"
    parquet.write_table(pyarrow.table({"text": values[kind], "other": ["x"]}), path)
    if kind == "dictionary":
        assert words_of(read(path)) == ["words"]
    else:
        assert "row 1" in refusal(read, path)


SENTENCES = {
    "ar": "كان الحارس يصعد السلم كل مساء ويعد الدرجات ثم يشعل المصباح قبل عودة القوارب إلى الميناء. "
    "وفي منتصف الليل تحولت الريح إلى الشمال وضرب المطر الزجاج، فشرب الشاي البارد واستمع إلى الجرس.",
    "he": "השומר עלה במדרגות עם רדת הערב, ספר אותן כהרגלו והדליק את המנורה לפני ששבו הסירות אל הנמל. "
    "בחצות פנתה הרוח צפונה והגשם הכה בזכוכית, והוא שתה תה קר והקשיב לפעמון.",
    "zh": "黄昏时分，看守人照例数着台阶登上塔楼，在第一批渔船回港之前点亮了灯。"
    "到了午夜，风转向北方，雨点敲打着玻璃，他喝着冷茶，听着浮标上的钟声。",
    "ru": "Смотритель поднимался по лестнице в сумерках, считал ступени, как всегда, и зажигал лампу прежде, чем лодки "
    "возвращались домой. К полуночи ветер повернул на север, и дождь бил в стекло.",
    "ja": "灯台守は夕暮れになると段を数えながら階段を上り、船が港に帰る前に灯をともした。"
    "真夜中には風が北に変わり、雨がガラスを打ったので、彼は冷たいお茶を飲みながら聞いていた。",
}
TRADITIONAL = (
    "黃昏時分，看守人照例數著台階登上塔樓，在第一批漁船回港之前點亮了燈。午夜風轉向北方，雨點敲打著玻璃，他喝著冷茶。"
)
ENCODINGS = {
    "ar": ["utf-8", "utf-16", "utf-16-le", "windows-1256"],
    "he": ["utf-8", "utf-16", "utf-16-be", "windows-1255"],
    "zh": ["utf-8", "utf-16", "gb18030", "big5"],
    "ru": ["utf-8", "utf-16", "windows-1251", "koi8-r"],
    "ja": ["utf-8", "utf-16", "shift-jis", "euc-jp", "iso-2022-jp"],
}


@pytest.mark.parametrize(
    ("language", "encoding"), [(language, one) for language, all_of in ENCODINGS.items() for one in all_of]
)
def test_other_scripts_are_read_and_their_language_is_told(tmp_path, language, encoding):
    """Catches lost or wrong letters in scripts other than Latin, and a study in another language than was meant."""
    sentence = TRADITIONAL if encoding == "big5" else SENTENCES[language]
    path = written(tmp_path / "book.txt", "\n\n".join([sentence] * 4).encode(encoding))
    sections = tmp_path / "sections.parquet"
    report = extract([path], corpus(clean=corpus()["clean"] | {"near_duplicates": False}), 1, sections)
    assert "\n".join(parquet.read_table(sections)["text"].to_pylist()).count(sentence) == 4
    (told,) = report["files"]
    assert max(told["languages"], key=told["languages"].get) == language
    (warning,) = told["warnings"]
    assert repr(language) in warning
    assert ("right to left" in warning) == (language in ("ar", "he"))


# Text that is lost in silence


PROSE = " ".join(CHAPTERS[0].paragraphs)


ODD_PAGES = {
    "form": "<html><body><form action='/post'><p>{}</p><input/></form></body></html>",
    "class of body": "<html><body class='index'><p>{}</p></body></html>",
    "class of html": "<html class='search navigation'><body><p>{}</p></body></html>",
    "open fonts": "<html><body>" + "<p><font size=2>More.<br>" * 300 + "<p>{}</body></html>",
    "open blocks": "<html><body>" + "<div>More.\n" * 300 + "<p>{}</body></html>",
    "deep": "<html><body>" + "<div>" * 400 + "<p>{}</p>" + "</div>" * 400 + "</body></html>",
    "frames": "<html><frameset><frame src='x.html'><noframes><p>{}</p></noframes></frameset></html>",
    "layout": "<html><body><table><tr><td><table><tr><td>{}</td></tr></table></td></tr></table></body></html>",
    "early end": "<html><body><p>First.</p></body></html>\n<p>{}</p></body></html>",
    "two pages": "<html><body><p>First.</p></body></html><html><body><p>{}</p></body></html>",
    "odd elements": "<html><body><marquee>More.</marquee><textarea></textarea><x-y><p>{}</p></x-y></body></html>",
}


@pytest.mark.parametrize("name", ODD_PAGES)
def test_prose_of_an_odd_page_is_not_lost(tmp_path, read, name):
    """Catches pages of old programs whose text is passed over without a word: it is read, or the page is refused."""
    told = message_or_words(read, written(tmp_path / "page.html", ODD_PAGES[name].replace("{}", PROSE)))
    assert "nested" in told or PROSE in told


def test_a_page_of_preformatted_text_keeps_its_paragraphs(tmp_path, read):
    """Catches a book in one pre element that becomes one passage, its headings, lines and paragraphs lost."""
    text = "CHAPTER I\n\n" + "\n\n".join(CHAPTERS[0].paragraphs).replace(" boats", "\nboats")
    (document,) = read(written(tmp_path / "pre.html", f"<html><body><pre>\n{text}\n</pre></body></html>"))
    (section,) = document["document"]["sections"]
    assert section["heading"] == "CHAPTER I"
    assert section["text"].split("\n") == list(CHAPTERS[0].paragraphs)


def test_deep_lists_of_markdown_are_not_lost(tmp_path, read):
    """Catches a parser that passes over what is nested more deeply than it likes."""
    path = written(tmp_path / "list.md", "".join(f"{'  ' * depth}- word{depth}\n" for depth in range(30)))
    assert words_of(read(path)) == [f"word{depth}" for depth in range(30)]


@pytest.mark.parametrize("kind", ["text/xml", "text/plain", "application/octet-stream", "application/x-dtbook+xml"])
def test_a_chapter_of_another_type_is_not_passed_over(tmp_path, read, kind):
    """Catches a book that loses chapters which its maker gave an odd type: they are read, or the book is refused."""
    members = epub_members()
    item = 'chapter1.xhtml" media-type="'
    members["OEBPS/book.opf"] = members["OEBPS/book.opf"].replace(f"{item}application/xhtml+xml", f"{item}{kind}")
    told = message_or_words(read, zipped(tmp_path / "types.epub", members))
    assert kind in told or CHAPTERS[0].paragraphs[0] in told


def test_a_word_document_whose_text_has_another_name(tmp_path, read):
    """Catches documents of Word for the web, whose main part is document2.xml, that are refused."""
    members = {
        name.replace("document.xml", "document2.xml"): content.replace("word/document.xml", "word/document2.xml")
        for name, content in docx_members(word_paragraph(PROSE)).items()
    }
    assert words_of(read(zipped(tmp_path / "web.docx", members))) == PROSE.split()


def test_encrypted_chapters_without_rights_are_called_so(tmp_path, read):
    """Catches DRM of another shop, which lists the parts that are encrypted, called a damaged file."""
    encrypted = f'<encryption><CipherReference URI="{CHAPTER}"/></encryption>'
    members = epub_members() | {"META-INF/encryption.xml": encrypted, CHAPTER: random.Random(1).randbytes(3000)}
    assert "DRM" in refusal(read, zipped(tmp_path / "bought.epub", members))


def test_an_empty_chapter_does_not_spoil_a_book(tmp_path, read):
    """Catches a book that is refused because of one empty part."""
    path = zipped(tmp_path / "empty.epub", epub_members() | {CHAPTER: ""})
    told = message_or_words(read, path)
    assert "corpus.format: text" not in told


# Files and folders


def test_an_unreadable_file_is_refused(tmp_path, read):
    """Catches a traceback for a file without permission."""
    path = SAMPLES["text"](tmp_path)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read every file")
    assert "Permission denied" in refusal(read, path)


def test_a_vanished_file_is_refused(tmp_path, read):
    """Catches a traceback for a file that went away after it was listed."""
    refusal(read, tmp_path / "gone.txt")


def test_a_folder_in_place_of_a_file_is_refused(tmp_path, read):
    """Catches a traceback for a folder that is called like a file."""
    (tmp_path / "folder.txt").mkdir()
    refusal(read, tmp_path / "folder.txt")


def test_a_dangling_link_is_not_passed_over(tmp_path):
    """Catches a book on a disk that is not there, which is left out in silence."""
    books = tmp_path / "books"
    books.mkdir()
    SAMPLES["text"](books)
    link = books / "link.txt"
    link.symlink_to(tmp_path / "gone.txt")
    with pytest.raises(UserError, match=r"link\.txt"):
        corpus_files([link])
    with pytest.raises(UserError, match=r"link\.txt"):
        extract(corpus_files([books]), corpus(), 1, tmp_path / "sections.parquet")


def test_a_ring_of_folders_ends(tmp_path):
    """Catches an endless walk through a folder that links to one above it."""
    SAMPLES["text"](tmp_path)
    (tmp_path / "again").symlink_to(tmp_path)
    assert [path.name for path in corpus_files([tmp_path])] == ["sample.txt"]


def test_a_pipe_is_not_waited_for(tmp_path):
    """Catches a reader that waits for ever for what somebody might write to a named pipe."""
    os.mkfifo(tmp_path / "pipe.txt")
    with ReadingProcess(seconds=5) as impatient, pytest.raises(UserError) as caught:
        impatient.read(tmp_path / "pipe.txt", corpus(), tmp_path / "documents.jsonl")
    assert "was not read in" not in str(caught.value)


def test_an_empty_folder_is_refused(tmp_path):
    """Catches a corpus of nothing, hidden files aside."""
    books = tmp_path / "books"
    books.mkdir()
    written(books / ".DS_Store", "x")
    with pytest.raises(UserError, match=r"no file in .*books"):
        corpus_files([books])


@pytest.mark.parametrize("on_error", ["stop", "skip"])
def test_a_folder_with_nothing_usable_is_refused(tmp_path, on_error):
    """Catches an empty corpus where every file was skipped."""
    files = [written(tmp_path / "cover.png", b"\x89PNG\r\n\x1a\n"), zipped(tmp_path / "other.zip", {"a.txt": "x"})]
    with pytest.raises(UserError) as caught:
        extract(files, corpus(on_error=on_error), 1, tmp_path / "sections.parquet")
    assert all(str(path) in str(caught.value) for path in files)


@pytest.fixture
def mixed_folder(tmp_path: Path) -> Path:
    """Three good files and three bad ones."""
    books = tmp_path / "books"
    books.mkdir()
    for name in ("text", "epub 3", "pdf"):
        SAMPLES[name](books)
    written(books / "bad1.pdf", b"%PDF-1.4\n")
    written(books / "bad2.txt", b"")
    zipped(books / "bad3.epub", epub_members() | {"META-INF/rights.xml": "<rights/>"})
    return books


def test_all_bad_files_are_named_at_once(tmp_path, mixed_folder):
    """Catches one try for each bad file, and half a corpus left on the disk."""
    output = tmp_path / "output"
    with pytest.raises(UserError) as caught:
        extract_corpus.main([mixed_folder], corpus(), 1, output / "sections.parquet", output / "report.json")
    message = str(caught.value)
    assert message.startswith("3 of 6 files")
    for name in ("bad1.pdf", "bad2.txt", "bad3.epub"):
        assert str(mixed_folder / name) in message
    assert "sample" not in message
    assert "on_error: skip" in message
    assert "Traceback" not in message
    assert list(output.iterdir()) == []


def test_bad_files_are_skipped_where_the_config_says_so(tmp_path, mixed_folder):
    """Catches skipped files that nobody is told of, or good ones that go with them."""
    sections, report = tmp_path / "sections.parquet", tmp_path / "report.json"
    extract_corpus.main([mixed_folder], corpus(on_error="skip"), 1, sections, report)
    told = read_json(report)
    assert [one["file"] for one in told["skipped"]] == ["bad1.pdf", "bad2.txt", "bad3.epub"]
    assert all(str(mixed_folder / one["file"]) in one["reason"] for one in told["skipped"])
    assert sorted(one["file"] for one in told["files"]) == ["sample.pdf", "sample.txt", "sample3.epub"]
    assert set(parquet.read_table(sections)["source"].to_pylist()) <= {"sample.pdf", "sample.txt", "sample3.epub"}


# What documents ask for


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
def test_nothing_is_fetched_and_no_script_becomes_prose(tmp_path, read, serve, kind):  # noqa: F811
    """Catches a reader that follows links, and code that is read as words."""
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


# What makes readers slow, or break


DEEP = 20_000
SLOW = {
    "deep.html": "<html><body>" + "<div>" * DEEP + "words" + "</div>" * DEEP + "</body></html>",
    "inline.html": "<html><body>" + "<b>" * DEEP + "words</body></html>",
    "spans.html": "<html><body>" + "<span>" * 200 + "<a>1</a>" * 5_000 + "</body></html>",
    "open.html": "<html>" + "<" * 1_000_000,
    "attributes.html": "<html><body><p " + " ".join(f"a{n}='1'" for n in range(20_000)) + ">words</p></body></html>",
    "comments.html": "<html><body>" + "<!--" * 300_000,
    "brackets.md": "[" * 300_000,
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
    "brackets.xml": dump_xml("[[" * 100_000),
    "templates.xml": dump_xml("{{" * 100_000),
    "tables.xml": dump_xml("{|\n" * 7_000),
    "emphasis.xml": dump_xml("'" * 500_000),
    "tags.xml": dump_xml("&lt;ref>" * 7_000),
    "headings.xml": dump_xml("==\n" * 30_000),
}


@pytest.mark.parametrize("name", SLOW)
def test_no_text_breaks_or_stops_its_reader(tmp_path, read, name):
    """Catches time that grows with the square of the length or faster, and recursion without bounds."""
    path = written(tmp_path / name, SLOW[name])
    told = message_or_words(read, path)
    assert "was not read in" not in told
    assert len(told) < 20 * path.stat().st_size


def test_deep_tables_of_word(tmp_path, read):
    """Catches recursion without bounds in a Word file, where a library turns elements into elements."""
    body = "<w:tbl><w:tr><w:tc>" * 5000 + word_paragraph("Words.") + "</w:tc></w:tr></w:tbl>" * 5000
    message_or_words(read, zipped(tmp_path / "deep.docx", docx_members(docx_body() + body)))


def test_a_deep_chapter_of_an_epub_is_not_cut_in_silence(tmp_path, read):
    """Catches a chapter whose inner part is lost because it is nested deeply: read it, or refuse it."""
    deep = xhtml("<div>" * 400 + f"<p>{PROSE}</p>" + "</div>" * 400)
    told = message_or_words(read, zipped(tmp_path / "deep.epub", epub_members() | {CHAPTER: deep}))
    assert "nested" in told or PROSE in told


def test_a_page_of_very_many_letters(tmp_path, read):
    """Catches a search for columns that takes for ever on one page with the text of a book, or on one line."""
    rows = [(72.0 + 400 * (n % 2), 10_000.0 - n // 2, 1.0, "Words of a column.") for n in range(6000)]
    path = written(tmp_path / "poster.pdf", pdf_bytes([rows], size=(10_000, 10_000)))
    assert "was not read in" not in message_or_words(read, path)


def test_very_many_pages(tmp_path, read):
    """Catches time that grows with the square of the number of pages."""
    path = written(tmp_path / "thick.pdf", pdf_bytes([pdf_page(f"Page number {n} has words.") for n in range(3000)]))
    assert "was not read in" not in message_or_words(read, path)


def test_a_dump_that_unpacks_to_far_more(tmp_path, read):
    """Catches a compressed dump of a few kilobytes whose one article fills the memory or takes for ever."""
    before, after = dump_xml("@").encode().split(b"@")
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as stream:
        stream.write(before)
        for _ in range(30):
            stream.write(b"words and " * 1_000_000)
        stream.write(after)
    refusal(read, written(tmp_path / "bomb.xml.gz", buffer.getvalue()))


def test_text_far_off_the_page(tmp_path, read):
    """Catches a search for columns, in steps of a letter's width, over the way to a text that nobody sees."""
    rows = [(72 + 1e7 * (n % 2), 800.0 - 8 * n, 1.0, f"Words number {n} of two columns.") for n in range(80)]
    path = written(tmp_path / "far.pdf", pdf_bytes([rows]))
    assert "was not read in" not in message_or_words(read, path)


def test_a_form_that_draws_itself(tmp_path, read):
    """Catches a PDF whose drawings hold each other, so that a few kilobytes have billions of letters."""
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
        read(written(tmp_path / "laughs.pdf", content.encode("cp1252")))


def test_quotes_do_not_stop_the_study(tmp_path):
    """Catches a long line whose sentences take time with the square of its length, where no bound on time holds."""
    path = written(tmp_path / "quotes.txt", "Words.\n\n" + "「a。" * 150_000)
    start = time.monotonic()
    extract([path], corpus(), 1, tmp_path / "sections.parquet")
    assert time.monotonic() - start < 30


def test_a_parquet_bomb_is_refused(tmp_path, read):
    """Catches a data set of a kilobyte whose rows fill the memory."""
    path = tmp_path / "bomb.parquet"
    parquet.write_table(pyarrow.table({"text": ["words and " * 1_000_000] * 100}), path, compression="zstd")
    assert path.stat().st_size < 1_000_000
    message_or_words(read, path)


def test_one_hostile_file_does_not_hurt_the_next(tmp_path):
    """Catches a reading process that is out of memory for ever, or not started again after its end."""
    good = SAMPLES["text"](tmp_path)
    paragraphs = "".join(word_paragraph(f"{number * 7919}") for number in range(100_000))
    bombs = [
        written(tmp_path / "bad.pdf", b"%PDF-1.4\n%%EOF"),
        zipped(tmp_path / "large.docx", docx_members(paragraphs)),
    ]
    with ReadingProcess(memory_bytes=400_000_000) as process:
        for bomb in bombs:
            with pytest.raises(UserError, match=bomb.name):
                process.read(bomb, corpus(), tmp_path / "documents.jsonl")
            process.read(good, corpus(), tmp_path / "documents.jsonl")
