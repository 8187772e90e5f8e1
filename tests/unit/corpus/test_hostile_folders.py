"""Files that vanish, folders with nothing to read, and one bad book among many."""

import os
from pathlib import Path

import hostile
import pytest
from hostile import refusal
from pyarrow import parquet
from sample_files import (
    SAMPLES,
    corpus,
    epub_members,
    written,
    zipped,
)

import extract_corpus
from localist.corpus.corpus_files import corpus_files
from localist.corpus.extraction import extract
from localist.corpus.reading_process import ReadingProcess
from localist.plumbing.errors import UserError
from localist.plumbing.files import read_json

process, one_process, read = hostile.process, hostile.one_process, hostile.read  # fixtures


def test_an_unreadable_file_is_refused(tmp_path, read):
    """Catches a traceback for a file without permission."""
    path = SAMPLES["text"](tmp_path)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read every file")
    assert "Permission denied" in refusal(read, path)


def test_a_vanished_file_is_refused(tmp_path, read):
    """Catches a traceback for a file that disappears after it is listed."""
    refusal(read, tmp_path / "gone.txt")


def test_a_folder_named_like_a_file_is_refused(tmp_path, read):
    """Catches a traceback for a folder with the name of a text file."""
    (tmp_path / "folder.txt").mkdir()
    refusal(read, tmp_path / "folder.txt")


@pytest.mark.usefixtures("one_process")
def test_a_dangling_link_is_not_skipped(tmp_path):
    """Catches a book silently left out because its disk is not mounted."""
    books = tmp_path / "books"
    books.mkdir()
    SAMPLES["text"](books)
    link = books / "link.txt"
    link.symlink_to(tmp_path / "gone.txt")
    with pytest.raises(UserError, match=r"link\.txt"):
        corpus_files([link])
    with pytest.raises(UserError, match=r"link\.txt"):
        extract(corpus_files([books]), corpus(), tmp_path / "sections.parquet")


def test_a_cycle_of_links_is_not_followed(tmp_path):
    """Catches an endless walk through a folder that contains a link to itself."""
    SAMPLES["text"](tmp_path)
    (tmp_path / "again").symlink_to(tmp_path)
    assert [path.name for path in corpus_files([tmp_path])] == ["sample.txt"]


def test_a_named_pipe_is_refused(tmp_path):
    """Catches a reader that waits forever for data from a named pipe."""
    os.mkfifo(tmp_path / "pipe.txt")
    with ReadingProcess(seconds=5) as impatient, pytest.raises(UserError) as caught:
        impatient.read(tmp_path / "pipe.txt", corpus(), tmp_path / "documents.jsonl")
    assert "timed out" not in str(caught.value)


def test_an_empty_folder_is_refused(tmp_path):
    """Catches a folder with only hidden files accepted as a corpus."""
    books = tmp_path / "books"
    books.mkdir()
    written(books / ".DS_Store", "x")
    with pytest.raises(UserError, match=r"no files in .*books"):
        corpus_files([books])


@pytest.mark.parametrize("on_error", ["stop", "skip"])
@pytest.mark.usefixtures("one_process")
def test_a_folder_with_nothing_usable_is_refused(tmp_path, on_error):
    """Catches an empty corpus accepted because every file was skipped."""
    files = [written(tmp_path / "cover.png", b"\x89PNG\r\n\x1a\n"), zipped(tmp_path / "other.zip", {"a.txt": "x"})]
    with pytest.raises(UserError) as caught:
        extract(files, corpus(on_error=on_error), tmp_path / "sections.parquet")
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


@pytest.mark.usefixtures("one_process")
def test_all_bad_files_are_reported_together(tmp_path, mixed_folder):
    """Catches bad files reported one at a time, and half a corpus left on the disk."""
    output = tmp_path / "output"
    with pytest.raises(UserError) as caught:
        extract_corpus.main([mixed_folder], corpus(), output / "sections.parquet", output / "report.json")
    message = str(caught.value)
    assert message.startswith("3 of 6 files")
    for name in ("bad1.pdf", "bad2.txt", "bad3.epub"):
        assert str(mixed_folder / name) in message
    assert "sample" not in message
    assert "on_error: skip" in message
    assert "Traceback" not in message
    assert list(output.iterdir()) == []


@pytest.mark.usefixtures("one_process")
def test_bad_files_are_skipped_if_configured(tmp_path, mixed_folder):
    """Catches skipped files missing from the report, and good files skipped with them."""
    sections, report = tmp_path / "sections.parquet", tmp_path / "report.json"
    extract_corpus.main([mixed_folder], corpus(on_error="skip"), sections, report)
    told = read_json(report)
    assert [one["file"] for one in told["skipped"]] == ["bad1.pdf", "bad2.txt", "bad3.epub"]
    assert all(str(mixed_folder / one["file"]) in one["reason"] for one in told["skipped"])
    assert sorted(one["file"] for one in told["files"]) == ["sample.pdf", "sample.txt", "sample3.epub"]
    assert set(parquet.read_table(sections)["source"].to_pylist()) <= {"sample.pdf", "sample.txt", "sample3.epub"}
