"""The files that a path, a folder or a list selects."""

import pytest

from localist.corpus.corpus_files import check_corpus_path, checksum_of, corpus_files, source_paths
from localist.plumbing.errors import UserError
from localist.plumbing.files import sha256_of


def names(folder, *sources):
    return [path.relative_to(folder).as_posix() for path in corpus_files(sources)]


def make(folder, *files):
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("text", encoding="utf-8")


def test_files_of_a_folder_are_in_natural_order(tmp_path):
    """Catches chapter 10 before chapter 2, skipped subfolders, and an order that depends on the file system."""
    make(tmp_path, "b/Chapter 10.txt", "b/chapter 2.txt", "b/Chapter 1.txt", "a.txt", "c/1/x.txt")
    assert names(tmp_path, tmp_path) == ["a.txt", "b/Chapter 1.txt", "b/chapter 2.txt", "b/Chapter 10.txt", "c/1/x.txt"]


def test_hidden_files_are_skipped(tmp_path):
    """Catches a study that fails on hidden files, which operating systems leave in every folder."""
    make(tmp_path, "a.txt", ".DS_Store", ".git/config", "b/.hidden/x.txt")
    assert names(tmp_path, tmp_path) == ["a.txt"]


def test_a_list_keeps_its_order_without_repeats(tmp_path):
    """Catches a file read twice because both the file and its folder are listed."""
    make(tmp_path, "z.txt", "books/a.txt", "books/b.txt")
    assert names(tmp_path, tmp_path / "z.txt", tmp_path / "books", tmp_path / "books/a.txt") == [
        "z.txt",
        "books/a.txt",
        "books/b.txt",
    ]


def test_data_set_metadata_is_skipped(tmp_path):
    """Catches the JSON files and the README beside a saved data set read as text."""
    make(tmp_path, "data-00000-of-00001.arrow", "dataset_info.json", "state.json", "README.md")
    assert names(tmp_path, tmp_path) == ["data-00000-of-00001.arrow"]
    (tmp_path / "data-00000-of-00001.arrow").unlink()
    assert "README.md" in names(tmp_path, tmp_path)


def test_empty_folders_and_missing_files_are_reported_by_path(tmp_path):
    """Catches an empty corpus accepted without an error, and a wrong path in a list that is ignored."""
    make(tmp_path, "empty/.hidden", "a.txt")
    with pytest.raises(UserError, match=r"corpus\.source\.path: no files in .*empty"):
        corpus_files([tmp_path / "empty"])
    with pytest.raises(UserError, match=r"corpus\.source\.path: .*gone\.txt does not exist"):
        corpus_files([tmp_path / "a.txt", tmp_path / "gone.txt"])


def test_one_path_or_several_are_accepted(monkeypatch, tmp_path):
    """Catches a single path split into its letters, and ~ that is not expanded."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert source_paths("~/book.pdf") == [tmp_path / "book.pdf"]
    assert [path.name for path in source_paths(["a.pdf", "b"])] == ["a.pdf", "b"]


def test_linked_folders_are_read(tmp_path):
    """Catches a cached data set, whose subfolders are symbolic links, that is not read, or read in an endless loop."""
    inside = tmp_path / "cache" / "data"
    inside.mkdir(parents=True)
    (inside / "train.parquet").write_bytes(b"")
    (inside / "back").symlink_to(tmp_path / "books")
    (tmp_path / "books").mkdir()
    (tmp_path / "books" / "data").symlink_to(inside)
    assert corpus_files([tmp_path / "books"]) == [tmp_path / "books" / "data" / "train.parquet"]


def test_unusable_paths_are_refused_before_any_job(tmp_path):
    """Catches a wrong path, or a file name with braces, that is detected only after an hour of other work."""
    file = tmp_path / "book.txt"
    file.write_text("text", encoding="utf-8")
    (tmp_path / "empty").mkdir()
    for path, expected in ((tmp_path / "empty", "empty"), (tmp_path / "none", "does not exist")):
        with pytest.raises(UserError, match=rf"corpus\.source\.path.*{expected}"):
            check_corpus_path(str(path))
    braces = tmp_path / "books" / "a {new} book.txt"
    braces.parent.mkdir()
    braces.write_text("text", encoding="utf-8")
    with pytest.raises(UserError, match=r"a \{new\} book\.txt has braces in its name.*Rename"):
        check_corpus_path(str(tmp_path / "books"))
    braces.unlink()
    check_corpus_path(str(file))
    check_corpus_path([str(file), str(tmp_path)])


def test_files_that_accompany_books_are_skipped(tmp_path):
    """Catches a Calibre library or a saved web page refused because of a cover or a style sheet."""
    make(tmp_path, "Book/book.epub", "Book/cover.jpg", "Book/metadata.opf", "metadata.db", "Book/~$book.docx")
    make(tmp_path, "page.html", "page_files/style.css", "page_files/advert.html", "other_files/text.html")
    assert names(tmp_path, tmp_path) == ["Book/book.epub", "other_files/text.html", "page.html"]


def test_a_folder_with_only_pictures_is_not_skipped(tmp_path):
    """Catches a book of scanned pages skipped, so that no error says that it needs OCR."""
    make(tmp_path, "1.jpg", "2.jpg")
    assert names(tmp_path, tmp_path) == ["1.jpg", "2.jpg"]


def test_an_unpacked_epub_is_one_book(tmp_path):
    """Catches an EPUB stored as a folder that is read as separate files, or whose changes are not detected."""
    make(tmp_path, "A.epub/META-INF/container.xml", "A.epub/OEBPS/c.xhtml", "A.epub/OEBPS/c.css", "b.txt")
    assert names(tmp_path, tmp_path) == ["A.epub", "b.txt"]
    assert names(tmp_path, tmp_path / "A.epub") == ["A.epub"]
    before = checksum_of(tmp_path / "A.epub")
    (tmp_path / "A.epub/OEBPS/c.xhtml").write_text("other", encoding="utf-8")
    assert checksum_of(tmp_path / "A.epub") != before
    assert checksum_of(tmp_path / "b.txt") == sha256_of(tmp_path / "b.txt")
