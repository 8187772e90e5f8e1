"""The sentence encoder: what becomes of texts that are longer than it reads."""

import re
from types import SimpleNamespace

import numpy as np
import pytest

from localist.blocks.encoder import SentenceEncoder, load_encoder, text_parts
from localist.plumbing.errors import UserError

WORDS = {"sea": (1.0, 0.0), "sky": (0.0, 1.0)}


class WordTokenizer:
    """A token per word, and two special ones."""

    is_fast = True

    def __call__(self, text, **_):
        return {"offset_mapping": [match.span() for match in re.finditer(r"\S+", text)]}

    def num_special_tokens_to_add(self):
        return 2


def encode(texts, **_):
    """The direction of the mean of a text's words, of which no more than six are read."""
    sums = np.array([np.sum([WORDS[word] for word in text.split()[:6]], axis=0) for text in texts])
    return (sums / np.linalg.norm(sums, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def encoder():
    return SentenceEncoder(SimpleNamespace(tokenizer=WordTokenizer(), max_seq_length=8, encode=encode))


def test_all_of_a_long_text_counts(encoder):
    """Catches the end of a long sentence that is cut off, and parts that count alike whatever their length."""
    texts = ["sea", "sea " * 6 + "sky " * 2, "sky " * 18]
    vectors = encoder(texts)
    np.testing.assert_allclose(vectors[1], np.array([6, 2]) / np.hypot(6, 2), rtol=1e-6)
    np.testing.assert_allclose(vectors[[0, 2]], [[1, 0], [0, 1]], rtol=1e-6)
    assert encoder.long_texts == 2 and encoder.longest == 8


def test_texts_that_fit_are_left_to_the_encoder(encoder):
    """Catches other bits for texts that need no parts."""
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
    """Catches words that are torn where they need not be, lost letters, and parts that are too long."""
    places = [(place, place + 1) for place, letter in enumerate(text) if letter != " "]
    assert text_parts(text, places, room) == expected


def test_a_folder_that_is_no_encoder_is_named(tmp_path):
    """Catches a traceback from deep inside the library."""
    with pytest.raises(UserError, match="does not load as a sentence encoder"):
        load_encoder(tmp_path)
