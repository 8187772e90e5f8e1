"""The sentence encoder, and texts longer than its limit."""

import re
from types import SimpleNamespace

import numpy as np
import pytest

from localist.blocks.encoder import SentenceEncoder, load_encoder, text_parts
from localist.plumbing.errors import UserError

WORDS = {"sea": (1.0, 0.0), "sky": (0.0, 1.0)}


class WordTokenizer:
    """One token per word, and two special tokens."""

    is_fast = True

    def __call__(self, text, **_):
        return {"offset_mapping": [match.span() for match in re.finditer(r"\S+", text)]}

    def num_special_tokens_to_add(self):
        return 2


def encode(texts, **_):
    """The direction of the mean of a text's first six words; further words are ignored."""
    sums = np.array([np.sum([WORDS[word] for word in text.split()[:6]], axis=0) for text in texts])
    return (sums / np.linalg.norm(sums, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def encoder():
    return SentenceEncoder(SimpleNamespace(tokenizer=WordTokenizer(), max_seq_length=8, encode=encode))


def test_long_texts_are_encoded_completely(encoder):
    """Catches long sentences that are truncated, and parts that are not weighted by their length."""
    texts = ["sea", "sea " * 6 + "sky " * 2, "sky " * 18]
    vectors = encoder(texts)
    np.testing.assert_allclose(vectors[1], np.array([6, 2]) / np.hypot(6, 2), rtol=1e-6)
    np.testing.assert_allclose(vectors[[0, 2]], [[1, 0], [0, 1]], rtol=1e-6)
    assert encoder.long_texts == 2 and encoder.longest == 8


def test_texts_that_fit_are_encoded_unchanged(encoder):
    """Catches altered vectors of texts that need not be divided."""
    texts = ["sea sky sea", "sky", "sea " * 6]
    np.testing.assert_array_equal(encoder(texts), encode(texts))
    assert encoder.long_texts == 0


@pytest.mark.parametrize(
    ("text", "room", "expected"),
    [
        ("ab cd", 5, [("ab cd", 4)]),
        ("ab cd", 3, [("ab", 2), ("cd", 2)]),
        ("abcde", 2, [("ab", 2), ("cd", 2), ("e", 1)]),
        ("a bcd e", 4, [("a bcd", 4), ("e", 1)]),
    ],
)
def test_parts_by_hand(text, room, expected):
    """Catches words split unnecessarily, lost letters, and parts that are too long."""
    places = [(place, place + 1) for place, letter in enumerate(text) if letter != " "]
    assert text_parts(text, places, room) == expected


def test_a_folder_without_an_encoder_is_refused(tmp_path):
    """Catches a traceback from inside the library."""
    with pytest.raises(UserError, match="does not load as a sentence encoder"):
        load_encoder(tmp_path)
