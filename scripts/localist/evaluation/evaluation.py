"""Measuring one model on held-out windows: per-token loss, and attention statistics by layer and section."""

from collections.abc import Iterator, Mapping
from typing import Protocol

import numpy as np
import pandas as pd
import torch
from torch.nn.functional import cross_entropy
from tqdm import tqdm
from transformers import PreTrainedModel

from localist.attention.observed_attention import Observer
from localist.evaluation.attention_statistics import (
    PLAIN_SUMS,
    SPREAD_SUMS,
    VISIBLE_SUMS,
    PassageObserver,
    StatisticsObserver,
)
from localist.tokens.windows import NO_ID, Windows

SUM_GROUPS = {"plain": PLAIN_SUMS, "visible": VISIBLE_SUMS, "spread": SPREAD_SUMS}
GROUP_COUNTS = {"plain": "queries_all", "visible": "queries_visible", "spread": "queries_spread"}
# How many keys V(i) must hold for a query to count in each group.
KEYS_NEEDED = {"plain": 0, "visible": 1, "spread": 2}


class Watcher(Protocol):
    """What looks at the attention of an evaluated model, batch by batch."""

    def observer(self, rows: np.ndarray, length: int, device: torch.device) -> Observer:
        """An observer for the windows `rows`, cut to `length`."""

    def add(self, rows: np.ndarray, length: int, observer: Observer) -> None:
        """Take in what that observer has seen."""


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

    A watcher sees the attention of every batch, and may change it.
    """
    model.eval()
    columns: dict[str, list[np.ndarray]] = {name: [] for name in ("window", "position", "sentence", "nll", "correct")}
    is_text = windows.is_text
    with torch.inference_mode(), tqdm(total=int(is_text.sum()), desc=description, unit="tok", mininterval=2) as bar:
        for rows, length in batches_by_length(windows, batch_size):
            input_ids = torch.as_tensor(windows.input_ids[rows, :length].astype(np.int64), device=model.device)
            observer = watcher.observer(rows, length, model.device) if watcher else None
            with torch.autocast(model.device.type, dtype=torch.bfloat16, enabled=bf16):
                logits = model(input_ids=input_ids, observer=observer, use_cache=False).logits
            # Position p is predicted from p − 1.
            is_target = is_text[rows, 1:length]
            chosen = torch.as_tensor(is_target, device=model.device)
            predicted, targets = logits[:, :-1][chosen].float(), input_ids[:, 1:][chosen]  # [targets, vocabulary]
            row, place = np.nonzero(is_target)
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
    """Window numbers of each batch, longest first so that little padding is computed, and the batch's length."""
    lengths = np.asarray(windows.is_text).sum(axis=1) + 1
    order = np.argsort(-lengths, kind="stable")
    for first in range(0, len(order), batch_size):
        rows = order[first : first + batch_size]
        yield rows, int(lengths[rows].max())


class LayerSums:
    """Per layer, section and measured partition: sums and counts, so that any average can be made from them."""

    def __init__(self, windows: Windows, blocks: Mapping[str, np.ndarray]):
        self.windows = windows
        self.blocks = blocks
        self.parts: dict[str, list[pd.DataFrame]] = {name: [] for name in blocks}

    def observer(self, rows: np.ndarray, length: int, device: torch.device) -> StatisticsObserver:
        """An observer for one batch of windows cut to `length`."""
        blocks = {name: torch.as_tensor(ids[rows, :length].astype(np.int64)) for name, ids in self.blocks.items()}
        is_text = torch.as_tensor(self.windows.sentence_ids[rows, :length] != NO_ID)
        return StatisticsObserver({name: ids.to(device) for name, ids in blocks.items()}, is_text.to(device))

    def add(self, rows: np.ndarray, length: int, observer: StatisticsObserver) -> None:
        """Add what an observer of this batch has seen."""
        sentence = self.windows.sentence_ids[rows, :length]
        inside = sentence != NO_ID
        layers = sorted(observer.layers)
        found = {
            name: torch.stack([observer.layers[layer][name] for layer in layers]).cpu().numpy()[:, inside].ravel()
            for name in observer.layers[layers[0]]
        }  # each [layers × text tokens]
        count = int(inside.sum())
        shared = {"layer": np.repeat(layers, count), "sentence": np.tile(sentence[inside], len(layers))}
        for group, names in SUM_GROUPS.items():
            used = found["visible_keys"] >= KEYS_NEEDED[group]
            shared[GROUP_COUNTS[group]] = used.astype(np.float64)
            shared |= {name: np.where(used, found[name], 0.0).astype(np.float64) for name in names}
        for name in self.blocks:
            chance = found[f"chance:{name}"]
            counted = (chance > 0) & (chance < 1)
            own = {
                "queries": counted.astype(np.float64),
                "fidelity": np.where(counted, found[f"fidelity:{name}"], 0.0).astype(np.float64),
                "chance": np.where(counted, chance, 0.0).astype(np.float64),
            }
            self.parts[name].append(pd.DataFrame(shared | own).groupby(["layer", "sentence"], as_index=False).sum())

    def table(self, partition: str, section_of_sentence: np.ndarray) -> pd.DataFrame:
        """One row per layer and section: sums over its queries, and the counts that belong to them."""
        every = pd.concat(self.parts[partition])
        every["section"] = section_of_sentence[every.pop("sentence").to_numpy()]
        table = every.groupby(["layer", "section"], as_index=False).sum()
        counts = ["queries", *GROUP_COUNTS.values()]
        table[counts] = table[counts].astype(np.int64)
        return table


def split_metrics(losses: pd.DataFrame, byte_count: int) -> dict[str, float]:
    """Perplexity, bits per byte and next-token accuracy of one split, with the sums behind them."""
    total, tokens = float(losses["nll"].astype(np.float64).sum()), len(losses)
    return {
        "nll": total,
        "tokens": tokens,
        "bytes": byte_count,
        "perplexity": float(np.exp(total / tokens)),
        "bits_per_byte": total / np.log(2) / byte_count,
        "accuracy": float(losses["correct"].mean()),
    }


def sample_windows(windows: Windows, token_count: int, seed: int) -> Windows:
    """A fixed random sample of windows with about `token_count` predicted tokens, in text order."""
    lengths = np.asarray(windows.is_text).sum(axis=1)
    order = np.random.default_rng(seed).permutation(len(lengths))
    enough = int(np.searchsorted(np.cumsum(lengths[order]), token_count)) + 1
    rows = np.sort(order[:enough])
    return windows.take(rows)


def passage_window(blocks: np.ndarray, tokens: int) -> int:
    """The first window whose opening `tokens` tokens lie in the most blocks: the passage worth drawing."""
    return int(np.argmax([len(np.unique(row[1:tokens][row[1:tokens] >= 0])) for row in blocks]))


def passage_attention(model: PreTrainedModel, input_ids: np.ndarray, layers: list[int], bf16: bool) -> np.ndarray:
    """float32 [layers, P, P]: attention averaged over heads for one passage of P tokens, the sink first."""
    observer = PassageObserver(layers)
    model.eval()
    with torch.inference_mode(), torch.autocast(model.device.type, dtype=torch.bfloat16, enabled=bf16):
        model(input_ids=torch.as_tensor(input_ids[None].astype(np.int64), device=model.device), observer=observer)
    return np.stack([observer.attention[layer].cpu().numpy() for layer in layers])
