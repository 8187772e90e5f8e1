"""Semantic blocks: spans divided by meaning, as finely as windows need; nothing is fitted on held-out text."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import AgglomerativeClustering
from sklearn.metrics import adjusted_rand_score

from cluster_sentences import main
from localist.blocks.semantic import (
    BlockSettings,
    choose_size,
    divided,
    parts_of_spans,
    training_first,
    with_choice,
    without_small_parts,
)
from localist.plumbing.errors import UserError
from localist.tokens.windows import Windows

SETTINGS = BlockSettings(max_chance=0.6, min_blocks_per_window=3, min_size=2)


def interleaved(spans: int, length: int, meanings: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vectors of `spans` spans in which `meanings` directions alternate, and the span and direction of each."""
    generator = np.random.default_rng(seed)
    of_span = np.repeat(np.arange(spans), length)
    truth = of_span * meanings + np.tile(np.arange(length) % meanings, spans)
    vectors = np.eye(spans * meanings)[truth] + generator.normal(scale=0.05, size=(len(truth), spans * meanings))
    return vectors.astype(np.float32), of_span, truth


@pytest.mark.parametrize("meanings", [1, 2, 3])
def test_planted_meanings_inside_spans_are_found(meanings):
    """Catches parts that follow order rather than meaning, or that continue past the end of a span."""
    vectors, spans, truth = interleaved(spans=5, length=12, meanings=meanings)
    blocks = divided(parts_of_spans(vectors, spans, SETTINGS), spans, 12 / meanings)
    assert adjusted_rand_score(truth, blocks) == 1


def test_parts_equal_wards_method_in_scikit_learn():
    """Catches a linkage other than Ward's, vectors not scaled to unit length, or parts of another span."""
    generator = np.random.default_rng(3)
    vectors, spans = generator.normal(size=(40, 6)), np.repeat([0, 1], 20)
    parts = parts_of_spans(vectors, spans, BlockSettings(1, 3, 1))
    for span in (0, 1):
        inside = vectors[spans == span]
        inside = inside / np.linalg.norm(inside, axis=1, keepdims=True)
        for number in (2, 3):
            reference = AgglomerativeClustering(number, linkage="ward").fit_predict(inside)
            assert adjusted_rand_score(reference, parts[number - 1][spans == span]) == 1


@settings(max_examples=30, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 25), min_size=1, max_size=6),
    size=st.floats(1, 30),
    minimum=st.integers(1, 4),
    seed=st.integers(0, 9),
)
def test_blocks_stay_inside_spans_and_keep_their_bounds(lengths, size, minimum, seed):
    """Catches sentences without a block, gaps in the ids, blocks across spans, and too many or too small parts."""
    spans = np.repeat(np.arange(len(lengths)), lengths)
    vectors = np.random.default_rng(seed).normal(size=(len(spans), 5))
    blocks = divided(parts_of_spans(vectors, spans, BlockSettings(1, 3, minimum)), spans, size)
    table = pd.DataFrame({"span": spans, "block": blocks})
    assert sorted(set(blocks)) == list(range(blocks.max() + 1))
    assert (table.groupby("block")["span"].nunique() == 1).all()
    for (span, sizes), length in zip(table.groupby("span")["block"], lengths, strict=True):
        counts = sizes.value_counts()
        assert len(counts) <= min(3, max(1, round(length / size))), span
        assert len(counts) == 1 or counts.min() >= minimum


def test_a_small_part_joins_the_nearest():
    """Catches merging into the largest or the next part, and parts not numbered in order of their first sentences."""
    vectors = np.array([[1, 0], [1, 0.1], [1, 0.2], [0, 1], [0.1, 1], [0.3, 1.0]])
    assert without_small_parts(vectors, np.array([4, 4, 4, 2, 2, 7]), 2).tolist() == [0, 0, 0, 1, 1, 1]
    assert without_small_parts(vectors, np.array([4, 4, 4, 2, 2, 7]), 1).tolist() == [0, 0, 0, 1, 1, 2]


def test_the_largest_blocks_within_the_bounds_are_chosen():
    """Catches ignored bounds, and blocks that are finer than necessary."""
    curve = pd.DataFrame(
        {
            "blocks": [90, 60, 40, 20],
            "mean_chance": [0.4, 0.55, 0.58, 0.8],
            "median_blocks_per_window": [5.0, 4.0, 2.0, 1.0],
        }
    )
    chosen = with_choice(curve, SETTINGS)
    assert chosen["allowed"].tolist() == [True, True, False, False]
    assert chosen.loc[chosen["chosen"], "blocks"].tolist() == [60]
    none = with_choice(curve, BlockSettings(0.3, 3, 2))
    assert not none["allowed"].any() and none.loc[none["chosen"], "blocks"].tolist() == [90]


def test_short_spans_are_not_divided():
    """Catches spans divided although a window already contains several of them."""
    vectors, spans, _ = interleaved(spans=20, length=6, meanings=2)
    parts = parts_of_spans(vectors, spans, SETTINGS)
    size, curve = choose_size(parts, spans, np.arange(120)[None], SETTINGS)
    assert curve.loc[curve["chosen"], "blocks"].item() == 20
    np.testing.assert_array_equal(divided(parts, spans, size), spans)


