"""A whole corpus: numbering across files, counts and warnings in the report, and files that cannot be read."""

import re

import hostile
import pandas as pd
import pytest
from sample_files import corpus

from localist.corpus import extraction
from localist.corpus.documents import COLUMNS
from localist.corpus.extraction import extract
from localist.plumbing.errors import UserError

process, one_process = hostile.process, hostile.one_process  # fixtures

PARAGRAPH = (
    "The harbour lay still in the early light, and the boats had gone out before anybody else in the town was awake. "
    "An old man sat on the wall, mended a net and said nothing to the gulls, who said a great deal to him. {}"
)


def book(folder, name, *paragraphs):
    path = folder / name
    path.write_text("\n\n".join(paragraphs), encoding="utf-8")
    return path


@pytest.mark.usefixtures("one_process")
def test_documents_and_sections_are_numbered_across_files(tmp_path, monkeypatch):
    """Catches numbers that restart with each file or batch, and files read out of order."""
    monkeypatch.setattr(extraction, "DOCUMENTS_AT_ONCE", 2)
    rows = book(tmp_path, "rows.jsonl", *[f'{{"text": "Row {n} has words of its own, {n} in all."}}' for n in range(5)])
    files = [book(tmp_path, "b.txt", PARAGRAPH.format("One.")), rows, book(tmp_path, "a.txt", "The last of the files.")]
    told = extract(files, corpus(), tmp_path / "sections.parquet")
    table = pd.read_parquet(tmp_path / "sections.parquet")
    assert list(table) == list(COLUMNS)
    assert table["document"].tolist() == list(range(7)) == table["section"].tolist()
    assert table["source"].tolist() == ["b.txt", *["rows.jsonl"] * 5, "a.txt"]
    assert [one["documents"] for one in told["files"]] == [1, 5, 1]


@pytest.mark.usefixtures("one_process")
def test_the_report_counts_what_is_written(tmp_path):
    """Catches counts of the text before cleaning, or of another file."""
    path = book(
        tmp_path, "a.txt", "CHAPTER I", PARAGRAPH.format("One."), "CHAPTER II", "A harbour-\nmaster came.[1] He left."
    )
    told = extract([path], corpus(), tmp_path / "sections.parquet")
    table = pd.read_parquet(tmp_path / "sections.parquet")
    (one,) = told["files"]
    assert one["words"] == told["totals"]["words"] == table["text"].str.split().str.len().sum()
    assert one["characters"] == table["text"].str.len().sum()
    assert (one["sections"], one["sentences"], one["kind"], one["title"]) == (2, 5, "text", "a")
    assert one["removed"]["footnote_marks"] == {"count": 1, "characters": 3, "examples": ["[1]"]}
    assert one["languages"] == {"en": 1.0} and one["warnings"] == []
    assert {"python", "pypdfium2", "lxml"} <= set(told["versions"])
    assert told["removed"]["hyphenation"] == {"count": 1, "characters": 14}
    assert "harbour-\nmaster" in one["samples"][0]["before"] and "harbourmaster" in one["samples"][0]["after"]


@pytest.mark.usefixtures("one_process")
def test_a_duplicate_book_is_read_once(tmp_path):
    """Catches the same text in training and test splits because two files contain it."""
    files = [book(tmp_path, name, PARAGRAPH.format("One.")) for name in ("a.txt", "b.txt")]
    told = extract(files, corpus(), tmp_path / "sections.parquet")
    assert pd.read_parquet(tmp_path / "sections.parquet")["source"].tolist() == ["a.txt"]
    assert told["files"][1]["removed"]["near_duplicates"]["count"] == 1
    assert told["files"][1]["warnings"] == ["no text is left"]
    off = corpus(clean=corpus().clean | {"near_duplicates": False})
    extract(files, off, tmp_path / "sections.parquet")
    assert len(pd.read_parquet(tmp_path / "sections.parquet")) == 2


@pytest.mark.usefixtures("one_process")
def test_an_unexpected_language_is_reported(tmp_path):
    """Catches a book split into sentences by the rules of another language without a warning."""
    german = (
        "Der Hafen lag still im ersten Licht, und die Boote waren längst draußen, ehe jemand in der Stadt erwachte."
    )
    told = extract([book(tmp_path, "a.txt", german)], corpus(), tmp_path / "sections.parquet")
    assert told["files"][0]["languages"] == {"de": 1.0}
    assert "appears to be in 'de', but corpus.language is 'en'" in told["files"][0]["warnings"][0]


