"""Semantic blocks: the number chosen by the data, sizes bounded, and nothing of held-out text in what is fitted."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import AgglomerativeClustering, SpectralClustering
from sklearn.metrics import adjusted_rand_score

from cluster_sentences import main
from localist.blocks import clusterers, semantic
from localist.blocks.clusterers import centres, nearest_block
from localist.blocks.semantic import BlockSettings, bounded, choose_blocks, stability
from localist.plumbing.errors import UserError
from localist.tokens.windows import Windows

SETTINGS = BlockSettings(
    clusterer="kmeans",
    criterion="silhouette",
    min_blocks=2,
    max_blocks=9,
    candidates=8,
    max_chance=1,
    min_blocks_per_window=1,
    min_size=1,
    max_size=None,
    restarts=3,
    seed=0,
)


def planted(groups: int, size: int, seed: int = 0, noise: float = 0.08) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors around `groups` orthogonal directions, and the direction of each."""
    rng = np.random.default_rng(seed)
    truth = np.tile(np.arange(groups), size)
    vectors = np.eye(16)[truth] + rng.normal(scale=noise, size=(len(truth), 16))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), truth


def in_one_window(vectors: np.ndarray) -> np.ndarray:
    """The sentence of each token of one window with a token a sentence."""
    return np.arange(len(vectors))[None]


@pytest.mark.parametrize("criterion", ["silhouette", "eigengap", "bic"])
@pytest.mark.parametrize("clusterer", ["kmeans", "agglomerative", "spectral"])
def test_the_planted_blocks_are_found(clusterer, criterion):
    """Catches a criterion whose sign is wrong or which is off by one, and a clusterer that is not the named one."""
    vectors, truth = planted(groups=5, size=20)
    blocks, curve = choose_blocks(
        vectors, in_one_window(vectors), replace(SETTINGS, clusterer=clusterer, criterion=criterion)
    )
    assert curve["blocks"].tolist() == list(range(2, 10))
    assert curve.loc[curve["chosen"], "blocks"].tolist() == [5]
    assert curve.loc[curve["chosen"], "score"].item() == curve["score"].max()
    assert adjusted_rand_score(truth, blocks) == 1


def test_the_agglomerative_tree_is_that_of_scikit_learn():
    """Catches another linkage or distance than average linkage by cosine."""
    vectors = np.random.default_rng(5).normal(size=(60, 6))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    for number in (2, 5, 11):
        reference = AgglomerativeClustering(number, metric="cosine", linkage="average").fit_predict(vectors)
        assert adjusted_rand_score(reference, clusterers.agglomerative(vectors)(number)) == 1


def test_spectral_clusters_agree_with_those_of_scikit_learn():
    """Catches coordinates of the largest instead of the smallest eigenvalues, or in a wrong order."""
    vectors, _ = planted(groups=6, size=30, noise=0.25)
    reference = SpectralClustering(
        6, affinity="nearest_neighbors", n_neighbors=11, assign_labels="cluster_qr", random_state=0
    ).fit_predict(vectors)
    assert adjusted_rand_score(reference, clusterers.spectral(vectors, 9)(6)) > 0.95


@pytest.mark.parametrize("count", [2, 9, 40])
def test_few_sentences_have_spectral_coordinates(count):
    """Catches the solver asked for more vectors than there are."""
    vectors = np.random.default_rng(0).normal(size=(count, 5)).astype(np.float32)
    values, coordinates = clusterers.spectral_coordinates(vectors, 20)
    assert coordinates.shape == (count, min(count, 20))
    assert np.all(np.diff(values) >= -1e-9) and values[0] == pytest.approx(0, abs=1e-6)


def test_only_numbers_that_leave_a_window_several_blocks_are_chosen():
    """Catches bounds on chance and on blocks that are not kept: five planted blocks, and windows that see one each."""
    vectors, truth = planted(groups=5, size=20)
    order = np.argsort(truth, kind="stable")
    windows = order.reshape(10, 10)
    narrow = replace(SETTINGS, clusterer="spectral", criterion="silhouette", max_blocks=30, candidates=29)
    _, free = choose_blocks(vectors, windows, narrow)
    blocks, curve = choose_blocks(vectors, windows, replace(narrow, max_chance=0.6, min_blocks_per_window=2))
    chosen = curve[curve["chosen"]].iloc[0]
    assert free.loc[free["chosen"], "blocks"].item() == 5
    assert chosen["allowed"] and chosen["blocks"] > 5
    assert chosen["mean_chance"] <= 0.6 and chosen["median_blocks_per_window"] >= 2
    assert chosen["score"] == curve.loc[curve["allowed"], "score"].max()
    assert np.median([len(set(blocks[window])) for window in windows]) == chosen["median_blocks_per_window"]


