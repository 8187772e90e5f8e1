"""Windows: each token in exactly one window, of its own split; bytes and sentences of real tokens."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localist.corpus.documents import Document, Section, document_text, sections_table
from localist.corpus.sentences import sentences_table
from localist.corpus.splits import SPLITS
from localist.plumbing.errors import UserError
from localist.tokens.tokenizer import train_tokenizer
from localist.tokens.windows import NO_ID, DocumentTokens, Windows, align_tokens, cut_windows

SINK, PADDING = -7, -9
SENTENCES = [
    *(
        "The quick brown fox jumps. ",
        "Naïve café – “quoted”? ",
        "😀👩‍👩‍👧 e\u0301 ",
        "你好,世界。",
        "a",
        "1,234.5 ",
        "\ufeffx",
    ),
    *("\n", "\n\n", "   ", "\t", "\u00a0", "\u2003", "…\r\n"),
]


@st.composite
def corpora(draw):
    """Random documents (sections of sentences of tokens, every token with its own id) and a split per section."""
    documents, splits = [], []
    token = sentence = 0
    for _ in range(draw(st.integers(1, 4))):
        sentence_ids, section_ids = [], []
        for _ in range(draw(st.integers(1, 6))):
            section = len(splits)
            splits.append(draw(st.sampled_from(SPLITS)))
            for length in draw(st.lists(st.integers(1, 9), min_size=1, max_size=3)):
                sentence_ids += [sentence] * length
                section_ids += [section] * length
                sentence += 1
        count = len(sentence_ids)
        ids = np.arange(token, token + count)
        token += count
        documents.append(DocumentTokens(ids, np.array(sentence_ids), np.array(section_ids), ids % 5))
    return documents, pd.Series(splits)


def cut(documents, splits, split, context) -> Windows:
    return cut_windows(documents, splits, split, context=context, sink=SINK, padding=PADDING)


@settings(max_examples=50, deadline=None)
@given(corpora(), st.integers(2, 40))
def test_every_token_is_predicted_exactly_once_in_its_own_split(corpus, context):
    """Catches a token that is lost, duplicated, assigned to another sentence, or in another split's window."""
    documents, splits = corpus
    seen = []
    for split in SPLITS:
        windows = cut(documents, splits, split, context)
        assert windows.input_ids.shape == (len(windows.stretch_ids), context)
        assert (windows.input_ids[:, 0] == SINK).all()
        assert not windows.is_text[:, 0].any()
        tokens = windows.input_ids[windows.is_text]
        seen += tokens.tolist()
        for document in documents:
            place = np.isin(document.input_ids, tokens)
            assert (splits.loc[document.section_ids[place]] == split).all()
            inside = windows.is_text & np.isin(windows.input_ids, document.input_ids)
            assert (windows.sentence_ids[inside] == document.sentence_ids[place]).all()
            assert (windows.byte_counts[inside] == document.byte_counts[place]).all()
    assert sorted(seen) == list(range(sum(len(document.input_ids) for document in documents)))


@settings(max_examples=50, deadline=None)
@given(corpora(), st.integers(2, 40))
def test_windows_hold_consecutive_tokens_of_one_stretch(corpus, context):
    """Catches windows that cross a document, section gap or stretch, or padding that is not at the end."""
    documents, splits = corpus
    document_of = np.repeat(np.arange(len(documents)), [len(document.input_ids) for document in documents])
    for split in SPLITS:
        windows = cut(documents, splits, split, context)
        lengths = windows.is_text.sum(axis=1)
        assert (lengths >= 1).all()
        for row, length in enumerate(lengths):
            ids = windows.input_ids[row, 1 : 1 + length]
            assert (np.diff(ids) == 1).all()
            assert len(set(document_of[ids])) == 1
            assert (windows.input_ids[row, 1 + length :] == PADDING).all()
            assert (windows.sentence_ids[row, 1 + length :] == NO_ID).all()
        assert windows.byte_counts[~windows.is_text].sum() == 0
        lasts = [windows.input_ids[row, length] for row, length in enumerate(lengths)]
        for row in range(1, len(lengths)):
            first = windows.input_ids[row, 1]
            same = windows.stretch_ids[row] == windows.stretch_ids[row - 1]
            goes_on = first == lasts[row - 1] + 1 and document_of[first] == document_of[first - 1]
            assert same == goes_on
            assert not same or lengths[row - 1] == context - 1


def test_a_stretch_by_hand():
    """Catches an off-by-one error in the length of a window: T tokens are the sink and T − 1 of text."""
    ids = np.arange(10, 20)
    sections = np.array([0, 0, 0, 1, 1, 2, 2, 2, 2, 2])
    document = DocumentTokens(ids, sections, sections, np.ones(10, int))
    windows = cut([document], pd.Series(["train", "test", "train"]), "train", 4)
    assert windows.input_ids.tolist() == [
        [SINK, 10, 11, 12],
        [SINK, 15, 16, 17],
        [SINK, 18, 19, PADDING],
    ]
    assert windows.stretch_ids.tolist() == [0, 1, 1]
    empty = cut([document], pd.Series(["train", "test", "train"]), "validation", 4)
    assert empty.input_ids.shape == (0, 4)


