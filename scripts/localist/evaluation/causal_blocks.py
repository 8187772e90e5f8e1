"""Causal blocks: a token's own keys, determined from the text up to it (method.md, The locality dial).

Nothing here depends on later tokens: neither sentence ends, nor blocks, nor neighbouring sentences.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from localist.blocks.centres import nearest_centre
from localist.blocks.encoder import load_encoder
from localist.corpus.sentences import split_sentences
from localist.plumbing.errors import UserError
from localist.study.sources import source_kind

Encode = Callable[[list[str]], np.ndarray]


@dataclass
class SentenceBlocks:
    """The block of a completed sentence: the one with the nearest centre.

    encode: texts → vectors of unit length, [texts, dimensions]; centres: of the semantic blocks, [blocks, dimensions].
    language: of the text.
    """

    encode: Encode
    centres: np.ndarray
    language: str
    _vectors: dict[str, np.ndarray] = field(default_factory=dict)

    def of(self, sentences: Sequence[str]) -> np.ndarray:
        """int [sentences]: the block of each sentence of a text, in order."""
        new = [text for text in dict.fromkeys(sentences) if text not in self._vectors]
        if new:
            self._vectors |= dict(zip(new, self.encode(new), strict=True))
        if not sentences:
            return np.empty(0, dtype=int)
        return nearest_centre(np.stack([self._vectors[text] for text in sentences]), self.centres)


class CausalBlocks:
    """Own and foreign keys of the tokens of a sequence of texts.

    decode: token ids → text, as in the model's tokenizer.
    """

    def __init__(self, decode: Callable[[list[int]], str], sentence_blocks: SentenceBlocks):
        self.decode = decode
        self.sentence_blocks = sentence_blocks
        self._ids: list[int] = []  # of the last text, without its sink
        self._ends: list[int] = []  # of each of its tokens, in characters

    def own_keys(self, input_ids: Sequence[int] | np.ndarray, first: int = 0) -> np.ndarray:
        """bool [n − first, n]: whether a key is not foreign to a query, for the queries from `first` on.

        input_ids: int [n], the sink first, which is never foreign. Row i depends only on the tokens up to i.
        """
        ids = [int(token) for token in input_ids][1:]
        self._read(ids)
        own = np.zeros((len(ids) + 1 - first, len(ids) + 1), dtype=bool)
        own[:, 0] = True
        whole = self.decode(ids)
        starts = np.array([0, *self._ends][: len(ids)])
        for place in range(max(first - 1, 0), len(ids)):
            text = whole[: self._ends[place]]
            sentences = split_sentences(text, self.sentence_blocks.language)
            of_token = _sentence_of_token(text, starts[: place + 1], sentences)
            current = of_token[place]
            blocks = self.sentence_blocks.of([text[start:end] for start, end in sentences[:current]])
            last = blocks[-1] if current else -1
            is_own = of_token == current
            before = of_token < current
            is_own[before] = blocks[of_token[before]] == last
            own[place + 1 - first, 1 : place + 2] = is_own
        if not first:
            own[0, 0] = True
        return own

    def _read(self, ids: list[int]) -> None:
        """Find where each token ends in the text; results for a shared beginning are reused."""
        if self._ids != ids[: len(self._ids)]:
            self._ids, self._ends = [], []
        for count in range(len(self._ids) + 1, len(ids) + 1):
            # A character's bytes may be split over several tokens; it is complete with the last of them.
            end = len(self.decode(ids[:count]).rstrip("\N{REPLACEMENT CHARACTER}"))
            self._ends.append(max(end, self._ends[-1] if self._ends else 0))
        self._ids = ids


def _sentence_of_token(text: str, starts: np.ndarray, sentences: Sequence[tuple[int, int]]) -> np.ndarray:
    """int [tokens]: the sentence of each token of `text`; white space belongs to the sentence before it."""
    ends = [*starts[1:], len(text)]
    visible = []
    for start, end in zip(starts, ends, strict=True):
        token = text[start:end]
        visible.append(start + len(token) - len(token.lstrip()) if token.strip() else start - 1)
    row = np.searchsorted([start for start, _ in sentences], visible, side="right") - 1
    return np.maximum(row, 0)


def study_config(study: Path) -> Mapping[str, Any]:
    """The complete config of a finished study. Raises UserError if there is none."""
    path = Path(study) / "config.yaml"
    if not path.is_file():
        raise UserError(f"{path} is missing: name the folder of a finished study, for example results/default.")
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def study_sentence_blocks(study: Path) -> SentenceBlocks:
    """The semantic blocks of a finished study: encoder, centres and settings. Raises UserError if any is missing.

    A fetched encoder is expected in the folder `resources` next to `results`.
    """
    config, centres = study_config(study), Path(study) / "blocks" / "causal" / "centres.npy"
    if not centres.is_file():
        raise UserError(f"{centres} is missing: run the study again; finished jobs are not repeated.")
    encoder = config["encoder"]
    own = source_kind(encoder["source"]) == "path"
    root = Path(study).resolve().parents[1]
    folder = Path(encoder["source"]["path"]).expanduser() if own else Path("resources", "encoders", encoder["name"])
    return SentenceBlocks(
        encode=load_encoder(root / folder),
        centres=np.load(centres),
        language=config["corpus"]["language"],
    )
