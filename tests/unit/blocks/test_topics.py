"""Topics: similar blocks are grouped, the data decide how many, and close numbers mean similar topics."""

import numpy as np
import pytest
from sklearn.cluster import AgglomerativeClustering
from sklearn.metrics import adjusted_rand_score

from localist.blocks import topics as module
from localist.blocks.topics import topics_of_blocks


def planted(topics: int, each: int, noise: float = 0.1, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors around `topics` orthogonal directions, in random order, and the direction of each."""
    generator = np.random.default_rng(seed)
    truth = generator.permutation(np.repeat(np.arange(topics), each))
    vectors = np.eye(topics + 4)[truth] + generator.normal(scale=noise, size=(len(truth), topics + 4))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), truth


@pytest.mark.parametrize("number", [6, 11, 25])
def test_planted_topics_are_found(number):
    """Catches a fixed number of topics, or a score with the wrong sign."""
    vectors, truth = planted(number, 8)
    assert adjusted_rand_score(truth, topics_of_blocks(vectors, 5, 40, 0)) == 1


def test_topics_equal_wards_method_in_scikit_learn():
    """Catches a linkage other than Ward's, with a number of topics fixed by the bounds."""
    vectors, _ = planted(6, 10, noise=0.4)
    reference = AgglomerativeClustering(8, linkage="ward").fit_predict(vectors)
    assert adjusted_rand_score(reference, topics_of_blocks(vectors, 8, 8, 0)) == 1


def test_topics_with_close_numbers_are_similar():
    """Catches topics numbered by size or position: here, there are two families of three topics each."""
    directions = np.eye(8)[[0, 0, 0, 1, 1, 1]] + 0.45 * np.eye(8)[[2, 3, 4, 5, 6, 7]]
    truth = np.tile([0, 3, 1, 4, 2, 5], 6)
    vectors = directions[truth] + np.random.default_rng(0).normal(scale=0.02, size=(36, 8))
    topics = topics_of_blocks(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), 6, 6, 0)
    assert {topics[truth == number][0] for number in (0, 1, 2)} in ({0, 1, 2}, {3, 4, 5})


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_few_blocks_are_topics_of_their_own(count):
    """Catches a crash if there are fewer blocks than topics."""
    vectors, _ = planted(count, 1)
    assert sorted(topics_of_blocks(vectors, 5, 40, 0)) == list(range(count))


def test_identical_blocks_form_one_topic():
    """Catches a silhouette score computed for a single group."""
    assert set(topics_of_blocks(np.ones((30, 4)) / 2, 5, 40, 0)) == {0}


def test_blocks_outside_the_sample_join_the_nearest_topic(monkeypatch):
    """Catches blocks without a topic, or with another topic than similar blocks."""
    vectors, truth = planted(6, 20)
    monkeypatch.setattr(module, "MOST_BLOCKS", 60)
    assert adjusted_rand_score(truth, topics_of_blocks(vectors, 5, 40, 0)) == 1