def test_where_no_number_is_allowed_the_lowest_chance_is_taken():
    """Catches a crash, or a partition that a window sees one block of, where the bounds cannot be kept."""
    vectors, _ = planted(groups=5, size=20)
    _, curve = choose_blocks(vectors, in_one_window(vectors), replace(SETTINGS, max_chance=0.01))
    assert not curve["allowed"].any()
    assert curve.loc[curve["chosen"], "mean_chance"].item() == curve["mean_chance"].min()


@pytest.mark.parametrize("clusterer", ["kmeans", "agglomerative", "spectral"])
def test_the_choice_is_repeatable(clusterer):
    """Catches an unseeded fit: another run would train on other blocks."""
    vectors = np.random.default_rng(1).normal(size=(80, 8)).astype(np.float32)
    chosen = replace(SETTINGS, clusterer=clusterer, seed=4)
    (one, curve), (other, other_curve) = (choose_blocks(vectors, in_one_window(vectors), chosen) for _ in range(2))
    np.testing.assert_array_equal(one, other)
    pd.testing.assert_frame_equal(curve, other_curve)


def test_too_few_distinct_sentences_are_refused():
    """Catches a traceback from the clustering library where sentences repeat themselves."""
    vectors = np.repeat(np.eye(4), 25, axis=0)
    with pytest.raises(UserError, match=r"blocks\.semantic\.min_blocks is 4.*only 4 distinct"):
        choose_blocks(vectors, in_one_window(vectors), replace(SETTINGS, min_blocks=4))


def test_candidates_that_the_text_cannot_fill_are_left_out():
    """Catches a fit with more blocks than there are distinct sentences."""
    vectors = np.repeat(np.eye(6), 4, axis=0)
    _, curve = choose_blocks(vectors, in_one_window(vectors), replace(SETTINGS, max_blocks=20, candidates=19))
    assert curve["blocks"].max() < 6


@pytest.mark.parametrize("count", [1, 30])
def test_sentences_that_do_not_differ_make_one_block(count):
    """Catches a crash on a single sentence, and on a text that repeats one."""
    vectors = np.tile(np.float32([0.6, 0.8]), (count, 1))
    vectors += np.random.default_rng(0).normal(scale=1e-7, size=vectors.shape).astype(np.float32)
    blocks, curve = choose_blocks(vectors, in_one_window(vectors), SETTINGS)
    assert blocks.tolist() == [0] * count
    assert curve["blocks"].tolist() == [1] and curve["chosen"].tolist() == [True]
    assert stability(vectors, blocks, SETTINGS, 2) == {"seeds": None, "resamples": None}


@given(
    sizes=st.lists(st.integers(1, 30), min_size=1, max_size=12),
    minimum=st.integers(1, 8),
    more=st.integers(0, 10),
    seed=st.integers(0, 50),
)
@settings(max_examples=80, deadline=None)
def test_sizes_are_bounded_and_no_sentence_is_left_out(sizes, minimum, more, seed):
    """Catches blocks under or over their bounds, ids with gaps, and merging that never ends."""
    labels = np.repeat(np.arange(len(sizes)), sizes)
    generator = np.random.default_rng(seed)
    vectors = generator.normal(size=(len(labels), 4)).astype(np.float32)
    maximum = 2 * minimum + more
    blocks = bounded(vectors, generator.permutation(labels), minimum, maximum)
    counts = np.bincount(blocks)
    assert len(blocks) == len(labels) and counts.min() > 0
    assert counts.max() <= maximum
    assert counts.min() >= minimum or len(labels) < minimum


