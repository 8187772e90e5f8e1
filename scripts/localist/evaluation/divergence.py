"""Jensen–Shannon divergence between two models' attention on the same tokens (method.md, Divergence)."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch
from transformers import PreTrainedModel

from localist.attention.observed_attention import ByMask, LayerInputs
from localist.evaluation.attention_statistics import entropy_bits
from localist.evaluation.query_chunks import QueryChunk, excluded, query_chunks, seen_keys
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

    other: layer → inputs of the other model's attention for the windows of the batch that are `chosen`, long [chosen].
    Attention is compared head by head, sink and self included.
    """

    def __init__(self, other: dict[int, LayerInputs], chosen: torch.Tensor):
        self.other = other
        self.chosen = chosen
        self.layers: dict[int, torch.Tensor] = {}
        self._shared = ByMask(self._hidden_and_chunks)

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
        hidden, chunks = self._shared.of(own)  # [chosen or 1, T, T]
        dtype = hidden.dtype
        bits = inputs.query.new_empty((len(self.chosen), own.query.shape[2]), dtype=dtype)
        with torch.autocast(inputs.query.device.type, enabled=False):
            # Of each model: [chosen, heads, T, width], [chosen, key heads, T, width]
            pair = [(one.query.to(dtype) * one.scaling, one.key.to(dtype)) for one in (own, other)]
            for chunk in chunks:
                # [windows, heads, queries, keys]
                attentions = (chunk.scores(*one).add_(chunk.pairs(hidden)[:, None]).softmax(-1) for one in pair)
                bits[chunk.windows, chunk.queries] = jensen_shannon_bits(*attentions).mean(1)
        self.layers[layer] = bits.nan_to_num_(nan=0.0)

    def _hidden_and_chunks(self, inputs: LayerInputs) -> tuple[torch.Tensor, list[QueryChunk]]:
        """The mask of the chosen windows (see `excluded`), [chosen or 1, T, T], and their queries in chunks."""
        seen = seen_keys(inputs)
        seen = seen[self.chosen] if len(seen) > 1 else seen
        return excluded(seen, torch.promote_types(inputs.query.dtype, torch.float32)), query_chunks(inputs)


def jensen_shannon_bits(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Divergence in bits, in [0, 1], of two distributions along the last axis: […, keys] → […]."""
    mean_of_entropies = (entropy_bits(one) + entropy_bits(other)) / 2
    return (entropy_bits((one + other) / 2) - mean_of_entropies).clamp(0, 1)


class Divergence:
    """Compares a watched model's attention with another's on the same tokens (see `losses.Watcher`).

    other: run in the precision of the watched pass, only on the windows `sample` (row numbers).
    """

    def __init__(self, other: PreTrainedModel, windows: Windows, sample: np.ndarray):
        self.other = other.eval()
        self.windows = windows
        self.sample = sample
        self._parts: list[_BatchBits] = []

    def observer(self, rows: np.ndarray, length: int, device: torch.device) -> DivergenceObserver:
        """An observer for the windows `rows`, cut to `length`: runs the other model on those of the sample."""
        recorder = _Recorder()
        chosen = np.flatnonzero(np.isin(rows, self.sample))
        if len(chosen):
            input_ids = long_tensor(self.windows.input_ids[rows[chosen], :length], device)  # [chosen, length]
            self.other.base_model(input_ids=input_ids, observer=recorder, use_cache=False)
        return DivergenceObserver(recorder.layers, long_tensor(chosen, device))

    def add(self, rows: np.ndarray, length: int, observer: DivergenceObserver) -> None:
        """Add the divergences of one batch. Raises UserError if the other model has more layers."""
        if observer.other:
            raise UserError(NOT_ALIKE.format(min(observer.other)))
        if observer.layers:
            sentence = self.windows.sentence_ids[rows[np.isin(rows, self.sample)], :length]  # [chosen, length]
            layers = sorted(observer.layers)
            bits = torch.stack([observer.layers[layer] for layer in layers])  # [layers, chosen, length]
            self._parts.append(_BatchBits(layers, sentence, bits))

    def table(self, section_of_sentence: np.ndarray) -> pd.DataFrame:
        """One row per layer and section: divergence (in bits, summed over its tokens) and queries (their number).

        section_of_sentence: int [sentences].
        """
        table = pd.concat([part.table() for part in self._parts])
        table["section"] = section_of_sentence[table.pop("sentence").to_numpy()]
        grouped = table.groupby(["layer", "section"], as_index=False)
        return grouped.agg(divergence=("divergence", "sum"), queries=("divergence", "size"))


@dataclass(frozen=True)
class _BatchBits:
    """Divergences of one batch: bits: [layers, chosen, T], still on the device; sentence: int [chosen, T]."""

    layers: list[int]
    sentence: np.ndarray
    bits: torch.Tensor

    def table(self) -> pd.DataFrame:
        """One row per layer and token of text."""
        inside = self.sentence != NO_ID
        bits = self.bits.cpu().numpy()[:, inside].astype(np.float64)  # [layers, tokens]
        columns = {
            "layer": np.repeat(self.layers, bits.shape[1]),
            "sentence": np.tile(self.sentence[inside], len(bits)),
        }
        return pd.DataFrame(columns | {"divergence": bits.ravel()})


def no_divergence() -> pd.DataFrame:
    """The table of a model that is not compared with another."""
    return pd.DataFrame({"layer": [], "section": [], "divergence": [], "queries": []})
