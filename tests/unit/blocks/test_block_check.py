"""The check without labels: it distinguishes meaning from order and from noise, on all kinds of text."""

from itertools import pairwise

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from describe_blocks import worth_of
from localist.blocks import block_check as module
from localist.blocks.block_check import block_check, closeness, equal_runs, sampled
from localist.blocks.semantic import BlockSettings

SETTINGS = BlockSettings(max_chance=0.6, min_blocks_per_window=3, min_size=2)
DIMENSIONS = 48


def text(meanings: np.ndarray, noise: float, seed: int = 0) -> np.ndarray:
    """One vector per sentence: a random direction for its meaning, plus noise."""
    generator = np.random.default_rng(seed)
    directions = generator.normal(size=(meanings.max() + 1, DIMENSIONS))
    return directions[meanings] + noise * generator.normal(size=(len(meanings), DIMENSIONS))


def in_order(count: int, length: int, several: int = 2) -> np.ndarray:
    """Meanings in `count` passages of `length` sentences, each with `several` meanings of its own in random order."""
    turns = np.random.default_rng(1).integers(several, size=(count, length))
    return (np.arange(count)[:, None] * several + turns).ravel()


def checked(vectors: np.ndarray, stretches: int = 4, repeats: int = 3) -> dict:
    edges = np.linspace(0, len(vectors), stretches + 1).astype(int)
    rows = [slice(int(start), int(end)) for start, end in pairwise(edges)]
    return block_check(vectors, rows, 5, (3, 60), SETTINGS, repeats, seed=0)


def test_planted_passages_are_rated_good():
    """Catches a check that misses planted meaning, or agreement no better than that of equal runs."""
    found = checked(text(in_order(20, 16), noise=0.5))
    assert worth_of(found, 0.4) == "good"
    assert found["p"] < 0.01 and found["same_block"] > found["other_block"] + 0.3
    assert found["returned"] > 0.7 > found["runs"]


@pytest.mark.parametrize("seed", range(3))
def test_noise_is_rated_as_without_meaning(seed):
    """Catches closeness measured in the dimensions of the fit, in which even clusters of noise are close."""
    found = checked(np.random.default_rng(seed).normal(size=(320, DIMENSIONS)))
    assert worth_of(found, 0.4) == "no_meaning" and abs(found["same_block"] - found["other_block"]) < 0.03


def test_chapters_with_the_same_passages_are_rated_good():
    """Catches a check that requires chapters to differ: here, each has the same three passages."""
    chapter = in_order(3, 20)
    found = checked(text(np.tile(chapter, 6), noise=0.5), stretches=6)
    assert worth_of(found, 0.4) == "good"


def test_languages_in_random_order_are_not_rated_good():
    """Catches a good rating although neighbouring sentences have nothing in common: 200 languages, mixed."""
    languages = np.random.default_rng(2).permutation(np.repeat(np.arange(200), 2))
    assert worth_of(checked(text(languages, noise=0.2)), 0.4) != "good"


def test_weak_meaning_is_not_rated_good():
    """Catches a good rating if noise is five times as strong as meaning."""
    found = checked(text(in_order(40, 8), noise=5))
    assert worth_of(found, 0.4) != "good"


@pytest.mark.parametrize("vectors", [np.ones((1, DIMENSIONS)), np.ones((40, DIMENSIONS)), np.zeros((40, DIMENSIONS))])
def test_identical_sentences_leave_nothing_to_compare(vectors):
    """Catches a crash or a rating for a single sentence, repeated sentences or zero vectors."""
    assert worth_of(checked(vectors, stretches=1), 0.4) == "nothing_to_compare"


def test_a_check_without_repeats_has_no_agreement():
    """Catches a mean of an empty list."""
    found = checked(text(in_order(8, 16), noise=0.5), repeats=0)
    assert found["returned"] is None and found["runs"] is None and found["p"] is not None


def test_closeness_by_hand():
    """Catches pairs across stretches."""
    vectors = np.array([[1, 0], [1, 0], [0, 1], [0, 1], [1, 0]], dtype=float)
    found = closeness(vectors, np.array([0, 0, 1, 1, 1]), np.array([0, 4, 5]), np.random.default_rng(0))
    assert found["same_block"] == 1 and found["other_block"] == 0


def test_closeness_agrees_with_all_pairs():
    """Catches missing or repeated pairs, and pairs across stretches or too far apart, by a loop over all pairs."""
    generator = np.random.default_rng(4)
    vectors, blocks, edges = generator.normal(size=(40, 6)), generator.integers(5, size=40), np.array([0, 23, 40])
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    pairs = {True: [], False: []}
    for start, end in ((0, 23), (23, 40)):
        for one in range(start, end):
            for other in range(one + 1, min(end, one + module.REACH + 1)):
                pairs[blocks[one] == blocks[other]].append(unit[one] @ unit[other])
    found = closeness(vectors, blocks, edges, generator)
    assert found["same_block"] == pytest.approx(np.mean(pairs[True]))
    assert found["other_block"] == pytest.approx(np.mean(pairs[False]))


def test_runs_of_equal_length_restart_with_each_stretch():
    """Catches runs that continue past the end of a stretch, or fewer runs than blocks."""
    runs = equal_runs(np.array([0, 5, 9]), 3)
    assert adjusted_rand_score(runs, [0, 0, 0, 1, 1, 2, 2, 2, 3]) == 1


def test_a_long_text_is_sampled_in_whole_stretches(monkeypatch):
    """Catches samples of single sentences, which have no neighbours."""
    monkeypatch.setattr(module, "MOST_SENTENCES", 12)
    vectors = np.arange(40, dtype=float)[:, None]
    sample, edges = sampled(vectors, [slice(start, start + 5) for start in range(0, 40, 5)], seed=0)
    assert len(sample) == 15 and edges.tolist() == [0, 5, 10, 15]
    assert (np.diff(sample[:, 0].reshape(3, 5)) == 1).all()
