"""The page on the corpus: everything in the report, escaped."""

import re

import hostile
import pytest
from checkout import templates
from sample_files import corpus

from describe_corpus import main as describe_corpus
from localist.corpus.cleaning import STEPS
from localist.corpus.documents import Document, Section, sections_table
from localist.corpus.extraction import extract
from localist.plumbing.files import write_json
from localist.report.extraction_page import FILES_WITH_SAMPLES, extraction_page, totals

process, one_process = hostile.process, hostile.one_process  # fixtures
TEMPLATES = templates("extraction.html.j2")
SPLITS = {"train": 0.8, "validation": 0.1, "test": 0.1, "seed": 0, "passage_words": 1, "min_test_sections": 4}


@pytest.fixture
def report(tmp_path, one_process):
    """A report on one small book and one file that was left out."""
    book = tmp_path / "A <b>bold book.txt"
    said = "Some words & <i>signs</i> that are said once only. " * 3
    book.write_text(f"CHAPTER <script>alert(1)</script>\n\n{said}", encoding="utf-8")
    (tmp_path / "bad.pdf").write_text("no", encoding="utf-8")
    return extract([book, tmp_path / "bad.pdf"], corpus(on_error="skip"), tmp_path / "sections.parquet")


def test_the_page_shows_steps_warnings_samples_and_skipped_files(report):
    """Catches a page without a step, a warning, a sample or a skipped file."""
    report["files"][0]["warnings"].append("look here")
    page = extraction_page(report, totals(report), TEMPLATES)
    for step in STEPS:
        assert f"<td>{step.replace('_', ' ')}</td>" in page
    assert "look here" in page and "bad.pdf" in page
    assert page.count("before</th><th>after") == len(report["files"][0]["samples"])
    assert "Some words &amp; &lt;i&gt;signs" in page


def test_book_text_does_not_become_markup(report):
    """Catches corpus text that becomes markup: names, headings, samples or messages."""
    report["files"][0]["title"] = report["files"][0]["author"] = "<script>alert(2)</script>"
    report["files"][0]["warnings"].append("<script>alert(3)</script>")
    page = extraction_page(report, totals(report), TEMPLATES)
    assert "<script" not in page and "<b>bold" not in page and "<i>signs" not in page


def test_steps_are_listed_in_order(report):
    """Catches a table whose steps are not in the order of execution."""
    page = extraction_page(report, totals(report), TEMPLATES)
    places = [page.index(f"<td>{step.replace('_', ' ')}</td>") for step in STEPS]
    assert places == sorted(places)


def test_only_some_of_many_books_have_samples(report):
    """Catches a page of hundreds of megabytes."""
    report["files"] = [report["files"][0] | {"file": f"{number}.txt"} for number in range(3 * FILES_WITH_SAMPLES)]
    page = extraction_page(report, totals(report), TEMPLATES)
    assert f"{FILES_WITH_SAMPLES - 1}.txt, the beginning" in page
    assert f"{FILES_WITH_SAMPLES}.txt, the beginning" not in page
    assert f"Samples from {2 * FILES_WITH_SAMPLES} more files" in page


def test_warnings_and_skipped_files_are_logged(report, tmp_path, caplog):
    """Catches a warning that is shown only on the page."""
    caplog.set_level("INFO")
    report["files"][0]["warnings"].append("look here")
    write_json(tmp_path / "report.json", report)
    page = tmp_path / "page.html"
    describe_corpus(tmp_path / "report.json", tmp_path / "sections.parquet", SPLITS, TEMPLATES, page)
    assert "look here" in caplog.text and "bad.pdf" in caplog.text and "words: " in caplog.text
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_text_too_short_for_a_study_is_reported(report, tmp_path, caplog):
    """Catches a book that passes the inspection but is too short for a study, and a false alarm."""
    page = tmp_path / "page.html"
    write_json(tmp_path / "report.json", report)
    describe_corpus(tmp_path / "report.json", tmp_path / "sections.parquet", SPLITS, TEMPLATES, page)
    assert "only one section, too few for a validation and a test split" in page.read_text(encoding="utf-8")
    assert "This corpus is too small for a study. The corpus has only one section" in caplog.text
    caplog.clear()
    texts = [Section("", "Some words.")] * 40
    sections_table([Document("Title", tuple(texts))]).to_parquet(tmp_path / "sections.parquet")
    describe_corpus(tmp_path / "report.json", tmp_path / "sections.parquet", SPLITS, TEMPLATES, page)
    assert "too small" not in caplog.text + page.read_text(encoding="utf-8")
    assert "Only" not in caplog.text


def test_the_sections_are_described(report, tmp_path, caplog):
    """Catches missing hints that headings were overlooked, or that claims will be undecided."""
    caplog.set_level("INFO")
    page = tmp_path / "page.html"
    write_json(tmp_path / "report.json", report)
    texts = [Section("", "One two three." if number else "Word " * 9) for number in range(40)]
    sections_table([Document("Title", tuple(texts))]).to_parquet(tmp_path / "sections.parquet")
    describe_corpus(
        tmp_path / "report.json", tmp_path / "sections.parquet", SPLITS | {"min_test_sections": 20}, TEMPLATES, page
    )
    assert "words per section: 3 (median), 3 to 9" in caplog.text
    assert "3 (median), 3 to 9" in page.read_text(encoding="utf-8")
    assert re.search(r"sections by split: train \d+, validation \d+, test \d+", caplog.text)
    assert re.search(r"Only \d+ sections of test text: with fewer than 20 \(splits.min_test_sections\)", caplog.text)
