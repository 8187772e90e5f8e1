"""Attention within a few passages of held-out text, for the explorer and the attention maps."""

from collections.abc import Sequence

import numpy as np
import torch
from transformers import PreTrainedModel

from localist.attention.observed_attention import LayerInputs
from localist.evaluation.query_chunks import QueryChunk, excluded, seen_keys
from localist.evaluation.window_batches import long_tensor
from localist.tokens.windows import NO_ID

# Passages with fewer blocks show little about locality.
FEWEST_BLOCKS = 3


class PassageObserver:
    """Keeps the attention of every layer to the only window: layer → float32 [heads, T, T] on the CPU."""

    def __init__(self) -> None:
        self.attention: dict[int, torch.Tensor] = {}

    def observe(self, layer: int, inputs: LayerInputs) -> None:
        """Compute the attention of a layer."""
        everything = QueryChunk(slice(0, 1), slice(None), slice(None))
        with torch.autocast(inputs.query.device.type, enabled=False):
            scores = everything.scores(inputs.query.float() * inputs.scaling, inputs.key.float())  # [1, heads, T, T]
        self.attention[layer] = (scores + excluded(seen_keys(inputs), scores.dtype)).softmax(-1)[0].cpu()


def passage_rows(blocks: np.ndarray, stretches: np.ndarray, tokens: int, count: int) -> list[int]:
    """The rows of `blocks`, int [windows, T], whose first `tokens` tokens are in the most blocks, most first.

    At most `count`, each with at least FEWEST_BLOCKS blocks (if none has, the one with the most), from as many
    different stretches of text (int [windows]) as possible.
    """
    beginnings = blocks[:, 1:tokens]
    spanned = np.array([len(np.unique(row[row != NO_ID])) for row in beginnings])
    by_blocks = np.argsort(-spanned, kind="stable")
    fit = [int(row) for row in by_blocks if spanned[row] >= FEWEST_BLOCKS] or [int(by_blocks[0])]
    _, first_of_stretch = np.unique(stretches[fit], return_index=True)
    first = [fit[number] for number in sorted(first_of_stretch)]
    return [*first, *(row for row in fit if row not in first)][:count]


def passage_attention(model: PreTrainedModel, input_ids: np.ndarray, bf16: bool) -> np.ndarray:
    """float32 [layers, heads, P, P]: the attention of one passage. input_ids: int [P], the sink first."""
    observer = PassageObserver()
    model.eval()
    with torch.inference_mode(), torch.autocast(model.device.type, dtype=torch.bfloat16, enabled=bf16):
        model(input_ids=long_tensor(input_ids[None], model.device), observer=observer)
    return torch.stack([observer.attention[layer] for layer in sorted(observer.attention)]).numpy()


def pieces_of_text(texts: Sequence[str]) -> list[str]:
    """The piece of text that each token adds, from the decoded texts of one, two, three, … tokens.

    A character made of several tokens is assigned to the last of them; the others add nothing.
    """
    pieces, done = [], ""
    for text in texts:
        whole = text.rstrip("\N{REPLACEMENT CHARACTER}")
        pieces.append(whole[len(done) :] if whole.startswith(done) else "")
        done = whole if whole.startswith(done) else done
    return pieces
