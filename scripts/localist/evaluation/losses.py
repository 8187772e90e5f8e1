"""Losses of one model on held-out windows, token by token, and the metrics of a split."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd
import torch
from torch.nn.functional import cross_entropy
from tqdm import tqdm
from transformers import PreTrainedModel

from localist.attention.observed_attention import LayerInputs, Observer
from localist.evaluation.lower_layers import LowerLayers
from localist.evaluation.window_batches import batches_by_length, long_tensor
from localist.tokens.windows import Windows

# Tokens whose logits are processed together: on a CPU, few enough for a core's cache; on a GPU, many.
CPU_TOKENS = 32
GPU_TOKENS = 4096


class Watcher(Protocol):
    """Observes the attention of an evaluated model, batch by batch."""

    def observer(self, rows: np.ndarray, length: int, device: torch.device) -> Observer:
        """An observer for the windows `rows`, cut to `length`."""
        ...

    def add(self, rows: np.ndarray, length: int, observer: Any) -> None:
        """Collect what the observer of this batch (made by `observer`) recorded."""
        ...


class Intervention(Protocol):
    """Changes the attention of some layers of an evaluated model; first_layer: the lowest of them."""

    first_layer: int

    def observer(self, rows: np.ndarray, length: int, device: torch.device) -> Observer:
        """An observer that computes those layers for the windows `rows`, cut to `length`."""
        ...

    def add(self, rows: np.ndarray, length: int, observer: Any) -> None:
        """Collect what the observer of this batch (made by `observer`) recorded."""
        ...


def token_losses(
    model: PreTrainedModel, windows: Windows, *, batch_size: int, bf16: bool, description: str
) -> pd.DataFrame:
    """Loss of every predicted token (window, position, sentence, nll in nats, correct), in text order.

    `description` labels the progress bar.
    """
    return watched_losses(model, windows, batch_size=batch_size, bf16=bf16, description=description)[0]


def watched_losses(
    model: PreTrainedModel,
    windows: Windows,
    *,
    batch_size: int,
    bf16: bool,
    description: str,
    watchers: Sequence[Watcher] = (),
    interventions: Mapping[str, Intervention] | None = None,
) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    """Like `token_losses`, plus the losses under each intervention; watchers see the unmodified attention.

    Layers below the first that an intervention changes are computed once.
    """
    interventions = interventions or {}
    plain, changed = _LossTable(windows), {name: _LossTable(windows) for name in interventions}
    model.eval()
    first = min((one.first_layer for one in interventions.values()), default=0)
    lower = LowerLayers(model, first)
    with (
        torch.inference_mode(),
        torch.autocast(model.device.type, dtype=torch.bfloat16, enabled=bf16),
        tqdm(total=int(windows.is_text.sum()), desc=description, unit="tok", mininterval=2) as bar,
    ):
        for rows, length in batches_by_length(windows, batch_size):
            input_ids = long_tensor(windows.input_ids[rows, :length], model.device)  # [batch, length]
            observers = [watcher.observer(rows, length, model.device) for watcher in watchers]
            with lower.recorded():
                logits = model(input_ids=input_ids, observer=_Observers(observers), use_cache=False).logits
            plain.add(rows, input_ids, logits)
            for watcher, observer in zip(watchers, observers, strict=True):
                watcher.add(rows, length, observer)
            for name, intervention in interventions.items():
                observer = intervention.observer(rows, length, model.device)
                with lower.replayed():
                    logits = model(input_ids=input_ids, observer=observer, use_cache=False).logits
                changed[name].add(rows, input_ids, logits)
                intervention.add(rows, length, observer)
            bar.update(int(windows.is_text[rows].sum()))
    return plain.table(), {name: table.table() for name, table in changed.items()}


class _Observers:
    """Several observers of one forward pass that do not change it."""

    def __init__(self, observers: Sequence[Observer]):
        self.observers = observers

    def observe(self, layer: int, inputs: LayerInputs) -> None:
        for observer in self.observers:
            observer.observe(layer, inputs)


class _LossTable:
    """Collects the losses of all predicted tokens, batch by batch."""

    def __init__(self, windows: Windows):
        self.windows = windows
        self._batches: list[tuple[np.ndarray, torch.Tensor, torch.Tensor]] = []

    def add(self, rows: np.ndarray, input_ids: torch.Tensor, logits: torch.Tensor) -> None:
        """input_ids: long [batch, length] of the windows `rows`; logits: [batch, length, vocabulary]."""
        targets = input_ids.roll(-1, dims=1)  # position p is predicted from p − 1; the last position predicts nothing
        nll, correct = chunked_losses(logits.flatten(0, 1), targets.flatten())
        self._batches.append((rows, nll.view_as(input_ids), correct.view_as(input_ids)))

    def table(self) -> pd.DataFrame:
        """The losses in text order. Waits for the device that computes them."""
        parts = []
        for rows, nll, correct in self._batches:
            is_text = np.asarray(self.windows.is_text[rows, : nll.shape[1]])  # [batch, length]
            window, position = np.nonzero(is_text)
            columns = {
                "window": rows[window],
                "position": position,
                "sentence": self.windows.sentence_ids[rows[window], position],
                "nll": nll.cpu().numpy()[window, position - 1],
                "correct": correct.cpu().numpy()[window, position - 1],
            }
            parts.append(pd.DataFrame(columns))
        return pd.concat(parts).sort_values(["window", "position"], ignore_index=True)


def chunked_losses(logits: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Loss in nats, float32, and whether the most likely token is the target, each [tokens].

    logits: [tokens, vocabulary]; targets: long [tokens].
    """
    size = GPU_TOKENS if logits.device.type == "cuda" else CPU_TOKENS
    nll, correct = [], []
    for chunk, target in zip(logits.split(size), targets.split(size), strict=True):
        exact = chunk.float()
        nll.append(cross_entropy(exact, target, reduction="none"))
        correct.append(exact.argmax(-1) == target)
    return torch.cat(nll), torch.cat(correct)


def split_metrics(losses: pd.DataFrame, byte_count: int) -> dict[str, float]:
    """Perplexity, bits per byte and next-token accuracy of one split, with the underlying sums."""
    total, tokens = float(losses["nll"].to_numpy(np.float64).sum()), len(losses)
    return {
        "nll": total,
        "tokens": tokens,
        "bytes": byte_count,
        "perplexity": float(np.exp(total / tokens)),
        "bits_per_byte": total / np.log(2) / byte_count,
        "accuracy": float(losses["correct"].to_numpy().mean()),
    }


def sample_rows(windows: Windows, token_count: int | None, seed: int) -> np.ndarray:
    """The rows, in order, of a fixed random sample of windows with about `token_count` predicted tokens; None: all."""
    if token_count is None:
        return np.arange(len(windows.input_ids))
    lengths = np.asarray(windows.is_text).sum(axis=1)
    order = np.random.default_rng(seed).permutation(len(lengths))
    enough = int(np.searchsorted(np.cumsum(lengths[order]), token_count)) + 1
    return np.sort(order[:enough])
