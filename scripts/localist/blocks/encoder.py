"""The sentence encoder: loading it, and encoding texts beyond its maximum length (method.md, Partitions)."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from localist.blocks.embeddings import unit_length
from localist.plumbing.errors import UserError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

BATCH = 64


class SentenceEncoder:
    """Called with texts, returns float32 [texts, dimensions], rows of unit length.

    A text longer than the encoder's limit is encoded in parts and gets their mean, weighted by tokens. longest: the
    limit in tokens (None: unknown); long_texts: the number of longer texts so far.
    """

    def __init__(self, model: "SentenceTransformer"):
        self._model, self.long_texts = model, 0
        self._tokenizer: Any = model.tokenizer
        limited = getattr(self._tokenizer, "is_fast", False)  # others do not report token positions
        self.longest = model.max_seq_length if limited else None
        self._room = self.longest and self.longest - self._tokenizer.num_special_tokens_to_add()

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        parts = [self._parts(text) for text in texts]
        vectors = self._encode([part for listed in parts for part, _ in listed])
        if len(vectors) == len(texts):
            return vectors
        self.long_texts += sum(len(listed) > 1 for listed in parts)
        weights = np.array([tokens for listed in parts for _, tokens in listed], dtype=np.float32)
        starts = np.cumsum([0, *(len(listed) for listed in parts[:-1])])
        return unit_length(np.add.reduceat(vectors * weights[:, None], starts))

    def _parts(self, text: str) -> list[tuple[str, int]]:
        # Even with one token per byte, a short text is not too long.
        if self._room is None or len(text.encode()) <= self._room:
            return [(text, 1)]
        places = self._tokenizer(
            text, add_special_tokens=False, truncation=False, return_offsets_mapping=True, verbose=False
        )["offset_mapping"]
        return text_parts(text, places, self._room)

    def _encode(self, texts: list[str]) -> np.ndarray:
        return self._model.encode(texts, batch_size=BATCH, normalize_embeddings=True, show_progress_bar=False)


def load_encoder(folder: Path) -> SentenceEncoder:
    """Load the sentence encoder in a local folder. Raises UserError if there is none."""
    from safetensors import SafetensorError
    from sentence_transformers import SentenceTransformer

    try:
        model = SentenceTransformer(str(folder), local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise UserError(f"{folder} does not load as a sentence encoder: {str(error).splitlines()[0]}") from error
    return SentenceEncoder(model)


def text_parts(text: str, places: Sequence[tuple[int, int]], room: int) -> list[tuple[str, int]]:
    """Parts of a text, each with its number of tokens, at most `room`; cut before words where possible.

    places: start and end of each token in the text.
    """
    parts = []
    first = 0
    while len(places) - first > room:
        begins_word = (cut for cut in range(first + room, first, -1) if text[places[cut][0] - 1].isspace())
        cut = next(begins_word, first + room)
        parts.append((text[places[first][0] : places[cut - 1][1]], cut - first))
        first = cut
    return [*parts, (text[places[first][0] :], len(places) - first)] if parts else [(text, len(places))]
