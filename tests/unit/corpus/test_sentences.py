"""Sentences and their offsets."""

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from localist.corpus.documents import Document, Section, document_text, sections_table
from localist.corpus.sentences import sentences_table, split_sentences

PIECES = [
    *("One two.", "Who? ", "Dr. Smith said: “No.” ", "Naïve 😀 e\u0301. ", "你好。", "(a. b) ", "…", "3.14 ", "x"),
    *(" ", "  ", "\n", "\n\n", "\t", "\r\n", "\u00a0", "\u2028", "\x0c"),
]


def corpus(*documents: list[str]) -> pd.DataFrame:
    """A sections table: one document per list of section texts."""
    return sections_table(
        Document(f"Title {number}", tuple(Section("", text) for text in texts))
        for number, texts in enumerate(documents)
    )


@settings(max_examples=50, deadline=None)
@given(st.one_of(st.lists(st.sampled_from(PIECES), max_size=25).map("".join), st.text(max_size=60)))
def test_sentences_cover_the_text_in_order(text):
    """Catches offsets that drift (multi-byte letters, odd line breaks), overlaps, and text that no sentence holds."""
    offsets = split_sentences(text, "en")
    covered = np.zeros(len(text), dtype=int)
    for start, end in offsets:
        sentence = text[start:end]
        assert sentence and sentence == sentence.strip()
        assert len(sentence.splitlines()) == 1
        covered[start:end] += 1
    assert offsets == sorted(offsets)
    assert covered.max(initial=0) <= 1
    assert all(covered[place] for place, character in enumerate(text) if not character.isspace())


def test_full_stops_and_line_breaks_end_sentences():
    """Catches list items and verse that run together, and abbreviations that end a sentence."""
    text = "Dr. Smith came. He left!\n  item one\nitem two  \n\nÜber 😀 all? Yes."
    sentences = [text[start:end] for start, end in split_sentences(text, "en")]
    assert sentences == ["Dr. Smith came.", "He left!", "item one", "item two", "Über 😀 all?", "Yes."]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.lists(st.lists(st.sampled_from(PIECES), min_size=1, max_size=8), max_size=4), min_size=1, max_size=3)
)
def test_offsets_point_into_the_document(pieces):
    """Catches offsets that forget the gap between sections, or count from the section instead of the document."""
    texts = [[text for parts in document if (text := "".join(parts)).strip()] for document in pieces]
    if not any(texts):
        return
    sections = corpus(*texts)
    splits = pd.Series("train", index=sections["section"])
    sentences = sentences_table(sections, splits, "en")
    assert sentences["sentence"].tolist() == list(range(len(sentences)))
    assert set(sentences["section"]) == set(sections["section"])
    for document, rows in sentences.groupby("document"):
        text = document_text(sections.loc[sections["document"] == document, "text"])
        assert [text[row.start : row.end] for row in rows.itertuples()] == rows["text"].tolist()
        assert rows["start"].is_monotonic_increasing


def test_a_sentence_takes_split_and_heading_of_its_section():
    """Catches a sentence in another split than its section: held-out text in training."""
    sections = corpus(["A one. A two.", "B one."], ["C one. C two. C three."])
    splits = pd.Series(["train", "test", "validation"], index=[0, 1, 2])
    sentences = sentences_table(sections, splits, "en")
    assert sentences["split"].tolist() == ["train", "train", "test", *["validation"] * 3]
    assert sentences["section"].tolist() == [0, 0, 1, 2, 2, 2]
    assert sentences["title"].tolist() == ["Title 0"] * 3 + ["Title 1"] * 3
