"""What kind of file something is, and files that are called something else."""

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
        extract([path], corpus(), tmp_path / "sections.parquet")


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
