"""The comparison of spans: boundary errors, other methods and test texts, on cases worked out by hand."""

import measure_spans as bench
import numpy as np
import pandas as pd
import pytest
from measure_spans import (
    boundary_errors,
    boundary_tests,
    ends_of_runs,
    fixed_windows,
    gaps,
    measure_spans,
    random_ends,
    tiling,
)

SETTINGS = {"min_size": 3, "max_size": 60}


def test_a_perfect_segmentation_has_no_error():
    """Catches errors counted at the ends of a text."""
    assert boundary_errors([4, 7, 12], [4, 7, 12]) == (0, 0)
    assert gaps([2, 5]) == "0100"


def test_errors_of_a_worked_example():
    """Catches windows of the wrong width, or counts instead of shares."""
    # Eight sentences, spans of four: six pairs of sentences two apart. The true break separates pairs 2-4 and 3-5
    # (from 0); a break one sentence later separates 3-5 and 4-6.
    assert boundary_errors([4, 8], [5, 8]) == (pytest.approx(2 / 6), pytest.approx(2 / 6))
    # Without a break, both pairs are errors.
    assert boundary_errors([4, 8], [8]) == (pytest.approx(2 / 6), pytest.approx(2 / 6))
    # A second break at 5 also separates 4-6; WindowDiff counts that 3-5 has two breaks instead of one.
    assert boundary_errors([4, 8], [4, 5, 8]) == (pytest.approx(1 / 6), pytest.approx(2 / 6))


def test_breaks_everywhere_score_badly():
    """Catches WindowDiff above one."""
    assert boundary_errors([6, 12], list(range(1, 13))) == (pytest.approx(6 / 9), 1)


def test_fixed_windows_have_the_mean_length():
    """Catches windows that are lost to rounding."""
    assert fixed_windows(12, 3) == [4, 8, 12]
    assert fixed_windows(10, 4) == [2, 5, 8, 10]
    assert fixed_windows(5, 5) == [1, 2, 3, 4, 5]


def test_random_boundaries_are_distinct_and_of_the_given_number():
    """Catches empty spans."""
    ends = random_ends(20, 7, np.random.default_rng(0))
    assert len(ends) == len(set(ends)) == 7 and ends == sorted(ends) and ends[-1] == 20
    assert random_ends(3, 1, np.random.default_rng(0)) == [3]


def test_runs_end_where_the_label_changes():
    """Catches a recurring label that is taken for the same run."""
    assert ends_of_runs(np.array([2, 2, 1, 2])) == [2, 3, 4]


TOPICS = ["alpha beta gamma delta epsilon zeta", "river stone water bridge island shore", "piano violin drum flute"]


def test_tiles_end_between_sentences():
    """Catches ends counted in characters or tiles, or breaks suppressed next to short sentences."""
    sentences = [" ".join(TOPICS[number // 12].split()[number % 2 :]) for number in range(36)]
    ends = tiling(sentences, width=10, block=4)
    assert ends == sorted(set(ends)) and ends[-1] == 36
    assert all(any(abs(end - true) <= 2 for end in ends) for true in (12, 24))


def test_a_text_too_short_for_blocks_is_one_tile():
    """Catches a crash of TextTiling on short articles."""
    assert tiling(["one two", "", "three"], width=20, block=6) == [3]


def articles(number: int = 12) -> tuple[pd.DataFrame, np.ndarray]:
    """Articles of three sections of eight sentences, each section with its own direction and words."""
    sections = np.repeat(np.arange(3 * number), 8)
    table = pd.DataFrame({"sentence": range(len(sections)), "document": sections // 3, "section": sections})
    table["title"] = "Article " + table["document"].astype(str)
    table["split"] = "train"
    table["text"] = [f"Word{chr(97 + section % 26)}{chr(97 + section // 26)} again." for section in sections]
    noise = np.random.default_rng(0).normal(scale=0.02, size=(len(sections), 3 * number))
    return table, (np.eye(3 * number)[sections] + noise).astype(np.float32)


def test_adjacent_pieces_come_from_different_articles():
    """Catches neighbouring pieces of one article, between which there is no boundary to find."""
    table, _ = articles()
    tests = boundary_tests(table, {"minimum": 3, "maximum": 60}, seed=1)
    assert tests["sections in order"][1].ends == [8, 16, 24]
    assert tests["articles in order"][0].ends == list(range(24, 12 * 24 + 1, 24))
    for text in tests["random pieces"] + tests["random sections"]:
        document = table["document"].to_numpy()[text.rows]
        assert ends_of_runs(document) == text.ends and len(set(document)) == 10


def test_planted_sections_are_found_reproducibly(monkeypatch):
    """Catches another method's scores in the rows of spans, missing columns, or a seed that is not used."""
    monkeypatch.setattr(bench, "TEXTS", 4)
    table, vectors = articles()
    found = measure_spans(table, vectors, SETTINGS, chosen_on=["Article 0"], seed=3)
    assert found == measure_spans(table, vectors, SETTINGS, chosen_on=["Article 0"], seed=3)
    rows = pd.DataFrame(found)
    assert list(rows) == ["set", "test", "method", "pk", "windowdiff", "mean_sentences", "default"]
    spans = rows[rows["default"] & (rows["test"] == "sections in order")]
    assert (spans["method"] == "spans").all() and set(spans["set"]) == {"articles of the choice", "other articles"}
    assert (spans[["pk", "windowdiff"]] == 0).all(axis=None) and (spans["mean_sentences"] == 8).all()
    assert rows[["pk", "windowdiff"]].stack().between(0, 1).all()
