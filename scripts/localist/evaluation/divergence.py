"""Jensen–Shannon divergence between two models' attention on the same tokens (method.md, Divergence)."""

from dataclasses import replace

import numpy as np
import pandas as pd
import torch
from transformers import PreTrainedModel

from localist.attention.observed_attention import LayerInputs
from localist.attention.visibility import visible_keys
from localist.evaluation.attention_statistics import BITS_PER_NAT, head_scores, query_chunks
from localist.evaluation.window_batches import long_tensor
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
    """Compares each layer's attention with another model's: layer → bits [chosen, T], averaged over heads.

    other: layer → inputs of the other model's attention for the windows of the batch that are `chosen`, int [chosen].
    The whole attention is compared, sink and self included, head by head.
    """

    def __init__(self, other: dict[int, LayerInputs], chosen: np.ndarray):
        self.other = other
        self.chosen = chosen
        self.layers: dict[int, torch.Tensor] = {}

    def observe(self, layer: int, inputs: LayerInputs) -> None:
        """Compute the divergence of one layer, by direct sums over chunks of queries.

        Raises UserError if the other model's layer has another shape.
        """
        if not len(self.chosen):
            return
        other = self.other.pop(layer, None)
        own = replace(inputs, query=inputs.query[self.chosen], key=inputs.key[self.chosen])
        if other is None or other.query.shape != own.query.shape or other.key.shape != own.key.shape:
            raise UserError(NOT_ALIKE.format(layer))
        dtype = torch.promote_types(inputs.query.dtype, torch.float32)
        count, heads, context, _ = own.query.shape
        bits = inputs.query.new_zeros((count, context), dtype=dtype)
        with torch.autocast(inputs.query.device.type, enabled=False):
            # Of each model: [chosen, heads, T, width], [chosen, key heads, T, width]
            pair = [(one.query.to(dtype) * one.scaling, one.key.to(dtype)) for one in (own, other)]
            for row, window in enumerate(self.chosen):
                for queries in query_chunks(heads, context):
                    keys, hidden, _ = visible_keys(inputs.mask, int(window), queries, bits.device)
                    # [heads, queries, keys]
                    one, two = (_attention(query[row, :, queries], key[row, :, keys], hidden) for query, key in pair)
                    bits[row, queries] = jensen_shannon_bits(one, two).mean(0)
        self.layers[layer] = bits


def jensen_shannon_bits(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Divergence in bits, in [0, 1], of two distributions along the last axis: […, keys] → […]."""
    entropy_of_mean = torch.special.entr((one + other) / 2).sum(-1)
    mean_of_entropies = (torch.special.entr(one).sum(-1) + torch.special.entr(other).sum(-1)) / 2
    return ((entropy_of_mean - mean_of_entropies) * BITS_PER_NAT).clamp(0, 1)


class Divergence:
    """Compares a watched model's attention with another's on the same tokens (see `losses.Watcher`).

    other: is run in the precision of the pass that is watched, on the windows `sample` (row numbers) alone.
    """

    def __init__(self, other: PreTrainedModel, windows: Windows, sample: np.ndarray):
        self.other = other.eval()
        self.windows = windows
        self.sample = sample
        self.parts: list[pd.DataFrame] = []

    def observer(self, rows: np.ndarray, length: int, device: torch.device) -> DivergenceObserver:
        """An observer for the windows `rows`, cut to `length`: runs the other model on those of the sample."""
        recorder = _Recorder()
        chosen = np.flatnonzero(np.isin(rows, self.sample))
        if len(chosen):
            input_ids = long_tensor(self.windows.input_ids[rows[chosen], :length], device)  # [chosen, length]
            self.other.base_model(input_ids=input_ids, observer=recorder, use_cache=False)
        return DivergenceObserver(recorder.layers, chosen)

    def add(self, rows: np.ndarray, length: int, observer: DivergenceObserver) -> None:
        """Add the divergences of one batch. Raises UserError if the other model has more layers."""
        if observer.other:
            raise UserError(NOT_ALIKE.format(min(observer.other)))
        sentence = self.windows.sentence_ids[rows[observer.chosen], :length]  # [chosen, length]
        inside = sentence != NO_ID
        self.parts += [
            pd.DataFrame({"layer": layer, "sentence": sentence[inside], "divergence": bits.cpu().numpy()[inside]})
            for layer, bits in observer.layers.items()
        ]

    def table(self, section_of_sentence: np.ndarray) -> pd.DataFrame:
        """One row per layer and section: divergence (in bits, summed over its tokens) and queries (their number).

        section_of_sentence: int [sentences].
        """
        table = pd.concat(self.parts).astype({"divergence": np.float64})
        table["section"] = section_of_sentence[table.pop("sentence").to_numpy()]
        grouped = table.groupby(["layer", "section"], as_index=False)
        return grouped.agg(divergence=("divergence", "sum"), queries=("divergence", "size"))


def no_divergence() -> pd.DataFrame:
    """The table of a model that is compared with none."""
    return pd.DataFrame({"layer": [], "section": [], "divergence": [], "queries": []})


def _attention(query: torch.Tensor, key: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
    """[heads, queries, keys] of one window's chunk of queries; 0 for a query that sees no key.

    query: [heads, queries, width], scaled; key: [key heads, keys, width]; hidden: as from `visible_keys`.
    """
    scores = head_scores(query, key)
    scores[..., scores.shape[-1] - hidden.shape[-1] :].masked_fill_(hidden, -torch.inf)
    return scores.softmax(-1).nan_to_num_(nan=0.0)