def test_long_spans_are_divided_until_a_window_contains_several_blocks():
    """Catches windows with a single block, in which locality would be meaningless."""
    vectors, spans, _ = interleaved(spans=4, length=60, meanings=3)
    parts = parts_of_spans(vectors, spans, SETTINGS)
    size, curve = choose_size(parts, spans, np.arange(240).reshape(12, 20), SETTINGS)
    assert curve["allowed"].any() and curve.loc[curve["chosen"], "blocks"].item() == 12
    assert len(np.unique(divided(parts, spans, size))) == 12


def test_training_blocks_are_numbered_first():
    """Catches held-out blocks numbered among those that topics are fitted on, and mixed-up blocks."""
    blocks, training = np.array([0, 0, 1, 1, 2, 3, 3]), np.array([False, False, True, True, False, True, True])
    assert training_first(blocks, training).tolist() == [2, 2, 0, 0, 3, 1, 1]


@pytest.mark.parametrize("vectors", [np.ones((1, 4)), np.ones((30, 4)), np.zeros((30, 4))])
def test_a_span_of_identical_sentences_is_not_divided(vectors):
    """Catches a crash on a single sentence, repeated sentences or zero vectors."""
    spans = np.zeros(len(vectors), dtype=int)
    parts = parts_of_spans(vectors, spans, SETTINGS)
    size, curve = choose_size(parts, spans, np.arange(len(vectors))[None], SETTINGS)
    assert curve["blocks"].tolist() == [1] and not curve["allowed"].any()
    assert set(divided(parts, spans, size)) == {0}


def written(folder: Path, held_out: int = 0, names=("sentence_blocks.parquet", "selection.csv", "fit.json")) -> Path:
    """Run the rule on eight spans; every fourth is held out, with random vectors from the seed `held_out`."""
    vectors, spans, _ = interleaved(spans=8, length=18, meanings=3)
    split = np.where(spans % 4 == 3, "test", "train")
    replaced = np.random.default_rng(held_out).normal(size=vectors.shape)
    vectors = np.where((split == "test")[:, None], replaced, vectors).astype(np.float32)
    pd.DataFrame({"sentence": np.arange(len(spans)), "block": spans, "split": split}).to_parquet(
        folder / "spans.parquet"
    )
    np.save(folder / "embeddings.npy", vectors)
    rows = np.flatnonzero(split == "train").reshape(-1, 9)
    windows = np.pad(rows, ((0, 0), (1, 0)), constant_values=-1).astype(np.int32)
    Windows(windows, windows, windows, np.zeros(len(windows), dtype=np.int32)).save(folder / "tokens")
    semantic = {"max_chance": 0.6, "min_blocks_per_window": 3, "min_size": 2, "seed": 0}
    outputs = {name.partition(".")[0]: folder / name for name in names}
    main(folder / "spans.parquet", folder / "embeddings.npy", folder / "tokens", semantic, outputs)
    return folder


def test_held_out_sentences_do_not_affect_the_fit(tmp_path):
    """Catches leakage: size, curve and training blocks must not depend on held-out sentences."""
    one, other = written(tmp_path, 1), tmp_path / "other"
    other.mkdir()
    written(other, 2)
    assert (one / "selection.csv").read_bytes() == (other / "selection.csv").read_bytes()
    assert (one / "fit.json").read_bytes() == (other / "fit.json").read_bytes()
    tables = [pd.read_parquet(folder / "sentence_blocks.parquet") for folder in (one, other)]
    training = [table.loc[table["split"] == "train", "block"].tolist() for table in tables]
    assert training[0] == training[1]


def test_the_rule_gives_every_sentence_a_block(tmp_path):
    """Catches a summary of blocks other than those of training text, and held-out sentences in training blocks."""
    table = pd.read_parquet(written(tmp_path) / "sentence_blocks.parquet")
    fit = json.loads((tmp_path / "fit.json").read_text())
    training = table["split"] == "train"
    assert table["block"].min() == 0 and set(table.loc[training, "block"]) == set(range(fit["blocks"]))
    assert set(table.loc[~training, "block"]).isdisjoint(table.loc[training, "block"])
    assert fit["within_bounds"] and fit["smallest_block"] == fit["largest_block"] == 6


def test_embeddings_with_nan_are_refused_before_anything_is_written(tmp_path):
    """Catches blocks computed from NaN."""
    written(tmp_path)
    for name in ("sentence_blocks.parquet", "selection.csv", "fit.json"):
        (tmp_path / name).unlink()
    vectors = np.load(tmp_path / "embeddings.npy")
    vectors[5, 0] = np.nan
    np.save(tmp_path / "embeddings.npy", vectors)
    semantic = {"max_chance": 0.6, "min_blocks_per_window": 3, "min_size": 2, "seed": 0}
    outputs = {"sentence_blocks": tmp_path / "b.parquet", "selection": tmp_path / "s.csv", "fit": tmp_path / "f.json"}
    with pytest.raises(UserError, match="sentence 5 is not finite"):
        main(tmp_path / "spans.parquet", tmp_path / "embeddings.npy", tmp_path / "tokens", semantic, outputs)
    assert not any(path.exists() for path in outputs.values())
