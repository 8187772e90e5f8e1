"""Causal blocks: own keys by sentence and by the block of the last complete sentence, from the text so far."""

import numpy as np
import pytest

from localist.evaluation.causal_blocks import CausalBlocks, SentenceBlocks, study_config, study_sentence_blocks
from localist.plumbing.errors import UserError

WORDS = ["", "The", " cat", " sat", ".", " A", " dog", " ran", " Rain", " fell", "\n"]
SINK = 0


def encode(texts):
    """Cats, dogs and rain are orthogonal."""
    return np.array([[word in text.lower() for word in ("cat", "dog", "rain")] for text in texts], dtype=np.float32)


def blocks():
    sentences = SentenceBlocks(encode, np.eye(3, dtype=np.float32), "en")
    return CausalBlocks(lambda ids: "".join(WORDS[i] for i in ids), sentences)


# The cat sat. A dog ran. Rain fell. A cat ran. A dog
TEXT = [SINK, 1, 2, 3, 4, 5, 6, 7, 4, 8, 9, 4, 5, 2, 7, 4, 5, 6]


def test_own_keys_by_hand():
    """Catches use of the unfinished sentence's block, a full stop that ends a sentence too soon, and a foreign sink."""
    own = blocks().own_keys(TEXT)
    kept = [set(np.flatnonzero(row)) for row in own]
    assert kept[0] == {0}
    assert kept[4] == {0, 1, 2, 3, 4}  # the full stop belongs to the first sentence
    # In the second sentence, the last complete one is about the cat, and no other is.
    assert kept[6] == {0, 1, 2, 3, 4, 5, 6}
    # In the third it is about the dog: the cat is foreign.
    assert kept[10] == {0, 5, 6, 7, 8, 9, 10}
    # In the fifth it is about the cat again: the first, fourth and fifth sentences are own.
    assert kept[17] == {0, 1, 2, 3, 4, 12, 13, 14, 15, 16, 17}


def test_a_row_depends_only_on_tokens_up_to_it():
    """Catches any dependence on later text: sentence ends, blocks, or following sentences."""
    generator = np.random.default_rng(0)
    for _ in range(5):
        ids = [SINK, *generator.integers(1, len(WORDS), 30)]
        whole = blocks().own_keys(ids)
        for count in (2, 9, 20, 31):
            changed = [*ids[:count], *generator.integers(1, len(WORDS), 31 - count)]
            assert np.array_equal(blocks().own_keys(changed)[:count], whole[:count])


def test_rows_can_be_computed_one_by_one():
    """Catches a growing text, as in generation, that is read differently from the complete text."""
    whole, growing = blocks().own_keys(TEXT), blocks()
    for count in range(1, len(TEXT) + 1):
        assert np.array_equal(growing.own_keys(TEXT[:count], first=count - 1)[0], whole[count - 1, :count])


def test_folders_without_a_complete_study_are_refused(tmp_path):
    """Catches a traceback instead of instructions."""
    with pytest.raises(UserError, match="finished study"):
        study_config(tmp_path)
    (tmp_path / "config.yaml").write_text("encoder: {}\n")
    with pytest.raises(UserError, match="run the study again"):
        study_sentence_blocks(tmp_path)
