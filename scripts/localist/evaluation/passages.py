"""One passage's attention, for the attention maps: which passage, and its T × T attention in some layers."""

from collections.abc import Sequence

import numpy as np
import torch
from transformers import PreTrainedModel

from localist.attention.observed_attention import LayerInputs
from localist.evaluation.query_chunks import QueryChunk, excluded, seen_keys
from localist.evaluation.window_batches import long_tensor
from localist.tokens.windows import NO_ID


class PassageObserver:
    """Keeps the attention of the named layers, averaged over heads: layer → float32 [T, T] of the only window."""

    def __init__(self, layers: Sequence[int]):
        self.layers = layers
        self.attention: dict[int, torch.Tensor] = {}

    def observe(self, layer: int, inputs: LayerInputs) -> None:
        """Compute the attention of a layer that was asked for."""
        if layer not in self.layers:
            return
        everything = QueryChunk(slice(0, 1), slice(None), slice(None))
        with torch.autocast(inputs.query.device.type, enabled=False):
            scores = everything.scores(inputs.query.float() * inputs.scaling, inputs.key.float())  # [1, heads, T, T]
        self.attention[layer] = (scores + excluded(seen_keys(inputs), scores.dtype)).softmax(-1).mean(1)[0]  # [T, T]


def passage_window(blocks: np.ndarray, tokens: int) -> int:
    """The row of `blocks`, int [windows, T], whose first `tokens` tokens lie in the most blocks."""
    return int(np.argmax([len(np.unique(row[1:tokens][row[1:tokens] != NO_ID])) for row in blocks]))


def passage_attention(model: PreTrainedModel, input_ids: np.ndarray, layers: Sequence[int], bf16: bool) -> np.ndarray:
    """float32 [layers, P, P]: attention averaged over heads for one passage.

    input_ids: int [P], the sink first.
    """
    observer = PassageObserver(layers)
    model.eval()
    with torch.inference_mode(), torch.autocast(model.device.type, dtype=torch.bfloat16, enabled=bf16):
        model(input_ids=long_tensor(input_ids[None], model.device), observer=observer)
    return np.stack([observer.attention[layer].cpu().numpy() for layer in layers])
