"""Sentences and their offsets."""

import time

import numpy as np
import pandas as pd
import pytest
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
    """Catches offsets that drift (multi-byte letters, odd line breaks), overlaps, and text outside all sentences."""
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
    """Catches offsets that ignore the gap between sections, or count from the section instead of the document."""
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


def test_sentences_inherit_split_and_title():
    """Catches a sentence in another split than its section: held-out text in training."""
    sections = corpus(["A one. A two.", "B one."], ["C one. C two. C three."])
    splits = pd.Series(["train", "test", "validation"], index=[0, 1, 2])
    sentences = sentences_table(sections, splits, "en")
    assert sentences["split"].tolist() == ["train", "train", "test", *["validation"] * 3]
    assert sentences["section"].tolist() == [0, 0, 1, 2, 2, 2]
    assert sentences["title"].tolist() == ["Title 0"] * 3 + ["Title 1"] * 3


def split(text: str, language: str = "en") -> list[str]:
    return [text[start:end] for start, end in split_sentences(text, language)]


@pytest.mark.parametrize(
    ("language", "sentences"),
    [
        ("en", ["“Stop.", "The mill is sold!” he cried.", "He left."]),
        ("en", ['He said: "I came.', "I saw.", 'I won."', "He left."]),
        ("en", ["“Come!”", "John said nothing."]),
        ("en", ["“Oh!” said Lydia."]),
        ("en", ["‘I came.", "I don’t know why.’"]),
        ("en", ["It turned (slowly, vol. 2 says) and stopped."]),
        ("en", ["It turned (in 1911. London)."]),
        ("de", ["»Ich kam.", "Ich sah«, sagte er."]),
        ("fr", ["« Je suis venu.", "J’ai vu. », dit-il."]),
        ("zh", ["他说：“走吧。”", "然后他走了。"]),
        ("zh", ["“好吗？”他问道。", "“好！”"]),
        ("ja", ["『本だ。』って言った。", "「はい。」", "彼女は笑った。"]),
    ],
)
def test_quoted_speech_is_split(language, sentences):
    """Catches a long speech kept as one sentence, and speech cut off from the words that name the speaker."""
    gap = "" if language in ("zh", "ja") else " "
    assert split(gap.join(sentences), language) == sentences


def test_a_long_chinese_speech_is_split():
    """Catches a page of Chinese speech kept as one sentence."""
    speech = "“" + "磨坊立在河的转弯处，它的轮子就再也没有转动过。" * 20 + "”"
    assert len(split(speech, "zh")) == 20


@pytest.mark.parametrize(
    ("language", "sentences"),
    [
        ("en", ["1. Take it.", "2. Mark it.", "(3) Sell it."]),
        ("en", ["IV. The frost.", "a) The wheel turned."]),
        ("en", ["See vol. 2 and Figs. 3 and 4.", "Chap. IV says so.", "It costs approx. 5 lb."]),
        ("en", ["It was mine.", "I took it.", "He took vitamin C.", "Then he slept."]),
        ("en", ["There were five--Mr. Bingley and his sisters."]),
        ("fr", ["M. Blanc et Mgr. Noir partirent.", "Il coûtait 40 fr.", "C’était cher."]),
        ("de", ["Siehe Bd. 3 und Kap. 4.", "Er ging um 5 Uhr."]),
        ("de", ["Am 3. Mai zog er in den 2. Stock.", "Das war im 18. Jahrhundert.", "Er wurde 25.", "Sonst nichts."]),
        ("ru", ["«Кто там?» — спросил он.", "«Я».", "— Она ушла."]),
        ("fr", ["Mme. Blanc partit.", "« Qui ? » — dit-il."]),
        ("pt", ["Moro na Av. Brasil.", "Fica perto."]),
        ("es", ["D. Quijote salió.", "Véase cap. 12."]),
        ("it", ["S. Pietro piange.", "Vedi pag. 12."]),
        ("ru", ["Т. е. так.", "См. гл. 3."]),
    ],
)
def test_list_numbers_and_abbreviations_do_not_end_sentences(language, sentences):
    """Catches sentences that consist of a number, an initial or half a name."""
    assert split(" ".join(sentences), language) == sentences


@pytest.mark.parametrize("piece", ['"a. ', "“A b. ", "1. ", "((", "a. b ", "“”", "“A. B! ", "5 m. A", "。「", "M. "])
def test_hostile_lines_are_split_in_time(piece):
    """Catches a hostile line that takes too long to split."""
    began = time.process_time()
    split(piece * (100_000 // len(piece)))
    assert time.process_time() - began < 5
