"""Splits by whole sections."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from checkout import SCRIPTS, SUPPORT
from hypothesis import given, settings
from hypothesis import strategies as st

from localist.corpus.documents import Document, Section, sections_table
from localist.corpus.splits import SPLITS, assign_splits, passages
from localist.plumbing.errors import UserError
from split_sentences import main

SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}


def corpus(*documents: list[str]) -> pd.DataFrame:
    """A sections table: one document per list of section texts."""
    return sections_table(
        Document(f"Title {number}", tuple(Section("", text) for text in texts))
        for number, texts in enumerate(documents)
    )


def sized(*documents: list[int]) -> pd.DataFrame:
    return corpus(*(["x" * size for size in sizes] for sizes in documents))


def characters(sections: pd.DataFrame, splits: pd.Series) -> pd.Series:
    sizes = sections.set_index("section")["text"].str.len()
    return sizes.groupby(splits).sum().reindex(SPLITS, fill_value=0)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.lists(st.integers(1, 400), min_size=1, max_size=15), min_size=1, max_size=6),
    st.integers(0, 5),
    st.randoms(use_true_random=False),
)
def test_splits_are_complete_stable_and_near_their_shares(documents, seed, random):
    """Catches sections without a split, splits that depend on the order of rows, and sizes far from the shares."""
    sections = sized(*documents)
    splits = assign_splits(sections, SHARES, seed)
    assert splits.index.tolist() == sections["section"].tolist()
    assert set(splits) <= set(SPLITS)
    order = list(range(len(sections)))
    random.shuffle(order)
    pd.testing.assert_series_equal(assign_splits(sections.iloc[order], SHARES, seed), splits)
    largest, total = max(map(max, documents)), sum(map(sum, documents))
    missed = characters(sections, splits) - pd.Series(SHARES) * total
    assert missed.abs().max() <= 2 * largest + 1e-6


def test_every_document_is_in_every_split():
    """Catches splits that are not stratified: a test split from one document says little about the others."""
    sections = sized(*([100] * 40 for _ in range(6)))
    splits = assign_splits(sections, SHARES, seed=3)
    for _, rows in sections.groupby("document"):
        counts = splits[rows["section"]].value_counts()
        assert abs(counts["train"] - 32) <= 2
        assert abs(counts["validation"] - 4) <= 2
        assert abs(counts["test"] - 4) <= 2


def test_sections_are_drawn_at_random():
    """Catches a test split that is always the end of each document, and a seed without effect."""
    sections = sized([100] * 40)
    splits = [assign_splits(sections, SHARES, seed) for seed in range(4)]
    places = [tuple(split.index[split == "test"]) for split in splits]
    assert len(set(places)) == 4
    assert not any(min(place) >= 32 for place in places)


def test_sections_are_grouped_into_passages():
    """Catches a passage across documents, a short remainder on its own, and a passage divided between splits."""
    assert passages([0, 0, 0, 0, 0, 1, 1], [30, 80, 100, 50, 40, 10, 10], 100) == [0, 0, 1, 1, 1, 2, 2]
    assert passages([0, 0, 1, 1], [5, 5, 5, 5], 1) == [0, 1, 2, 3]
    sections = corpus(["word " * 40] * 60)
    splits = assign_splits(sections, SHARES, 1, passage_words=100)
    by_passage = splits.groupby(passages([0] * 60, [40] * 60, 100))
    assert by_passage.nunique().tolist() == [1] * 20 and set(splits) == set(SPLITS)


def test_splits_are_the_same_in_another_process():
    """Catches a rule that uses Python's own hash, which changes with every process."""
    code = (
        "from test_splits import SHARES, assign_splits, sized\n"
        "print(','.join(assign_splits(sized([5, 9, 40, 3] * 8, [7] * 9), SHARES, 1)))"
    )
    environment = os.environ | {
        "PYTHONHASHSEED": "4711",
        "PYTHONPATH": os.pathsep.join(map(str, (SCRIPTS, SUPPORT, Path(__file__).parent))),
    }
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert result.stdout.strip().split(",") == list(assign_splits(sized([5, 9, 40, 3] * 8, [7] * 9), SHARES, 1))


def run_main(folder: Path, sections: pd.DataFrame, minimum: int = 1) -> pd.DataFrame:
    sections.to_parquet(folder / "sections.parquet", index=False)
    splits = SHARES | {"seed": 0, "passage_words": 1, "min_test_sections": minimum}
    main(folder / "sections.parquet", "en", splits, folder / "sentences.parquet")
    return pd.read_parquet(folder / "sentences.parquet")


def test_no_sentence_is_in_two_splits(tmp_path):
    """Catches a section, and thus its sentences, used for both training and testing."""
    sentences = run_main(tmp_path, corpus(*(["One here. Two there.\nThree."] * 12 for _ in range(3))))
    assert sentences["sentence"].is_unique
    assert sentences.groupby("section")["split"].nunique().max() == 1
    assert set(sentences["split"]) == set(SPLITS)


def test_too_few_sections_are_refused(tmp_path):
    """Catches a study that continues without any test text."""
    with pytest.raises(UserError, match=r"only 2 sections.*section_words"):
        run_main(tmp_path, corpus(["One here.", "Two there."]))
