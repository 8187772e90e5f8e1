"""Embeddings: shards that survive an interruption, and errors for invalid values."""

import numpy as np
import pytest

from localist.blocks import embeddings
from localist.blocks.embeddings import embed_in_shards, load_embeddings
from localist.plumbing.errors import UserError


def encode(texts: list[str]) -> np.ndarray:
    """A vector that identifies the text: its length and its number."""
    return np.array([[len(text), float(text.split()[0])] for text in texts])


@pytest.fixture
def texts(monkeypatch):
    monkeypatch.setattr(embeddings, "SHARD_SENTENCES", 10)
    monkeypatch.setattr(embeddings, "BATCH_SENTENCES", 3)
    return [f"{number} " + "x" * (number * 7 % 5) for number in range(34)]


def test_each_sentence_gets_its_own_vector(texts, tmp_path):
    """Catches vectors left in order of sentence length, and shards joined wrongly."""
    embed_in_shards(texts, encode, tmp_path / "shards", tmp_path / "whole.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "whole.npy"), encode(texts))
    assert not (tmp_path / "shards").exists()


def test_sentences_are_encoded_in_order_of_length(texts, tmp_path):
    """Catches batches in which short sentences are padded to the length of long ones."""
    lengths = []

    def watched(batch):
        lengths.append([len(text) for text in batch])
        return encode(batch)

    embed_in_shards(texts[:10], watched, tmp_path / "shards", tmp_path / "whole.npy")
    flat = [length for batch in lengths for length in batch]
    assert flat == sorted(flat, reverse=True)


def test_nan_from_the_encoder_is_reported_as_its_error(texts, tmp_path):
    """Catches NaN embeddings on disk, and advice to delete them and run again, which would not help."""

    def damaged(batch):
        return np.where(encode(batch)[:, 1:] == 7, np.nan, encode(batch))

    with pytest.raises(
        UserError, match=r"The encoder returns values that are not finite .* sentence '7 xxxx'.*encoder"
    ):
        embed_in_shards(texts, damaged, tmp_path / "shards", tmp_path / "whole.npy")
    assert not (tmp_path / "whole.npy").exists() and not list((tmp_path / "shards").iterdir())


def test_a_restart_resumes_after_the_last_finished_shard(texts, tmp_path):
    """Catches finished shards that are recomputed, and unfinished ones that are used."""
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
def test_stale_or_damaged_embeddings_are_refused(array, message, tmp_path):
    """Catches stale or damaged embeddings accepted without an error."""
    np.save(tmp_path / "embeddings.npy", array)
    with pytest.raises(UserError, match=rf"embeddings\.npy.*{message}.*Delete"):
        load_embeddings(tmp_path / "embeddings.npy", 5)
