"""Sums of attention statistics by layer, section and measured partition, from which any average can be made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from localist.evaluation.attention_statistics import StatisticsObserver
from localist.evaluation.measures import KEYS_NEEDED, MEASURES
from localist.evaluation.window_batches import long_tensor, on_device
from localist.tokens.windows import NO_ID, Windows


class LayerSums:
    """Watches the attention of a model (see `losses.Watcher`) and sums its statistics under several partitions.

    blocks: measured partition → int [windows, T], -1 on sink and padding.
    """

    def __init__(self, windows: Windows, blocks: Mapping[str, np.ndarray]):
        self.windows = windows
        self.blocks = blocks
        self._parts: list[_BatchSums] = []

    def observer(self, rows: np.ndarray, length: int, device: torch.device) -> StatisticsObserver:
        """An observer for the windows `rows`, cut to `length`."""
        blocks = {name: long_tensor(ids[rows, :length], device) for name, ids in self.blocks.items()}
        is_text = on_device(np.asarray(self.windows.is_text[rows, :length]), device)
        return StatisticsObserver(blocks, is_text)

    def add(self, rows: np.ndarray, length: int, observer: StatisticsObserver) -> None:
        """Add the statistics of one batch, without waiting for the device that computes them."""
        sentence = self.windows.sentence_ids[rows, :length]  # [batch, length]
        sentences, place = np.unique(sentence, return_inverse=True)
        layers = sorted(observer.layers)
        columns = self._columns(observer, layers)
        values = torch.stack(list(columns.values()))  # [columns, layers, batch, length]
        sums = values.new_zeros((*values.shape[:2], len(sentences)))
        sums.index_add_(2, long_tensor(place.ravel(), values.device), values.flatten(2))
        self._parts.append(_BatchSums(layers, sentences, list(columns), sums))

    def _columns(self, observer: StatisticsObserver, layers: Sequence[int]) -> dict[str, torch.Tensor]:
        """The values summed over queries: column → float64 [layers, batch, length], 0 for unused queries."""
        values = torch.stack([observer.layers[layer] for layer in layers], dim=1)  # [statistics, layers, batch, length]
        statistics = dict(zip(observer.names, values.double(), strict=True))
        visible_count = torch.stack([observer.visible[layer].visible_count for layer in layers])
        chances = torch.stack([observer.visible[layer].chance for layer in layers], dim=1)
        columns = {}
        for queries, keys_needed in KEYS_NEEDED.items():
            used = (visible_count >= keys_needed).double()
            columns[queries] = used
            names = (name for name, measure in MEASURES.items() if measure.queries == queries)
            columns |= {name: statistics[name] * used for name in names}
        for partition, chance in zip(self.blocks, chances, strict=True):
            counted = ((chance > 0) & (chance < 1)).double()
            own = {"queries": counted, "fidelity": statistics[f"fidelity:{partition}"] * counted}
            columns |= {f"{name}:{partition}": value for name, value in (own | {"chance": chance * counted}).items()}
        return columns

    def table(self, partition: str, section_of_sentence: np.ndarray) -> pd.DataFrame:
        """One row per layer and section: sums over its queries, and the corresponding counts.

        section_of_sentence: int [sentences].
        """
        every = pd.concat([part.table() for part in self._parts])
        every = every[every["sentence"] != NO_ID]
        every["section"] = section_of_sentence[every.pop("sentence").to_numpy()]
        of_partition = {f"{name}:{partition}": name for name in ("queries", "fidelity", "chance")}
        table = every.groupby(["layer", "section"], as_index=False).agg("sum").rename(columns=of_partition)
        table = table[[name for name in table if ":" not in str(name)]]
        counts = ["queries", *KEYS_NEEDED]
        return table.astype(dict.fromkeys(counts, np.int64))


@dataclass(frozen=True)
class _BatchSums:
    """Sums of one batch: sums: float64 [columns, layers, sentences], still on the device."""

    layers: list[int]
    sentences: np.ndarray  # int [sentences]
    columns: list[str]
    sums: torch.Tensor

    def table(self) -> pd.DataFrame:
        """One row per layer and sentence."""
        rows = self.sums.flatten(1).T.cpu().numpy()  # [layers × sentences, columns]
        table = pd.DataFrame(rows, columns=self.columns)
        table.insert(0, "layer", np.repeat(self.layers, len(self.sentences)))
        table.insert(1, "sentence", np.tile(self.sentences, len(self.layers)))
        return table
