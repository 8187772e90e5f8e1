"""Spans: planted changes are found, sizes are bounded, and random sentences are not divided."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localist.blocks import spans as segmentation
from localist.blocks.spans import fitted_penalty, span_ends, stretch_rows


def planted(lengths: list[int], noise: float, seed: int = 0) -> np.ndarray:
    """Unit vectors around one direction per span, different in neighbouring spans."""
    generator = np.random.default_rng(seed)
    directions = np.arange(len(lengths)) % 8
    vectors = np.eye(16)[np.repeat(directions, lengths)] + generator.normal(scale=noise, size=(sum(lengths), 16))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_planted_changes_are_found_with_the_fitted_penalty():
    """Catches a fitted penalty that leaves the text whole or cuts it arbitrarily."""
    lengths = [12, 9, 20, 7, 15, 30, 8, 11]
    training = [planted(lengths, 0.15, seed) for seed in range(4)]
    penalty = fitted_penalty(training, maximum=60)
    assert span_ends(planted(lengths, 0.15, seed=9), penalty, minimum=3, maximum=60) == np.cumsum(lengths).tolist()


def test_random_sentences_stay_together():
    """Catches a fitted penalty that finds changes in any text."""
    sentences = np.random.default_rng(3).normal(loc=0.05, size=(400, 100))
    penalty = fitted_penalty([sentences], maximum=60)
    assert span_ends(sentences, penalty, minimum=3, maximum=400) == [400]


def test_the_penalty_is_twice_the_variance_about_the_longest_spans():
    """Catches a penalty that grows with the amount of text, or with the length of the vectors."""
    one, other = np.array([3.0, 0.0]), np.array([0.0, 5.0])
    stretch = np.stack([one, other, one, other, one])
    # Pairs: scatter 1, one degree of freedom each; the last sentence alone adds neither.
    assert fitted_penalty([stretch], maximum=2) == pytest.approx(2.0)
    assert fitted_penalty([stretch] * 3, maximum=2) == pytest.approx(2.0)
    # One span of five: (0.6, 0.4) is its mean, so 5 - 5 * 0.52 = 2.4 over four degrees of freedom.
    assert fitted_penalty([stretch], maximum=60) == pytest.approx(1.2)


@given(
    length=st.integers(1, 90),
    minimum=st.integers(1, 6),
    more=st.integers(0, 20),
    penalty=st.floats(0.01, 50),
    seed=st.integers(0, 20),
)
@settings(max_examples=60, deadline=None)
def test_sizes_are_bounded_and_all_sentences_are_covered(length, minimum, more, penalty, seed):
    """Catches spans outside their bounds, and sentences without a span."""
    maximum = 2 * minimum + more
    vectors = np.random.default_rng(seed).normal(size=(length, 5))
    ends = span_ends(vectors, penalty, minimum, maximum)
    sizes = np.diff([0, *ends])
    assert sizes.sum() == length
    assert sizes.max() <= maximum and (sizes.min() >= minimum or length < minimum)


def test_a_long_stretch_is_processed_in_pieces(monkeypatch):
    """Catches ends counted from the start of a piece; without pieces, time would be quadratic in the length."""
    monkeypatch.setattr(segmentation, "LONGEST_STRETCH", 30)
    vectors = planted([15] * 6, 0.05)
    assert span_ends(vectors, 1.0, minimum=2, maximum=30) == list(range(15, 91, 15))


def test_a_stretch_ends_with_its_document_or_split():
    """Catches stretches that continue into another document or split."""
    table = pd.DataFrame({"document": [0, 0, 0, 0, 1], "split": ["train", "train", "test", "train", "train"]})
    assert stretch_rows(table) == [slice(0, 2), slice(2, 3), slice(3, 4), slice(4, 5)]


@pytest.mark.parametrize("rows", [1, 2, 7])
def test_identical_sentences_form_one_span(rows):
    """Catches a crash on text that repeats one sentence."""
    vectors = np.ones((rows, 4))
    penalty = fitted_penalty([vectors], maximum=40)
    assert span_ends(vectors, penalty, minimum=2, maximum=40) == [rows]
