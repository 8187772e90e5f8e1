"""Losses of one model on held-out windows, token by token, and the metrics of a split."""

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import pandas as pd
import torch
from torch.nn.functional import cross_entropy
from tqdm import tqdm
from transformers import PreTrainedModel

from localist.attention.observed_attention import Observer
from localist.tokens.windows import Windows


class Watcher(Protocol):
    """Observes the attention of an evaluated model, batch by batch."""

    def observer(self, rows: np.ndarray, length: int, device: torch.device) -> Observer:
        """An observer for the windows `rows`, cut to `length`."""
        ...

    def add(self, rows: np.ndarray, length: int, observer: Any) -> None:
        """Collect what the observer of this batch (made by `observer`) recorded."""
        ...


def token_losses(
    model: PreTrainedModel,
    windows: Windows,
    *,
    batch_size: int,
    bf16: bool,
    description: str,
    watcher: Watcher | None = None,
) -> pd.DataFrame:
    """Loss of every predicted token (window, position, sentence, nll in nats, correct), in text order.

    A watcher sees the attention of every batch, and may change it. `description` labels the progress bar.
    """
    model.eval()
    columns: dict[str, list[np.ndarray]] = {name: [] for name in ("window", "position", "sentence", "nll", "correct")}
    is_text = windows.is_text
    with torch.inference_mode(), tqdm(total=int(is_text.sum()), desc=description, unit="tok", mininterval=2) as bar:
        for rows, length in batches_by_length(windows, batch_size):
            # [batch, length]
            input_ids = torch.as_tensor(windows.input_ids[rows, :length].astype(np.int64), device=model.device)
            observer = watcher.observer(rows, length, model.device) if watcher else None
            with torch.autocast(model.device.type, dtype=torch.bfloat16, enabled=bf16):
                logits = model(input_ids=input_ids, observer=observer, use_cache=False).logits
            # Position p is predicted from p − 1.
            is_target = is_text[rows, 1:length]  # [batch, length - 1]
            chosen = torch.as_tensor(is_target, device=model.device)
            predicted, targets = logits[:, :-1][chosen].float(), input_ids[:, 1:][chosen]  # [targets, vocabulary]
            row, place = np.nonzero(is_target)  # [targets] each
            columns["window"].append(rows[row])
            columns["position"].append(place + 1)
            columns["sentence"].append(windows.sentence_ids[rows[row], place + 1])
            columns["nll"].append(cross_entropy(predicted, targets, reduction="none").cpu().numpy())
            columns["correct"].append((predicted.argmax(-1) == targets).cpu().numpy())
            if watcher:
                watcher.add(rows, length, observer)
            bar.update(len(row))
    table = pd.DataFrame({name: np.concatenate(parts) for name, parts in columns.items()})
    return table.sort_values(["window", "position"], ignore_index=True)


def batches_by_length(windows: Windows, batch_size: int) -> Iterator[tuple[np.ndarray, int]]:
    """Row numbers of each batch of windows, longest first to save padding, and the batch's length in tokens."""
    lengths = np.asarray(windows.is_text).sum(axis=1) + 1
    order = np.argsort(-lengths, kind="stable")
    for first in range(0, len(order), batch_size):
        rows = order[first : first + batch_size]
        yield rows, int(lengths[rows].max())


def split_metrics(losses: pd.DataFrame, byte_count: int) -> dict[str, float]:
    """Perplexity, bits per byte and next-token accuracy of one split, with the sums behind them."""
    total, tokens = float(losses["nll"].to_numpy(np.float64).sum()), len(losses)
    return {
        "nll": total,
        "tokens": tokens,
        "bytes": byte_count,
        "perplexity": float(np.exp(total / tokens)),
        "bits_per_byte": total / np.log(2) / byte_count,
        "accuracy": float(losses["correct"].to_numpy().mean()),
    }


def sample_windows(windows: Windows, token_count: int, seed: int) -> Windows:
    """A fixed random sample of windows with about `token_count` predicted tokens, in text order."""
    lengths = np.asarray(windows.is_text).sum(axis=1)
    order = np.random.default_rng(seed).permutation(len(lengths))
    enough = int(np.searchsorted(np.cumsum(lengths[order]), token_count)) + 1
    rows = np.sort(order[:enough])
    return windows.take(rows)
