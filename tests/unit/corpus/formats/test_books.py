"""Whole books produced by real programs, compared with their source text."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from bench_corpus import BOOKS, LONG_BOOK
from book_makers import MissingTool, encrypted_pdf, latex_pdf, sample_chapters, scanned_pdf
from checkout import ROOT
from measure_extraction import CORPUS, measured

from localist.corpus.readers import extract_file
from localist.plumbing.errors import UserError

pytestmark = pytest.mark.slow

DUMP = ROOT / "resources" / "corpora" / "enwiki-mind-and-machine.xml.bz2"
WORST_ERROR = {"one column": 0.01, "two columns": 0.03}
MARKED_UP = 0.005


def made(make: Callable, *arguments: object) -> Path:
    try:
        return make(*arguments)
    except MissingTool as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def chapters():
    """About 20,000 words of real articles."""
    return sample_chapters(DUMP, 20_000)


@pytest.mark.parametrize(("form", "layout", "name", "make"), BOOKS, ids=[f"{one[0]} {one[1]}" for one in BOOKS])
def test_a_book_is_read_as_it_was_written(tmp_path, chapters, form, layout, name, make):
    """Catches lost, duplicated or reordered text, missed headings, and page furniture that is kept."""
    row = measured(made(make, chapters, tmp_path / name), chapters)
    assert row["character_error_rate"] <= WORST_ERROR.get(layout.partition(",")[0], MARKED_UP)
    assert row["headings_found"] == 1
    assert form != "pdf" or row["furniture_removed"] >= 0.95


def test_page_furniture_that_stays_is_counted(tmp_path, chapters, monkeypatch):
    """Catches a metric that reports page furniture as removed even if it is kept."""
    path = made(latex_pdf, chapters, tmp_path / "book.pdf")
    for step in ("running_heads", "page_numbers", "boilerplate"):
        monkeypatch.setitem(CORPUS.clean, step, False)
    assert measured(path, chapters)["furniture_removed"] < 0.1


def test_pages_of_a_long_book_are_not_kept_in_memory(tmp_path):
    """Catches a reader that keeps 1.5 MB per page, so that a long book fills the memory."""
    chapters = sample_chapters(DUMP, 50_000)
    row = measured(made(LONG_BOOK[3], chapters, tmp_path / "long.pdf"), chapters)
    assert row["pages"] >= 95 and row["peak_memory_mb"] < 340  # 240 at present
    assert row["character_error_rate"] <= 0.01


def test_a_pdf_with_a_password_is_refused(tmp_path, chapters):
    """Catches a traceback, or an empty corpus, for a password-protected file."""
    whole = made(latex_pdf, chapters[:1], tmp_path / "whole.pdf")
    path = made(encrypted_pdf, whole, tmp_path / "secret.pdf")
    with pytest.raises(UserError, match=r"secret\.pdf: is encrypted with a password.*qpdf"):
        list(extract_file(path, CORPUS))


def test_a_scan_is_refused(tmp_path, chapters):
    """Catches a scan read as an empty corpus, and an error that does not recommend OCR."""
    whole = made(latex_pdf, chapters[:1], tmp_path / "whole.pdf")
    path = made(scanned_pdf, whole, tmp_path / "scan.pdf")
    with pytest.raises(UserError, match=r"scan\.pdf: has no text layer \(pages 1, 2 of 2.*OCR"):
        list(extract_file(path, CORPUS))
