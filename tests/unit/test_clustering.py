"""Semantic blocks: the number chosen by the data, and nothing of held-out text in what is fitted."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from localist.clustering import choose_clustering
from localist.errors import UserError
from partition_segments import main


def planted(groups: int, size: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors around `groups` orthogonal directions, and the direction of each."""
    rng = np.random.default_rng(seed)
    truth = np.tile(np.arange(groups), size)
    vectors = np.eye(16)[truth] + rng.normal(scale=0.08, size=(len(truth), 16))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), truth


def test_the_planted_number_of_blocks_is_found():
    """Catches a selection by another criterion than the best silhouette, or a clustering of another number."""
    vectors, truth = planted(groups=5, size=20)
    clustering, curve = choose_clustering(vectors, range(2, 9), restarts=3, seed=0)
    assert curve["blocks"].tolist() == list(range(2, 9))
    assert curve.loc[curve["chosen"], "blocks"].tolist() == [5]
    assert curve.loc[curve["chosen"], "silhouette"].item() == curve["silhouette"].max()
    assert clustering.n_clusters == 5
    pairs = set(zip(truth, clustering.labels_, strict=True))
    assert len(pairs) == 5


def test_the_choice_is_repeatable():
    """Catches an unseeded fit: another run would train on other blocks."""
    vectors = np.random.default_rng(1).normal(size=(80, 8))
    fits = [choose_clustering(vectors, range(3, 6), restarts=2, seed=4) for _ in range(2)]
    np.testing.assert_array_equal(fits[0][0].labels_, fits[1][0].labels_)
    pd.testing.assert_frame_equal(fits[0][1], fits[1][1])


def test_too_few_distinct_sentences_are_refused():
    """Catches a traceback from the clustering library where sentences repeat themselves."""
    vectors = np.repeat(np.eye(4), 25, axis=0)
    with pytest.raises(UserError, match=r"blocks\.semantic\.minimum_blocks is 4.*only 4 distinct"):
        choose_clustering(vectors, range(4, 9), restarts=2, seed=0)


def test_candidates_that_the_text_cannot_fill_are_left_out():
    """Catches a fit with more blocks than there are distinct sentences."""
    vectors = np.repeat(np.eye(6), 4, axis=0)
    _, curve = choose_clustering(vectors, range(2, 20), restarts=1, seed=0)
    assert curve["blocks"].max() < 6


def run_main(folder: Path, vectors: np.ndarray, splits: np.ndarray) -> tuple[pd.DataFrame, pd.DataFrame]:
    folder.mkdir()
    segments = pd.DataFrame({"segment": range(len(splits)), "split": splits, "text": "Words."})
    segments.to_parquet(folder / "segments.parquet", index=False)
    np.save(folder / "embeddings.npy", vectors)
    settings = {"minimum_blocks": 3, "maximum_blocks": 7, "restarts": 2, "seed": 0}
    blocks, selection = folder / "segment_blocks.parquet", folder / "selection.csv"
    main(folder / "segments.parquet", folder / "embeddings.npy", settings, blocks, selection)
    return pd.read_parquet(blocks), pd.read_csv(selection)


def test_held_out_sentences_change_nothing_that_is_fitted(tmp_path):
    """Catches leakage: with other held-out sentences the training blocks and the chosen number must stay the same."""
    vectors, _ = planted(groups=5, size=24)
    splits = np.random.default_rng(2).choice(["train", "validation", "test"], p=[0.6, 0.2, 0.2], size=len(vectors))
    training = splits == "train"
    blocks, selection = run_main(tmp_path / "one", vectors, splits)
    changed = vectors.copy()
    changed[~training] = planted(groups=14, size=20, seed=9)[0][: (~training).sum()]
    other_blocks, other_selection = run_main(tmp_path / "two", changed, splits)
    pd.testing.assert_frame_equal(blocks[training], other_blocks[training])
    pd.testing.assert_frame_equal(selection, other_selection)
    assert (blocks["block"] != other_blocks["block"])[~training].any()
    assert selection.loc[selection["chosen"], "blocks"].tolist() == [5]


def test_held_out_sentences_get_the_nearest_block(tmp_path):
    """Catches held-out sentences without a block, or with one that training sentences like them do not have."""
    vectors, truth = planted(groups=5, size=24)
    splits = np.where(np.arange(len(vectors)) % 3 == 0, "test", "train")
    blocks, _ = run_main(tmp_path / "study", vectors, splits)
    assert blocks["segment"].tolist() == list(range(len(vectors)))
    assert blocks["split"].tolist() == splits.tolist()
    assert len(set(zip(truth, blocks["block"], strict=True))) == 5