@pytest.mark.usefixtures("one_process")
def test_removal_of_most_of_a_book_is_reported(tmp_path):
    """Catches a book that loses most of its text without a warning."""
    path = book(tmp_path, "a.txt", "INTRODUCTION", "A few words that stay.", "REFERENCES", PARAGRAPH.format("One."))
    told = extract([path], corpus(), tmp_path / "sections.parquet")
    assert "of the text was removed" in told["files"][0]["warnings"][0]


@pytest.mark.usefixtures("one_process")
@pytest.mark.parametrize("name", ["INDEX", "SOURCES"])
def test_a_step_that_removes_much_of_a_book_is_named(tmp_path, name):
    """Catches a third of a book removed by one step without a warning that names the step."""
    listed = [f"A. Hale, The Mill of {name}, p. 3." for name in "abcdefghijklmnop"]
    path = book(tmp_path, "a.txt", "CHAPTER I", PARAGRAPH.format("One.") * 6, name, *listed)
    told = extract([path], corpus(drop_sections=["Sources"]), tmp_path / "sections.parquet")
    step = "index" if name == "INDEX" else "drop sections"
    assert [one for one in told["files"][0]["warnings"] if re.match(rf"{step} removed \d\d% .*\d{{3}} characters", one)]


@pytest.mark.usefixtures("one_process")
def test_removed_refrains_are_reported(tmp_path):
    """Catches a last sentence that the author repeats in each chapter, removed without a warning."""
    parts = [part for n in range(1, 7) for part in (f"CHAPTER {n}", PARAGRAPH.format(n), "And so it goes on for ever.")]
    settings = corpus(clean=corpus().clean | {"near_duplicates": False})
    told = extract([book(tmp_path, "a.txt", *parts)], settings, tmp_path / "sections.parquet")
    assert any("'And so it goes on for ever.'" in warning for warning in told["files"][0]["warnings"])


@pytest.mark.usefixtures("one_process")
def test_no_more_is_kept_than_was_read(tmp_path):
    """Catches more characters kept than read, because ligatures become two letters and paragraphs become lines."""
    path = book(tmp_path, "a.txt", *["Die ﬂinke Aﬀin ﬁndet es. " * 9] * 9)
    totals = extract([path], corpus(), tmp_path / "sections.parquet")["totals"]
    assert totals["characters"] <= totals["characters_read"]


@pytest.mark.usefixtures("one_process")
def test_all_unreadable_files_are_reported_together(tmp_path):
    """Catches unreadable files that are reported only one per run."""
    good = book(tmp_path, "good.txt", PARAGRAPH.format("One."))
    bad = [book(tmp_path, name, "not a book") for name in ("a.pdf", "b.epub")]
    with pytest.raises(UserError) as caught:
        extract([bad[0], good, bad[1]], corpus(), tmp_path / "sections.parquet")
    message = str(caught.value)
    assert "2 of 3 files" in message and "a.pdf" in message and "b.epub" in message and "on_error: skip" in message


@pytest.mark.usefixtures("one_process")
def test_skipped_files_are_reported(tmp_path):
    """Catches skipped files missing from the report, and a corpus accepted although every file was skipped."""
    good = book(tmp_path, "good.txt", PARAGRAPH.format("One."))
    bad = book(tmp_path, "a.pdf", "not a book")
    told = extract([bad, good], corpus(on_error="skip"), tmp_path / "sections.parquet")
    assert [one["file"] for one in told["files"]] == ["good.txt"]
    assert [one["file"] for one in told["skipped"]] == ["a.pdf"] and "a.pdf" in told["skipped"][0]["reason"]
    with pytest.raises(UserError, match=r"a\.pdf"):
        extract([bad], corpus(on_error="skip"), tmp_path / "sections.parquet")


@pytest.mark.usefixtures("one_process")
def test_a_corpus_without_text_is_refused(tmp_path):
    """Catches a run that fails only later because its text is empty, without naming the file."""
    with pytest.raises(UserError, match=r"a\.txt: no text is left"):
        extract(
            [book(tmp_path, "a.txt", "Contents", "One .... 1", "Two .... 2")], corpus(), tmp_path / "sections.parquet"
        )


def test_the_same_files_give_the_same_bytes(tmp_path):
    """Catches an order or a sample that differs between runs or processes."""
    letters = "abcd"
    files = [book(tmp_path, f"{n}.txt", *(PARAGRAPH.replace("a", m + n) for m in letters)) for n in letters]
    told = [extract(files, corpus(section_words=40), tmp_path / f"{n}.parquet") for n in range(2)]
    assert told[0] == told[1]
    assert (tmp_path / "0.parquet").read_bytes() == (tmp_path / "1.parquet").read_bytes()