def test_a_small_block_joins_the_nearest():
    """Catches merging into the largest or the next block."""
    vectors = np.float32([[1, 0], [1, 0], [1, 0], [0, 1], [0, 1], [0.3, 0.95]])
    assert bounded(vectors, np.array([0, 0, 0, 1, 1, 2]), 2, None).tolist() == [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize("clusterer", ["kmeans", "agglomerative", "spectral"])
def test_more_sentences_than_the_sample_are_all_placed(clusterer, monkeypatch):
    """Catches sentences outside the sample that get no block or another one than sentences like them."""
    for module in (clusterers, semantic):
        monkeypatch.setattr(module, "PAIRS_SAMPLE", 120)
    monkeypatch.setattr(clusterers, "KMEANS_SAMPLE", 150)
    vectors, truth = planted(groups=5, size=100)
    blocks, curve = choose_blocks(vectors, in_one_window(vectors), replace(SETTINGS, clusterer=clusterer))
    assert curve.loc[curve["chosen"], "blocks"].tolist() == [5]
    assert adjusted_rand_score(truth, blocks) > 0.99


def test_stability_tells_planted_blocks_from_noise():
    """Catches a stability that is high, or low, for everything."""
    vectors, _ = planted(groups=5, size=40)
    noise = np.random.default_rng(0).normal(size=(200, 16)).astype(np.float32)
    five = replace(SETTINGS, min_blocks=5, max_blocks=5, restarts=1)
    firm, loose = (
        stability(data, choose_blocks(data, in_one_window(data), five)[0], five, 3) for data in (vectors, noise)
    )
    assert firm["seeds"] == firm["resamples"] == 1
    assert loose["seeds"] < 0.8 and loose["resamples"] < 0.8


def test_the_nearest_block_is_found_in_pieces(monkeypatch):
    """Catches pieces that are joined out of order."""
    vectors, truth = planted(groups=5, size=20)
    whole = nearest_block(vectors, centres(vectors, truth))
    monkeypatch.setattr(clusterers, "ROWS_AT_ONCE", 7)
    np.testing.assert_array_equal(nearest_block(vectors, centres(vectors, truth)), whole)
    np.testing.assert_array_equal(whole, truth)


def run_main(folder: Path, vectors: np.ndarray, splits: np.ndarray) -> tuple[pd.DataFrame, pd.DataFrame, str]:
    folder.mkdir()
    sentences = pd.DataFrame({"sentence": range(len(splits)), "split": splits, "text": "Words about blocks."})
    sentences["section"] = np.arange(len(splits))
    sentences.to_parquet(folder / "sentences.parquet", index=False)
    np.save(folder / "embeddings.npy", vectors)
    training = np.flatnonzero(splits == "train").astype(np.int32)[None]
    Windows(training, training, training, np.zeros(1, dtype=np.int32)).save(folder / "tokens")
    chosen = {"min_blocks": 3, "max_blocks": 7, "candidates": 5, "stability_repeats": 1}
    averaged = {"context": 1, "neighbour_weight": 0.5}
    names = {
        "sentence_blocks": "sentence_blocks.parquet",
        "selection": "selection.csv",
        "blocks": "blocks.csv",
        "fit": "fit.json",
    }
    outputs = {what: folder / name for what, name in names.items()}
    inputs = (folder / name for name in ("sentences.parquet", "embeddings.npy", "tokens"))
    main(*inputs, vars(SETTINGS) | chosen | averaged, "en", outputs)
    rest = outputs["blocks"].read_text(encoding="utf-8") + outputs["fit"].read_text(encoding="utf-8")
    return pd.read_parquet(outputs["sentence_blocks"]), pd.read_csv(outputs["selection"]), rest


def test_held_out_sentences_change_nothing_that_is_fitted(tmp_path):
    """Catches leakage: with other held-out sentences all that is fitted on training ones must stay the same."""
    vectors, _ = planted(groups=5, size=24)
    splits = np.random.default_rng(2).choice(["train", "validation", "test"], p=[0.6, 0.2, 0.2], size=len(vectors))
    training = splits == "train"
    blocks, selection, rest = run_main(tmp_path / "one", vectors, splits)
    changed = vectors.copy()
    changed[~training] = planted(groups=14, size=20, seed=9)[0][: (~training).sum()]
    other_blocks, other_selection, other_rest = run_main(tmp_path / "two", changed, splits)
    pd.testing.assert_frame_equal(blocks[training], other_blocks[training])
    pd.testing.assert_frame_equal(selection, other_selection)
    assert rest == other_rest
    assert (blocks["block"] != other_blocks["block"])[~training].any()
    assert selection.loc[selection["chosen"], "blocks"].tolist() == [5]


def test_held_out_sentences_get_the_nearest_block(tmp_path):
    """Catches held-out sentences without a block, or with one that training sentences like them do not have."""
    vectors, truth = planted(groups=5, size=24)
    splits = np.where(np.arange(len(vectors)) % 3 == 0, "test", "train")
    blocks, _, rest = run_main(tmp_path / "study", vectors, splits)
    assert blocks["sentence"].tolist() == list(range(len(vectors)))
    assert blocks["split"].tolist() == splits.tolist()
    assert len(set(zip(truth, blocks["block"], strict=True))) == 5
    assert json.loads(rest[rest.index("{") :])["stability"] == {"resamples": 1.0, "seeds": 1.0}
