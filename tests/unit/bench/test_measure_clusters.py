"""The benchmark of blocks: agreement by hand, rivals, longer windows, and sentences' blocks from those of tokens."""

import numpy as np
import pandas as pd
import pytest
from measure_clusters import (
    LabelledText,
    agreement,
    blocks_of_sentences,
    labelled_text,
    longer_windows,
    measure_clusters,
)
from rival_blocks import RIVALS
from sklearn.metrics import adjusted_rand_score

from localist.blocks.semantic import BlockSettings
from localist.tokens.windows import Windows


def windows_of(sentences: np.ndarray, stretches: np.ndarray, context: int) -> Windows:
    """Windows of tokens, given each token's sentence and stretch; every stretch is cut separately."""
    whole = Windows(*(np.pad(sentences[None], ((0, 0), (1, 0)), constant_values=-1),) * 3, np.zeros(1, dtype=int))
    parts = []
    for stretch in np.unique(stretches):
        inside = np.concatenate([[True], stretches == stretch])
        part = Windows(*(whole.sentence_ids[:, inside],) * 3, np.array([stretch]))
        parts.append(longer_windows(part, context))
    return Windows(*(np.concatenate([getattr(part, name) for part in parts]) for name in vars(parts[0])))


def test_agreement_with_sections_is_measured_within_articles():
    """Catches agreement over all articles together, in which sections of different articles are easy to separate."""
    sentences = pd.DataFrame({"document": [0] * 4 + [1] * 4, "section": [0, 0, 1, 1, 2, 2, 3, 3]})
    by_article = agreement(sentences, np.repeat([0, 1], 4))
    assert by_article["ari_article"] == 1 and by_article["ari_section"] == 0
    by_section = agreement(sentences, np.array([0, 0, 1, 1, 0, 0, 1, 1]))
    assert by_section["ari_section"] == by_section["nmi_section"] == 1
    assert by_section["ari_article"] < 0.2


def test_articles_with_one_section_are_left_out_of_the_mean():
    """Catches articles in the mean with which any partition into one block would agree."""
    sentences = pd.DataFrame({"document": [0, 0, 0, 0, 1, 1], "section": [0, 0, 1, 1, 2, 2]})
    assert agreement(sentences, np.array([0, 1, 0, 1, 2, 2]))["ari_section"] == pytest.approx(-0.5)


def test_longer_windows_hold_the_same_tokens_in_order():
    """Catches tokens lost or moved at the ends of windows, or windows that cross stretches."""
    sentences = np.repeat(np.arange(12), 3)
    stretches = np.repeat([0, 1], 18)
    short = windows_of(sentences, stretches, 8)
    long = longer_windows(short, 16)
    assert long.sentence_ids.shape == (4, 16) and long.stretch_ids.tolist() == [0, 0, 1, 1]
    np.testing.assert_array_equal(long.sentence_ids[long.is_text], sentences)


def test_fixed_blocks_of_different_stretches_are_distinct():
    """Catches fixed blocks, numbered from 0 in each stretch, that are merged across stretches."""
    windows = windows_of(np.repeat(np.arange(4), 2), np.repeat([0, 1], 4), 5)
    ids = np.where(windows.is_text, 0, -1)
    assert blocks_of_sentences(windows, ids, restarts=False).tolist() == [0, 0, 0, 0]
    first, second, third, fourth = blocks_of_sentences(windows, ids, restarts=True)
    assert first == second != third == fourth


def test_planted_topics_are_measured_with_their_controls():
    """Catches rows without the default, or without the partitions that it is compared with."""
    generator = np.random.default_rng(0)
    section = np.repeat(np.arange(24), generator.integers(4, 13, size=24))
    vectors = np.eye(12)[section % 12] + generator.normal(scale=0.05, size=(len(section), 12))
    sentences = pd.DataFrame(
        {
            "document": section // 6,
            "section": section,
            "title": "Article",
            "split": np.where(section % 6 == 5, "test", "train"),
        }
    )
    training = np.flatnonzero(sentences["split"] == "train")
    windows = windows_of(np.repeat(training, 4), np.repeat(section[training] // 6, 4), 64)
    text = labelled_text(sentences, vectors.astype(np.float32), windows, [])
    assert isinstance(text, LabelledText) and len(text.sentences) == len(training)
    assert [rows.stop - rows.start for rows in text.stretches] == np.bincount(section[training] // 6).tolist()
    chosen, curves, check = measure_clusters("planted", text, BlockSettings(0.9, 1, 2), (3, 12))
    (default,) = [row for row in chosen if row["method"] == "divided spans"]
    assert default["ari_section"] == 1 > max(default["ari_shifted"], default["ari_fixed"])
    assert {row["method"] for row in chosen} == {"divided spans", "the same, divided at random", *RIVALS}
    assert check["p"] is not None and len(curves) > len(chosen)


@pytest.mark.parametrize("name", RIVALS)
def test_rivals_give_every_sentence_a_block(name):
    """Catches a rival that loses sentences, or whose blocks of a planted text are no better than chance."""
    truth = np.repeat(np.arange(10), 12)
    vectors = np.eye(16)[truth] + np.random.default_rng(1).normal(scale=0.05, size=(120, 16))
    stretches = [slice(0, 60), slice(60, 120)]
    tried = list(RIVALS[name](vectors.astype(np.float32), stretches, truth))
    assert tried and all(len(blocks) == 120 for blocks in tried)
    assert max(adjusted_rand_score(truth, blocks) for blocks in tried) > 0.5
