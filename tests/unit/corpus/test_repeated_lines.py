"""Lines repeated on the pages of one folder."""

import hostile
import pandas as pd
import pytest
from sample_files import corpus, written

from localist.corpus.corpus_files import corpus_files
from localist.corpus.extraction import extract
from localist.corpus.repeated_lines import lines_of_most

process, one_process = hostile.process, hostile.one_process  # fixtures


@pytest.mark.parametrize(
    ("pages", "expected"),
    [
        ([["a", "x"]] * 5, {"a", "x"}),
        ([["a", "a"], ["a"], ["a"], ["a"]], set()),
        ([["a", str(number)] for number in range(6)] + [["b"]] * 5, {"a"}),
        ([], set()),
    ],
)
def test_lines_of_most_pages(pages, expected):
    """Catches a line counted twice on one page, and lines of only a few pages."""
    assert lines_of_most(pages) == expected


@pytest.mark.usefixtures("one_process")
def test_lines_on_all_pages_of_a_folder_are_removed(tmp_path):
    """Catches a handbook's name left on each of its pages, and the same line removed from a text file."""
    sentences = [f"Sentence {word} is here." for word in ("one", "two", "three", "four", "five")]
    for number, sentence in enumerate(sentences):
        page = f"<html><body><p>The Handbook</p><p>{sentence}</p></body></html>"
        written(tmp_path / f"p{number}.html", page)
    written(tmp_path / "z.txt", "The Handbook\n\nis quoted.\n")
    report = extract(corpus_files([tmp_path]), corpus(), tmp_path / "sections.parquet")
    texts = pd.read_parquet(tmp_path / "sections.parquet")["text"].tolist()
    assert texts[:5] == sentences
    assert "The Handbook" in " ".join(texts[5:])
    assert report["removed"]["boilerplate"]["count"] == 5
