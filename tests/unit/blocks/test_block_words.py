"""Distinctive words and central sentences of blocks, by hand."""

import numpy as np

from localist.blocks.block_words import central_sentences, telling_words


def test_telling_words_by_hand():
    """Catches words weighted by frequency alone: a word that occurs in every block is not distinctive."""
    texts = [
        "The cat chases the mouse, a cat and a mouse.",
        "The stock market fell; market!",
        "Animal cat. Report of the market report.",
    ]
    words = telling_words(texts, np.array([0, 1, 2]), 2, "en")
    assert words == [["mouse", "cat"], ["market", "fell"], ["report", "animal"]]


def test_words_of_a_block_come_from_all_its_sentences():
    """Catches sentences counted in another block."""
    texts = ["alpha beta", "gamma", "alpha alpha", "gamma delta"]
    assert telling_words(texts, np.array([1, 0, 1, 0]), 1, "en") == [["gamma"], ["alpha"]]


def test_text_without_words_gives_no_words():
    """Catches the vectorizer's error on text with only stop words, digits and punctuation."""
    assert telling_words(["the 1234", "of … and"], np.array([0, 1]), 3, "en") == [[], []]


def test_words_contain_no_markup():
    """Catches words that insert a tag into a page."""
    (words,) = telling_words(["<script>alert('x')</script> danger"], np.array([0]), 9, "en")
    assert all("<" not in word for word in words)


def test_central_sentences_are_the_nearest_ones_of_the_block():
    """Catches sentences of other blocks, or the farthest first."""
    vectors = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0], [0.8, 0.6]])
    centres = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert central_sentences(vectors, centres, np.array([0, 0, 1, 0]), 2) == [[0, 3], [2]]
