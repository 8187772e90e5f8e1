"""The locality dial: less attention to foreign blocks, at inference (method.md, The locality dial)."""

import math
from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from transformers import PreTrainedModel

from localist.attention.observed_attention import LayerInputs
from localist.evaluation.attention_statistics import StatisticsObserver
from localist.evaluation.knockout import foreign_knockout
from localist.evaluation.layer_sums import LayerSums
from localist.evaluation.losses import watched_losses
from localist.evaluation.score_bias import BiasedAttention, ScoreBias
from localist.evaluation.window_batches import long_tensor, on_device
from localist.plumbing.errors import UserError
from localist.tokens.windows import Windows


def check_dial(dial: float) -> None:
    """Raises UserError for a setting of the dial outside [0, 1]."""
    if not 0 <= dial <= 1:
        raise UserError(f"The locality dial is {dial:g}; it must be between 0 (the unchanged model) and 1.")


def dial_bias(foreign: torch.Tensor, locality: Sequence[float], dial: float) -> ScoreBias:
    """Multiplies the attention to foreign keys by 1 − d λ before normalisation.

    foreign: bool [batch, queries, keys]; locality: λ by layer; dial: d. Raises UserError for d outside [0, 1].
    """
    check_dial(dial)
    kept = {layer: 1 - dial * value for layer, value in enumerate(locality)}
    return ScoreBias(foreign, {layer: math.log(share) if share > 0 else -torch.inf for layer, share in kept.items()})


class _DialObserver:
    """Attention under the dial, and its statistics in the `late` layers."""

    def __init__(self, attention: BiasedAttention, statistics: StatisticsObserver, late: Collection[int]):
        self.attention, self.statistics, self.late = attention, statistics, late

    def observe(self, layer: int, inputs: LayerInputs) -> torch.Tensor | None:
        if layer in self.late:
            self.statistics.observe(layer, inputs, self.attention.mask(layer, inputs))
        return self.attention.observe(layer, inputs)


class Dial:
    """A setting of the dial as an intervention (see `losses.Intervention`), with the statistics of the late layers.

    own: bool [windows, T, T], as from `CausalBlocks.own_keys`; blocks: int [windows, T], on which fidelity is measured.
    knocked_out: whether attention between these blocks is also blocked in the late layers.
    """

    def __init__(
        self,
        windows: Windows,
        own: np.ndarray,
        blocks: np.ndarray,
        locality: Sequence[float],
        late: Collection[int],
        dial: float,
        knocked_out: bool,
    ):
        check_dial(dial)
        self.own, self.blocks, self.locality = own, blocks, locality
        self.late, self.dial, self.knocked_out = late, dial, knocked_out
        self.sums = LayerSums(windows, {"": blocks})
        changed = [layer for layer, value in enumerate(locality) if dial * value > 0]
        self.first_layer = min([*changed, *late])

    def observer(self, rows: np.ndarray, length: int, device: torch.device) -> "_DialObserver | BiasedAttention":
        """An observer for the windows `rows`, cut to `length`."""
        foreign = ~on_device(self.own[rows, :length, :length], device)  # [batch, length, length]
        bias = dial_bias(foreign, self.locality, self.dial)
        if self.knocked_out:
            return BiasedAttention(bias, foreign_knockout(long_tensor(self.blocks[rows, :length], device), self.late))
        return _DialObserver(BiasedAttention(bias), self.sums.observer(rows, length, device), self.late)

    def add(self, rows: np.ndarray, length: int, observer: "_DialObserver | BiasedAttention") -> None:
        """Add the statistics of one batch."""
        if isinstance(observer, _DialObserver):
            self.sums.add(rows, length, observer.statistics)


def dial_table(
    model: PreTrainedModel,
    windows: Windows,
    own: np.ndarray,
    blocks: np.ndarray,
    *,
    locality: Sequence[float],
    late: Collection[int],
    dials: Sequence[float],
    batch_size: int,
    bf16: bool,
    description: str,
) -> pd.DataFrame:
    """One row per setting d and late layer: dial, nll and nll_knockout (sums over tokens), tokens, sums of fidelity.

    own, blocks: as in `Dial`.
    """
    settings: Mapping[str, Dial] = {
        f"{dial} {knocked_out}": Dial(windows, own, blocks, locality, late, dial, knocked_out)
        for dial in dials
        for knocked_out in (False, True)
    }
    _, losses = watched_losses(
        model, windows, batch_size=batch_size, bf16=bf16, description=description, interventions=settings
    )
    nll = {name: table["nll"].to_numpy(np.float64).sum() for name, table in losses.items()}
    tokens = len(next(iter(losses.values())))
    one_section = np.zeros(int(windows.sentence_ids.max()) + 1, dtype=int)
    parts = [
        settings[f"{dial} False"]
        .sums.table("", one_section)
        .assign(dial=dial, nll=nll[f"{dial} False"], nll_knockout=nll[f"{dial} True"], tokens=tokens)
        for dial in dials
    ]
    return pd.concat(parts, ignore_index=True)
