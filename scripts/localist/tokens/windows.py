"""Token windows: a sink followed by consecutive tokens of one stretch of text in one split (method.md, Text)."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pandas as pd

from localist.plumbing.files import check_complete, replacing

# Sentence and block id of positions without one: sink and padding.
NO_ID = -1


@dataclass(frozen=True)
class DocumentTokens:
    """One document's tokens in order; all arrays have shape [tokens]."""

    input_ids: np.ndarray
    sentence_ids: np.ndarray
    section_ids: np.ndarray
    byte_counts: np.ndarray


@dataclass(frozen=True)
class Windows:
    """The windows of one split.

    input_ids, sentence_ids, byte_counts: int32 [windows, T]; position 0 is the sink, padding is at the end, and both
    have sentence -1 and no bytes. stretch_ids: int32 [windows], equal for windows of the same stretch of text.
    """

    input_ids: np.ndarray
    sentence_ids: np.ndarray
    byte_counts: np.ndarray
    stretch_ids: np.ndarray

    @property
    def is_text(self) -> np.ndarray:
        """bool [windows, T]: neither sink nor padding, so exactly the tokens that are predicted."""
        return self.sentence_ids != NO_ID

    def take(self, rows: np.ndarray) -> "Windows":
        """The windows with these row numbers."""
        return Windows(*(getattr(self, field.name)[rows] for field in fields(self)))

    def save(self, folder: Path) -> None:
        """Write one .npy file per array, so that large splits can be memory-mapped."""
        with replacing(folder) as temporary:
            temporary.mkdir()
            for field in fields(self):
                np.save(temporary / f"{field.name}.npy", getattr(self, field.name))

    @classmethod
    def load(cls, folder: Path) -> "Windows":
        """Memory-map what `save` wrote. Raises UserError if a file is missing."""
        check_complete(Path(folder), [f"{field.name}.npy" for field in fields(cls)])
        return cls(*(np.load(Path(folder) / f"{field.name}.npy", mmap_mode="r") for field in fields(cls)))


def align_tokens(
    text: str, offsets: Sequence[tuple[int, int]], input_ids: Sequence[int], sentences: pd.DataFrame
) -> DocumentTokens:
    """Map each token of one document to the sentence that contains its first visible character.

    `sentences` are the document's rows (sentence, section, start, end) in order. White space belongs to the sentence
    before it, and text before the first sentence to the first. A token counts the UTF-8 bytes by which it extends the
    text covered so far, so that the bytes of all tokens add up to those of the text.
    """
    starts = np.array([_first_visible(text, start, end) for start, end in offsets], dtype=np.int64)
    ends = np.maximum.accumulate(np.array([end for _, end in offsets], dtype=np.int64))
    row = np.searchsorted(sentences["start"].to_numpy(), starts, side="right") - 1
    row = np.maximum(row, 0)
    bytes_before = np.concatenate([[0], np.cumsum([len(character.encode()) for character in text])])
    return DocumentTokens(
        input_ids=np.asarray(input_ids, dtype=np.int32),
        sentence_ids=sentences["sentence"].to_numpy(dtype=np.int32)[row],
        section_ids=sentences["section"].to_numpy(dtype=np.int32)[row],
        byte_counts=np.diff(bytes_before[ends], prepend=0).astype(np.int32),
    )


def cut_windows(
    documents: Sequence[DocumentTokens], section_splits: pd.Series, split: str, *, context: int, sink: int, padding: int
) -> Windows:
    """Cut the stretches of `split` into windows of `context` tokens, the sink token included.

    A stretch is a run of consecutive tokens of one document whose sections are in `split`; a window never leaves it.
    """
    rows: list[tuple[DocumentTokens, slice, int]] = []
    stretch = 0
    for document in documents:
        inside = (section_splits.loc[document.section_ids] == split).to_numpy()
        edges = np.flatnonzero(np.diff(np.concatenate([[False], inside, [False]]).astype(np.int8)))
        for start, end in edges.reshape(-1, 2):
            for first in range(start, end, context - 1):
                rows.append((document, slice(first, min(first + context - 1, end)), stretch))
            stretch += 1
    shape = (len(rows), context)
    input_ids = np.full(shape, padding, dtype=np.int32)
    input_ids[:, 0] = sink
    sentence_ids = np.full(shape, NO_ID, dtype=np.int32)
    byte_counts = np.zeros(shape, dtype=np.int32)
    for number, (document, part, _) in enumerate(rows):
        place = slice(1, 1 + part.stop - part.start)
        input_ids[number, place] = document.input_ids[part]
        sentence_ids[number, place] = document.sentence_ids[part]
        byte_counts[number, place] = document.byte_counts[part]
    return Windows(input_ids, sentence_ids, byte_counts, np.array([row[2] for row in rows], dtype=np.int32))


def _first_visible(text: str, start: int, end: int) -> int:
    """Offset of the first character of text[start:end] that is not white space; before `start` if there is none."""
    token = text[start:end]
    stripped = token.lstrip()
    return start + len(token) - len(stripped) if stripped else max(start - 1, 0)
