"""Detection of file formats, and files whose content does not match their name."""

import bz2
import gzip
import json
import random
import re

import hostile
import pytest
from hostile import check_message, refusal, words_of
from sample_files import (
    HEADINGS,
    SAMPLES,
    WORDS,
    corpus,
    written,
)

from localist.corpus.extraction import extract
from localist.corpus.formats.file_kinds import EXTENSIONS, kind_of
from localist.plumbing.errors import UserError

process, read = hostile.process, hostile.read  # fixtures


@pytest.mark.parametrize("name", SAMPLES)
def test_every_format_gives_the_same_words(tmp_path, read, name):
    """Catches a reader that loses, adds or reorders words or headings: all samples hold the same text."""
    documents = read(SAMPLES[name](tmp_path))
    assert words_of(documents) == WORDS
    sections = [(one["document"], section) for one in documents for section in one["document"]["sections"]]
    assert [section["heading"] or document["title"] for document, section in sections] == HEADINGS


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
def test_a_mismatched_extension_is_reported_except_for_dumps(tmp_path, read, extension, name, found):
    """Catches a mislabelled file, such as an error page saved as a book, read in the format of its extension."""
    sample = SAMPLES[name](tmp_path)
    path = written(tmp_path / f"mistaken{extension}", sample.read_bytes())
    if found is None:  # dumps are recognised by content alone
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
def test_files_that_resemble_another_format_are_recognised(tmp_path, name, content):
    """Catches text about a format mistaken for a file in that format, and unusual file beginnings not recognised."""
    path = written(tmp_path / name, content)
    assert path.suffix in EXTENSIONS[kind_of(path)]


@pytest.mark.parametrize("content", ['[{"text": "One."}, {"text": "Two."}]', '{\n  "text": "One."\n}\n'])
def test_json_other_than_json_lines_is_refused(tmp_path, read, content):
    """Catches a JSON file whose braces and keys are read as prose."""
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
def test_an_empty_file_is_read_or_refused(tmp_path, read, extension, content):
    """Catches an empty file that crashes its reader or yields words."""
    path = written(tmp_path / f"nothing{extension}", content)
    try:
        assert words_of(read(path)) == []
    except UserError as error:
        check_message(str(error), path)


def test_a_corpus_without_words_is_refused(tmp_path):
    """Catches an extraction that succeeds although no file has any words."""
    path = written(tmp_path / "nothing.txt", b"\xef\xbb\xbf")
    with pytest.raises(UserError, match=r"nothing\.txt"):
        extract([path], corpus(), tmp_path / "sections.parquet")


@pytest.mark.parametrize("suffix", [".bz2", ".gz"])
def test_an_empty_compressed_file_is_refused(tmp_path, read, suffix):
    """Catches an empty compressed dump that is read, or refused without saying that it is empty."""
    pack = {".bz2": bz2.compress, ".gz": gzip.compress}[suffix]
    assert "empty" in refusal(read, written(tmp_path / f"nothing.xml{suffix}", pack(b"")))


@pytest.mark.parametrize("stated", ["auto", *EXTENSIONS])
@pytest.mark.parametrize("extension", [".pdf", ".epub", ".docx", ".html", ".txt", ".csv", ".jsonl", ".parquet", ""])
def test_binary_rubbish_is_refused(tmp_path, read, extension, stated):
    """Catches random bytes that are read as text or crash a reader, even if the config names the format."""
    refusal(read, written(tmp_path / f"rubbish{extension}", random.Random(1).randbytes(20_000)), format=stated)


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("stated", EXTENSIONS)
def test_a_wrong_configured_format_does_not_crash_the_reader(tmp_path, read, name, stated):
    """Catches a wrong corpus.format that crashes a reader; the file may be either read or refused."""
    path = SAMPLES[name](tmp_path)
    try:
        read(path, format=stated)
    except UserError as error:
        check_message(str(error), path)
        assert not re.search(r"cannot be read: \w+: ", str(error)), error


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("book.tex", "\\documentclass{book}\n\\begin{document}\nText.\n", "TeX source"),
        ("book.txt", "% A book.\n\\documentclass{book}\nText.\n", "TeX source"),
        ("film.srt", "1\n00:00:01,000 --> 00:00:04,000\nText.\n", "subtitle file"),
        ("film.txt", "1\r\n00:00:01,000 --> 00:00:04,000\r\nText.\r\n", "subtitle file"),
        ("film.vtt", "WEBVTT\n\n00:01.000 --> 00:04.000\nText.\n", "subtitle file"),
        ("book.fb2", "<?xml version='1.0'?>\n<FictionBook xmlns='x'><body/></FictionBook>", "FictionBook"),
        ("book.rst", "Title\n=====\n\nText.\n", "reStructuredText"),
        ("book.adoc", "= Title\n\nText.\n", "AsciiDoc"),
        ("rows.jsonl", '[{"text": "One."}]', "JSON Lines"),
        ("sheet.pdf.gz", gzip.compress(b"%PDF-1.4\n", mtime=0), "Unpack it"),
    ],
)
def test_unsupported_formats_are_refused_by_name(tmp_path, read, name, content, told):
    """Catches commands, timestamps and tags read as words, and an error without the format or a remedy."""
    assert told in refusal(read, written(tmp_path / name, content))


def test_source_text_is_read_verbatim_if_configured(tmp_path):
    """Catches a refusal that `corpus.format: text` does not override."""
    assert kind_of(written(tmp_path / "book.tex", "\\documentclass{book}"), "text") == "text"


@pytest.mark.parametrize("name", ["book.txt.gz", "book.md.gz", "book.html.gz", "rows.jsonl.gz", "rows.csv.gz"])
def test_compressed_texts_are_read(tmp_path, read, name):
    """Catches compressed books and data sets that are not read, or are titled with their extension."""
    contents = {
        "html": "<html><p>Words here.</p></html>",
        "jsonl": '{"text": "Words here."}\n',
        "csv": "text,id\nWords here.,1\n",
    }
    content = contents.get(name.split(".")[1], "Words here.\n")
    path = tmp_path / name
    path.write_bytes(gzip.compress(content.encode()))
    documents = read(path)
    assert words_of(documents) == ["Words", "here."]
    assert documents[0]["document"]["title"].split()[0] == name.split(".")[0]


def test_a_decompression_bomb_is_refused(tmp_path, read):
    """Catches a small compressed file that exhausts memory."""
    path = tmp_path / "bomb.txt.gz"
    with gzip.open(path, "wb") as stream:
        for _ in range(300):
            stream.write(b"word " * 200_000)
    assert "unpacks to more" in refusal(read, path)
