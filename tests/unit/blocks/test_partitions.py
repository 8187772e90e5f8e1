"""Partitions: semantic, fixed and shifted blocks on windows with several stretches."""

import json
from collections import Counter
from itertools import groupby, pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localist.blocks.partitions import (
    NO_ID,
    block_statistics,
    blocks_by_sentence,
    fixed_blocks,
    matched_width,
    mean_chance,
    run_lengths,
    semantic_blocks,
    shifted_blocks,
    shuffled_sentences,
)
from localist.plumbing.errors import UserError
from localist.plumbing.files import write_json
from localist.tokens.windows import Windows
from partition_tokens import main


def windows_of(stretches: list[np.ndarray], context: int) -> Windows:
    """Windows of `context` tokens over stretches of sentence ids; each token's id is its place in its stretch."""
    rows, places, stretch_ids = [], [], []
    for number, sentences in enumerate(stretches):
        for start in range(0, len(sentences), context - 1):
            part = sentences[start : start + context - 1]
            padding = context - 1 - len(part)
            rows.append([-1, *part, *[-1] * padding])
            places.append([-1, *range(start, start + len(part)), *[-1] * padding])
            stretch_ids.append(number)
    sentence_ids = np.array(rows, dtype=np.int32).reshape(-1, context)
    input_ids = np.array(places, dtype=np.int32).reshape(-1, context)
    return Windows(input_ids, sentence_ids, np.where(sentence_ids >= 0, 1, 0), np.array(stretch_ids, dtype=np.int32))


def by_stretch(windows: Windows, blocks: np.ndarray) -> list[np.ndarray]:
    """The blocks of each stretch's tokens in order."""
    return [
        np.concatenate([blocks[row][windows.is_text[row]] for row in np.flatnonzero(windows.stretch_ids == stretch)])
        for stretch in np.unique(windows.stretch_ids)
    ]


def circular_runs(blocks: np.ndarray) -> Counter:
    """How often each (block, length) occurs as a run if the stretch is closed to a ring."""
    starts = np.flatnonzero(blocks != np.roll(blocks, 1))
    if not len(starts):
        return Counter([(int(blocks[0]), len(blocks))])
    ring = np.roll(blocks, -starts[0])
    edges = [*np.flatnonzero(np.diff(ring, prepend=ring[0] - 1)), len(ring)]
    return Counter((int(ring[start]), int(end - start)) for start, end in pairwise(edges))


def topical_text(seed: int, stretches: int = 40) -> tuple[list[np.ndarray], np.ndarray]:
    """Sentences of 8–40 tokens on a dozen persistent topics: stretches of ids, and the block of each sentence."""
    rng = np.random.default_rng(seed)
    texts, blocks = [], []
    for _ in range(stretches):
        ids = []
        for _ in range(rng.integers(5, 40)):
            stays = blocks and rng.random() < 0.6
            ids += [len(blocks)] * int(rng.integers(8, 41))
            blocks.append(blocks[-1] if stays else int(rng.integers(12)))
        texts.append(np.array(ids))
    return texts, np.array(blocks)


STRETCHES = st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=30).map(np.array), min_size=1, max_size=4)


@settings(max_examples=50, deadline=None)
@given(STRETCHES, st.integers(2, 12))
def test_every_partition_leaves_out_sink_and_padding(stretches, context):
    """Catches a sink or padding with a block, and a text token without one."""
    windows = windows_of(stretches, context)
    semantic = semantic_blocks(windows, np.array([3, 0, 3, 1, 2, 0]))
    for blocks in (semantic, fixed_blocks(windows, 3), shifted_blocks(windows, semantic)):
        assert blocks.shape == windows.sentence_ids.shape
        np.testing.assert_array_equal(blocks == NO_ID, ~windows.is_text)


def test_tokens_take_the_block_of_their_sentence():
    """Catches blocks looked up by a key other than the sentence."""
    windows = windows_of([np.array([0, 0, 2, 1])], 4)
    assert semantic_blocks(windows, np.array([7, 8, 9])).tolist() == [[-1, 7, 7, 9], [-1, 8, -1, -1]]


