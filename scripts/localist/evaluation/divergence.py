"""How far two models' attention lies apart on the same tokens: Jensen–Shannon divergence (method.md, Divergence)."""

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm
from transformers import PreTrainedModel

from localist.attention.observed_attention import LayerInputs
from localist.attention.visibility import visible_keys
from localist.evaluation.attention_statistics import BITS_PER_NAT, head_scores, query_chunks
from localist.evaluation.evaluation import batches_by_length
from localist.plumbing.errors import UserError
from localist.tokens.windows import NO_ID, Windows

NOT_ALIKE = "Layer {} has no counterpart of the same shape: the two models are not of one kind."


class _Recorder:
    """Keeps what each layer's attention gets."""

    def __init__(self):
        self.layers: dict[int, LayerInputs] = {}

    def observe(self, layer: int, inputs: LayerInputs) -> None:
        self.layers[layer] = inputs


class DivergenceObserver:
    """Compares each layer's attention with what another model's got: layer → bits [batch, T], averaged over heads.

    The whole attention is compared, sink and self included, head by head.
    """

    def __init__(self, other: dict[int, LayerInputs]):
        self.other = other
        self.layers: dict[int, torch.Tensor] = {}

    def observe(self, layer: int, inputs: LayerInputs) -> None:
        """Compute the divergence of one layer, by direct sums over chunks of queries."""
        other = self.other.pop(layer, None)
        if other is None or other.query.shape != inputs.query.shape or other.key.shape != inputs.key.shape:
            raise UserError(NOT_ALIKE.format(layer))
        dtype = torch.promote_types(inputs.query.dtype, torch.float32)
        batch, heads, context, _ = inputs.query.shape
        found = inputs.query.new_zeros((batch, context), dtype=dtype)
        with torch.autocast(inputs.query.device.type, enabled=False):
            pair = [(one.query.to(dtype) * one.scaling, one.key.to(dtype)) for one in (inputs, other)]
            for row in range(batch):
                for queries in query_chunks(heads, context):
                    keys, hidden, _ = visible_keys(inputs.mask, row, queries, found.device)
                    one, two = (_attention(query[row, :, queries], key[row, :, keys], hidden) for query, key in pair)
                    found[row, queries] = jensen_shannon_bits(one, two).mean(0)
        self.layers[layer] = found


def jensen_shannon_bits(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Divergence in bits, in [0, 1], of distributions along the last axis."""
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
    """Rows (layer, section, divergence in bits summed over the section's tokens, queries: their number).

    Raises UserError where the models' layers or heads differ.
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
            input_ids = torch.as_tensor(windows.input_ids[rows, :length].astype(np.int64), device=model.device)
            recorder = _Recorder()
            other.base_model(input_ids=input_ids, observer=recorder, use_cache=False)
            observer = DivergenceObserver(recorder.layers)
            model.base_model(input_ids=input_ids, observer=observer, use_cache=False)
            if recorder.layers:
                raise UserError(NOT_ALIKE.format(min(recorder.layers)))
            sentence = windows.sentence_ids[rows, :length]
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
    """[heads, queries, keys] of one window's chunk of queries; rows that see nothing are 0."""
    scores = head_scores(query, key)
    scores[..., scores.shape[-1] - hidden.shape[-1] :].masked_fill_(hidden, -torch.inf)
    return scores.softmax(-1).nan_to_num_(nan=0.0)
