"""Jensen–Shannon divergence between two models' attention on the same tokens (method.md, Divergence)."""

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm
from transformers import PreTrainedModel

from localist.attention.observed_attention import LayerInputs
from localist.attention.visibility import visible_keys
from localist.evaluation.attention_statistics import BITS_PER_NAT, head_scores, query_chunks
from localist.evaluation.losses import batches_by_length
from localist.plumbing.errors import UserError
from localist.tokens.windows import NO_ID, Windows

NOT_ALIKE = "Layer {} has no counterpart of the same shape: only models of one architecture can be compared."


class _Recorder:
    """Records the inputs of each layer's attention."""

    def __init__(self):
        self.layers: dict[int, LayerInputs] = {}

    def observe(self, layer: int, inputs: LayerInputs) -> None:
        self.layers[layer] = inputs


class DivergenceObserver:
    """Compares each layer's attention with another model's: layer → bits [batch, T], averaged over heads.

    other: layer → inputs of the other model's attention. The whole attention is compared, sink and self included, head
    by head.
    """

    def __init__(self, other: dict[int, LayerInputs]):
        self.other = other
        self.layers: dict[int, torch.Tensor] = {}

    def observe(self, layer: int, inputs: LayerInputs) -> None:
        """Compute the divergence of one layer, by direct sums over chunks of queries.

        Raises UserError if the other model's layer has another shape.
        """
        other = self.other.pop(layer, None)
        if other is None or other.query.shape != inputs.query.shape or other.key.shape != inputs.key.shape:
            raise UserError(NOT_ALIKE.format(layer))
        dtype = torch.promote_types(inputs.query.dtype, torch.float32)
        batch, heads, context, _ = inputs.query.shape
        bits = inputs.query.new_zeros((batch, context), dtype=dtype)
        with torch.autocast(inputs.query.device.type, enabled=False):
            # Of each model: [batch, heads, T, width], [batch, key heads, T, width]
            pair = [(one.query.to(dtype) * one.scaling, one.key.to(dtype)) for one in (inputs, other)]
            for row in range(batch):
                for queries in query_chunks(heads, context):
                    keys, hidden, _ = visible_keys(inputs.mask, row, queries, bits.device)
                    # [heads, queries, keys]
                    one, two = (_attention(query[row, :, queries], key[row, :, keys], hidden) for query, key in pair)
                    bits[row, queries] = jensen_shannon_bits(one, two).mean(0)
        self.layers[layer] = bits


def jensen_shannon_bits(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Divergence in bits, in [0, 1], of two distributions along the last axis: […, keys] → […]."""
    entropy_of_mean = torch.special.entr((one + other) / 2).sum(-1)
    mean_of_entropies = (torch.special.entr(one).sum(-1) + torch.special.entr(other).sum(-1)) / 2
    return ((entropy_of_mean - mean_of_entropies) * BITS_PER_NAT).clamp(0, 1)


def attention_divergence(
    model: PreTrainedModel,
    other: PreTrainedModel,
    windows: Windows,
    section_of_sentence: np.ndarray,
    *,
    batch_size: int,
    bf16: bool,
    description: str,
) -> pd.DataFrame:
    """One row per layer and section: divergence (in bits, summed over the section's tokens) and queries (their number).

    section_of_sentence: int [sentences]; description: labels the progress bar. Raises UserError if the models' layers
    or heads differ.
    """
    parts = []
    model.eval()
    other.eval()
    with (
        torch.inference_mode(),
        tqdm(total=int(windows.is_text.sum()), desc=description, unit="tok", mininterval=2) as bar,
        torch.autocast(model.device.type, dtype=torch.bfloat16, enabled=bf16),
    ):
        for rows, length in batches_by_length(windows, batch_size):
            # [batch, length]
            input_ids = torch.as_tensor(windows.input_ids[rows, :length].astype(np.int64), device=model.device)
            recorder = _Recorder()
            other.base_model(input_ids=input_ids, observer=recorder, use_cache=False)
            observer = DivergenceObserver(recorder.layers)
            model.base_model(input_ids=input_ids, observer=observer, use_cache=False)
            if recorder.layers:
                raise UserError(NOT_ALIKE.format(min(recorder.layers)))
            sentence = windows.sentence_ids[rows, :length]  # [batch, length]
            inside = sentence != NO_ID
            parts += [
                pd.DataFrame({"layer": layer, "sentence": sentence[inside], "divergence": bits.cpu().numpy()[inside]})
                for layer, bits in observer.layers.items()
            ]
            bar.update(int(inside.sum()))
    table = pd.concat(parts).astype({"divergence": np.float64})
    table["section"] = section_of_sentence[table.pop("sentence").to_numpy()]
    grouped = table.groupby(["layer", "section"], as_index=False)
    return grouped.agg(divergence=("divergence", "sum"), queries=("divergence", "size"))


def _attention(query: torch.Tensor, key: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
    """[heads, queries, keys] of one window's chunk of queries; 0 for a query that sees no key.

    query: [heads, queries, width], scaled; key: [key heads, keys, width]; hidden: as from `visible_keys`.
    """
    scores = head_scores(query, key)
    scores[..., scores.shape[-1] - hidden.shape[-1] :].masked_fill_(hidden, -torch.inf)
    return scores.softmax(-1).nan_to_num_(nan=0.0)