@settings(max_examples=50, deadline=None)
@given(STRETCHES, st.integers(2, 12), st.integers(1, 9))
def test_fixed_blocks_restart_at_each_stretch(stretches, context, width):
    """Catches runs that continue across a gap in the text, or restart at each window."""
    windows = windows_of(stretches, context)
    for blocks in by_stretch(windows, fixed_blocks(windows, width)):
        assert blocks.tolist() == [place // width for place in range(len(blocks))]


@settings(max_examples=50, deadline=None)
@given(STRETCHES, st.integers(2, 12))
def test_shifted_blocks_keep_runs_and_sizes(stretches, context):
    """Catches a control that changes more than position: other sizes, broken runs, or blocks of another stretch."""
    windows = windows_of(stretches, context)
    semantic = semantic_blocks(windows, np.arange(6))
    shifted = by_stretch(windows, shifted_blocks(windows, semantic))
    for before, after in zip(by_stretch(windows, semantic), shifted, strict=True):
        assert Counter(before.tolist()) == Counter(after.tolist())
        assert circular_runs(before) == circular_runs(after)


def test_shifted_blocks_by_hand():
    """Catches a shift other than half the stretch, across its windows."""
    windows = windows_of([np.array([0, 0, 1, 1, 1, 2]), np.array([4, 5])], 5)
    shifted = shifted_blocks(windows, semantic_blocks(windows, np.arange(6)))
    assert [blocks.tolist() for blocks in by_stretch(windows, shifted)] == [[1, 1, 2, 0, 0, 1], [5, 4]]


@pytest.mark.parametrize("seed", range(3))
def test_fixed_blocks_match_the_chance_of_semantic_blocks(seed):
    """Catches a width whose chance differs from its target by more than the comparison allows (0.02)."""
    texts, block_of_sentence = topical_text(seed)
    windows = windows_of(texts, 128)
    target = mean_chance(semantic_blocks(windows, block_of_sentence))
    width = matched_width(windows, target)
    assert mean_chance(fixed_blocks(windows, width)) == pytest.approx(target, abs=0.02)
    assert 2 <= width < 128


def test_statistics_by_hand():
    """Catches chance averaged over the wrong queries: all those that see a key, or only the counted ones."""
    blocks = np.array([[-1, 0, 0, 1, 0], [-1, 2, 2, -1, -1]])
    statistics = block_statistics(blocks)
    assert statistics["mean_chance"] == pytest.approx((1 + 0 + 2 / 3 + 1) / 4)
    assert statistics["mean_chance_counted"] == pytest.approx(2 / 3)
    assert statistics["counted_share"] == pytest.approx(1 / 6)
    assert statistics["median_blocks_per_window"] == 1.5


def test_run_lengths_by_hand():
    """Catches runs that continue into the next window or across padding, and sink or padding counted as runs."""
    blocks = np.array(
        [[-1, 3, 3, 0, 3], [-1, 3, 3, 3, 3], [-1, 5, -1, 5, 5], [-1, -1, -1, -1, -1], [7, 7, 7, 7, 8], [8, 8, 8, 9, 9]]
    )
    assert run_lengths(blocks).tolist() == [2, 1, 1, 4, 1, 2, 4, 1, 3, 2]
    assert run_lengths(np.full((2, 4), NO_ID)).tolist() == run_lengths(np.zeros((0, 4), dtype=int)).tolist() == []


@settings(max_examples=50, deadline=None)
@given(STRETCHES, st.integers(2, 12))
def test_runs_add_up_to_the_text(stretches, context):
    """Catches lost or repeated runs, by the sum of their lengths and a loop over the tokens."""
    windows = windows_of(stretches, context)
    blocks = semantic_blocks(windows, np.array([3, 0, 3, 1, 2, 0]))
    lengths = run_lengths(blocks)
    assert lengths.sum() == windows.is_text.sum()
    slow = [len(list(run)) for row in blocks for block, run in groupby(row.tolist()) if block >= 0]
    assert lengths.tolist() == slow


def test_sentences_are_looked_up_by_number():
    """Catches sentences with the blocks of others because the table is unsorted or has gaps."""
    table = pd.DataFrame({"sentence": [2, 0, 1], "block": [5, 3, 4]})
    assert blocks_by_sentence(table).tolist() == [3, 4, 5]
    with pytest.raises(UserError, match=r"sentence_blocks\.parquet"):
        blocks_by_sentence(table[table["sentence"] != 1])


def test_shuffled_blocks_keep_their_sizes_in_each_split():
    """Catches a control with other block sizes, or one that moves blocks from one split to another."""
    generator = np.random.default_rng(0)
    splits = np.repeat(["train", "test"], [60, 20])
    table = pd.DataFrame({"sentence": range(80), "block": generator.integers(0, 5, 80), "split": splits})
    shuffled = shuffled_sentences(table, 1)
    for split in ("train", "test"):
        rows = splits == split
        assert Counter(shuffled["block"][rows]) == Counter(table["block"][rows])
    assert (shuffled["block"] != table["block"]).any() and shuffled_sentences(table, 1).equals(shuffled)
    assert not shuffled_sentences(table, 2).equals(shuffled)


def run_main(folder: Path, partition: str) -> tuple[dict[str, np.ndarray], dict]:
    names = ("train", "validation", "test")
    texts, block_of_sentence = topical_text(5, stretches=30)
    tokens = {}
    for number, split in enumerate(names):
        tokens[split] = folder / "tokens" / split
        windows_of(texts[10 * number : 10 * (number + 1)], 64).save(tokens[split])
    table = pd.DataFrame({"sentence": range(len(block_of_sentence)), "block": block_of_sentence})
    sentences_of_split = [sum(len(set(text)) for text in texts[10 * n : 10 * n + 10]) for n in range(3)]
    table["split"] = np.repeat(names, sentences_of_split)
    table.to_parquet(folder / "sentence_blocks.parquet")
    write_json(folder / "fit.json", {"blocks": 5})
    blocks = {split: folder / partition / f"{split}.npy" for split in names}
    summary = folder / "summary.json"
    main(partition, folder / "sentence_blocks.parquet", folder / "fit.json", 0, tokens, blocks, summary)
    return {split: np.load(path) for split, path in blocks.items()}, json.loads(summary.read_text())


def test_the_rule_writes_matched_partitions(tmp_path):
    """Catches a width matched to the chance of another split, and a summary of another partition."""
    semantic, described = run_main(tmp_path, "semantic")
    fixed, matched = run_main(tmp_path, "fixed")
    shifted, _ = run_main(tmp_path, "shifted")
    shuffled, _ = run_main(tmp_path, "shuffled")
    assert described["blocks"] == 5
    assert mean_chance(shuffled["train"]) < mean_chance(semantic["train"]) - 0.1
    assert described["splits"]["train"]["mean_chance"] == pytest.approx(mean_chance(semantic["train"]))
    for split, blocks in fixed.items():
        windows = Windows.load(tmp_path / "tokens" / split)
        np.testing.assert_array_equal(blocks, fixed_blocks(windows, matched["width_tokens"][split]))
        assert mean_chance(blocks) == pytest.approx(mean_chance(semantic[split]), abs=0.02)
        assert Counter(shifted[split].ravel().tolist()) == Counter(semantic[split].ravel().tolist())
        assert blocks.dtype == semantic[split].dtype == shifted[split].dtype == np.int32
