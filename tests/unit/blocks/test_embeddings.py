"""Embeddings: shards that survive an interruption, and neighbours that never cross a section."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localist.blocks import embeddings
from localist.blocks.embeddings import average_with_neighbours, embed_in_shards, load_embeddings
from localist.plumbing.errors import UserError


def encode(texts: list[str]) -> np.ndarray:
    """A vector that tells the text: its length and its number."""
    return np.array([[len(text), float(text.split()[0])] for text in texts])


@pytest.fixture
def texts(monkeypatch):
    monkeypatch.setattr(embeddings, "SHARD_SENTENCES", 10)
    monkeypatch.setattr(embeddings, "BATCH_SENTENCES", 3)
    return [f"{number} " + "x" * (number * 7 % 5) for number in range(34)]


def test_each_sentence_gets_its_own_vector(texts, tmp_path):
    """Catches sentences that stay in the order of length, and shards that are joined wrongly."""
    embed_in_shards(texts, encode, tmp_path / "shards", tmp_path / "whole.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "whole.npy"), encode(texts))
    assert not (tmp_path / "shards").exists()


def test_long_sentences_go_to_the_encoder_with_long_ones(texts, tmp_path):
    """Catches batches in which short sentences are padded to the length of long ones."""
    lengths = []

    def watched(batch):
        lengths.append([len(text) for text in batch])
        return encode(batch)

    embed_in_shards(texts[:10], watched, tmp_path / "shards", tmp_path / "whole.npy")
    flat = [length for batch in lengths for length in batch]
    assert flat == sorted(flat, reverse=True)


def test_a_new_start_goes_on_after_the_last_finished_shard(texts, tmp_path):
    """Catches finished shards that are computed again, and unfinished ones that are taken."""
    seen = []

    def failing(batch):
        seen.extend(batch)
        if len(seen) > 25:
            raise KeyboardInterrupt
        return encode(batch)

    with pytest.raises(KeyboardInterrupt):
        embed_in_shards(texts, failing, tmp_path / "shards", tmp_path / "whole.npy")
    assert not (tmp_path / "whole.npy").exists()
    again = []
    embed_in_shards(
        texts, lambda batch: again.extend(batch) or encode(batch), tmp_path / "shards", tmp_path / "whole.npy"
    )
    assert sorted(again) == sorted(texts[20:])
    np.testing.assert_array_equal(np.load(tmp_path / "whole.npy"), encode(texts))


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.ones((3, 4)), "shape .3, 4., but there are 5 sentences"),
        (np.ones(5), "shape .5,., but there are 5 sentences"),
        (np.array([[1.0], [1.0], [np.nan], [1.0], [np.inf]]), "sentence 2 is not finite"),
    ],
)
def test_embeddings_that_cannot_be_are_named(array, message, tmp_path):
    """Catches stale or damaged embeddings that would give blocks without an error."""
    np.save(tmp_path / "embeddings.npy", array)
    with pytest.raises(UserError, match=rf"embeddings\.npy.*{message}.*Delete"):
        load_embeddings(tmp_path / "embeddings.npy", 5)


def test_neighbours_by_hand():
    """Catches a mean over the wrong rows: three sentences of one section, then one of another."""
    vectors = np.eye(4, dtype=np.float32)
    averaged = average_with_neighbours(vectors, np.array([0, 0, 0, 1]), 1, 1)
    half, third = 2**-0.5, 3**-0.5
    expected = [[half, half, 0, 0], [third, third, third, 0], [0, half, half, 0], [0, 0, 0, 1]]
    np.testing.assert_allclose(averaged, expected, atol=1e-6)


def test_distant_neighbours_count_less():
    """Catches weights that do not fall with the distance: 1, 1/2 and 1/4 at 0, 1 and 2 sentences."""
    averaged = average_with_neighbours(np.eye(3, dtype=np.float32), np.zeros(3, dtype=int), 2, 0.5)
    rows = np.array([[4, 2, 1], [2, 4, 2], [1, 2, 4]])
    np.testing.assert_allclose(averaged, rows / np.linalg.norm(rows, axis=1, keepdims=True), atol=1e-6)


@given(
    sizes=st.lists(st.integers(1, 6), min_size=1, max_size=6),
    context=st.integers(0, 8),
    rows_at_once=st.integers(1, 12),
    seed=st.integers(0, 100),
)
@settings(max_examples=60, deadline=None)
def test_neighbours_do_not_depend_on_other_sections_or_on_the_pieces(sizes, context, rows_at_once, seed):
    """Catches averages that reach into another section (and so into another split) or break at a piece's edge."""
    sections = np.repeat(np.arange(len(sizes)), sizes)
    vectors = np.random.default_rng(seed).normal(size=(len(sections), 3)).astype(np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embeddings, "ROWS_AT_ONCE", rows_at_once)
        together = average_with_neighbours(vectors, sections, context, 0.7)
    alone = [
        average_with_neighbours(vectors[sections == s], sections[sections == s], context, 0.7) for s in set(sections)
    ]
    np.testing.assert_allclose(together, np.concatenate(alone), atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
