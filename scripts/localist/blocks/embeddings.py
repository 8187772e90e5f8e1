"""Sentence embeddings on disk: computed in shards that survive an interruption."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap
from tqdm import tqdm

from localist.plumbing.errors import UserError
from localist.plumbing.files import replacing

SHARD_SENTENCES = 8192
# Sentences of similar length encoded per call; the progress bar moves after each call.
BATCH_SENTENCES = 256
ROWS_AT_ONCE = 65_536


def embed_in_shards(
    texts: Sequence[str], encode: Callable[[list[str]], np.ndarray], shards: Path, destination: Path
) -> None:
    """Write float32 [sentences, dimensions] to `destination`, one shard in memory at a time.

    Finished shards are kept in the folder `shards`, and a later run resumes after them. The folder's name must identify
    sentences and encoder. It is removed at the end. Raises UserError if the encoder returns NaN.
    """
    files = {start: shards / f"{start:012d}.npy" for start in range(0, len(texts), SHARD_SENTENCES)}
    shards.mkdir(parents=True, exist_ok=True)
    with tqdm(total=len(texts), desc="Embedding", unit="sentence", mininterval=1) as bar:
        for start, shard in files.items():
            part = texts[start : start + SHARD_SENTENCES]
            if shard.exists():
                bar.update(len(part))
                continue
            vectors = _embedded(part, encode, bar)
            with replacing(shard) as temporary:
                np.save(temporary, vectors)
    _join(list(files.values()), len(texts), destination)
    shutil.rmtree(shards)


def _embedded(texts: Sequence[str], encode: Callable[[list[str]], np.ndarray], bar: tqdm) -> np.ndarray:
    """Embeddings of one shard, the longest sentences first so that little padding is computed."""
    order = sorted(range(len(texts)), key=lambda place: (-len(texts[place]), place))
    vectors = np.empty((len(texts), 0), dtype=np.float32)
    for first in range(0, len(order), BATCH_SENTENCES):
        places = order[first : first + BATCH_SENTENCES]
        found = encode([texts[place] for place in places]).astype(np.float32)
        finite = np.isfinite(found).all(axis=1)
        if not finite.all():
            text = texts[places[int((~finite).argmax())]]
            raise UserError(
                f"The encoder returns values that are not finite (NaN or infinite) for the sentence {text[:80]!r}. "
                "Its weights are damaged: get a new copy, or choose another encoder (encoder.source)."
            )
        if not vectors.shape[1]:
            vectors = np.empty((len(texts), found.shape[1]), dtype=np.float32)
        vectors[places] = found
        bar.update(len(places))
    return vectors


def _join(shards: Sequence[Path], rows: int, destination: Path) -> None:
    dimensions = np.load(shards[0], mmap_mode="r").shape[1]
    with replacing(destination) as temporary:
        whole = open_memmap(temporary, mode="w+", dtype=np.float32, shape=(rows, dimensions))
        start = 0
        for shard in shards:
            vectors = np.load(shard)
            whole[start : start + len(vectors)] = vectors
            start += len(vectors)
        whole.flush()


def load_embeddings(path: Path, sentences: int) -> np.ndarray:
    """float32 [sentences, dimensions], memory-mapped. Raises UserError for another number of rows, and for NaN."""
    vectors = np.load(path, mmap_mode="r")
    remedy = f"Delete {path} and run again."
    if vectors.ndim != 2 or len(vectors) != sentences:
        raise UserError(f"{path} has the shape {vectors.shape}, but there are {sentences} sentences. {remedy}")
    for start in range(0, len(vectors), ROWS_AT_ONCE):
        finite = np.isfinite(vectors[start : start + ROWS_AT_ONCE]).all(axis=1)
        if not finite.all():
            raise UserError(
                f"{path}: the embedding of sentence {start + int((~finite).argmax())} is not finite. {remedy}"
            )
    return vectors


def unit_length(vectors: np.ndarray) -> np.ndarray:
    """Each row divided by its length; a zero row stays zero."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(length > 0, length, 1)