def test_saved_and_selected_windows_are_unchanged(tmp_path):
    """Catches arrays that are mixed up on disk, or rows taken from only some of the arrays."""
    rng = np.random.default_rng(0)
    windows = Windows(*(rng.integers(0, 99, size) for size in ((5, 8), (5, 8), (5, 8), (5,))))
    windows.save(tmp_path / "train")
    loaded = Windows.load(tmp_path / "train")
    for name in ("input_ids", "sentence_ids", "byte_counts", "stretch_ids"):
        assert np.array_equal(getattr(loaded, name), getattr(windows, name))
        assert np.array_equal(getattr(loaded.take(np.array([3, 1])), name), getattr(windows, name)[[3, 1]])


def test_windows_with_a_missing_array_are_reported(tmp_path):
    """Catches a NumPy traceback in every later job."""
    zeros = np.zeros((1, 2), dtype=np.int32)
    Windows(zeros, zeros, zeros, zeros[0]).save(tmp_path / "train")
    (tmp_path / "train" / "sentence_ids.npy").unlink()
    with pytest.raises(UserError, match=r"train lacks sentence_ids\.npy"):
        Windows.load(tmp_path / "train")


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(["The quick brown fox jumps over the lazy dog. " * 3, "Naïve café. 你好 1,234.5\n\n"], 320)


def aligned(tokenizer, texts: list[str]) -> tuple[str, list[tuple[int, int]], DocumentTokens, pd.DataFrame]:
    sections = sections_table([Document("T", tuple(Section("", text) for text in texts))])
    sentences = sentences_table(sections, pd.Series("train", index=sections["section"]), "en")
    text = document_text(texts)
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
    offsets = encoded["offset_mapping"]
    return text, offsets, align_tokens(text, offsets, encoded["input_ids"], sentences), sentences


@settings(max_examples=50, deadline=None)
@given(
    pieces=st.lists(st.lists(st.sampled_from(SENTENCES), min_size=1, max_size=8).map("".join), min_size=1, max_size=4)
)
def test_real_tokens_have_the_right_bytes_and_sentence(tokenizer, pieces):
    """Catches bits per byte computed with wrong bytes, or tokens assigned to a neighbouring sentence."""
    texts = [text for text in pieces if text.strip()]
    if not texts:
        return
    text, offsets, tokens, sentences = aligned(tokenizer, texts)
    assert tokens.byte_counts.sum() == len(text.encode())
    assert (tokens.byte_counts >= 0).all()
    owner = np.full(len(text), NO_ID)
    for row in sentences.itertuples():
        owner[row.start : row.end] = row.sentence
    section_of = sentences.set_index("sentence")["section"]
    last = sentences["sentence"].iloc[0]
    for (start, end), sentence, section in zip(offsets, tokens.sentence_ids, tokens.section_ids, strict=True):
        visible = [place for place in range(start, end) if not text[place].isspace()]
        if visible:
            last = owner[visible[0]]
        assert sentence == last
        assert section == section_of[sentence]


def test_a_token_across_two_sentences_belongs_to_its_first_visible_character():
    """Catches a token such as “\\n\\nThe” that is assigned to the previous sentence."""
    sentences = pd.DataFrame({"sentence": [4, 5], "section": [0, 1], "start": [0, 5], "end": [3, 9]})
    text = "ab.\n\nThe "
    offsets = [(0, 2), (2, 3), (3, 8), (8, 9)]
    tokens = align_tokens(text, offsets, [1, 2, 3, 4], sentences)
    assert tokens.sentence_ids.tolist() == [4, 4, 5, 5]
    assert tokens.section_ids.tolist() == [0, 0, 1, 1]
    assert tokens.byte_counts.tolist() == [2, 1, 5, 1]


def test_pieces_of_one_character_share_its_bytes():
    """Catches an emoji of several tokens whose bytes are counted once per token."""
    sentences = pd.DataFrame({"sentence": [0], "section": [0], "start": [0], "end": [2]})
    tokens = align_tokens("😀x", [(0, 1), (0, 1), (0, 1), (1, 2)], [1, 2, 3, 4], sentences)
    assert tokens.byte_counts.tolist() == [4, 0, 0, 1]


def test_a_token_without_a_position_has_no_bytes():
    """Catches negative bytes, or bytes counted twice, for a token that the tokenizer places at (0, 0)."""
    sentences = pd.DataFrame({"sentence": [0], "section": [0], "start": [0], "end": [3]})
    tokens = align_tokens("abc", [(0, 2), (0, 0), (2, 3)], [1, 2, 3], sentences)
    assert tokens.byte_counts.tolist() == [2, 0, 1]
