"""Sums of attention statistics by layer, section and measured partition, from which any average can be made."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import torch

from localist.evaluation.attention_statistics import StatisticsObserver
from localist.evaluation.measures import KEYS_NEEDED, MEASURES
from localist.evaluation.window_batches import long_tensor
from localist.tokens.windows import NO_ID, Windows


class LayerSums:
    """Watches the attention of a model (see `losses.Watcher`) and adds up its statistics under several partitions.

    blocks: measured partition → int [windows, T], -1 on sink and padding.
    """

    def __init__(self, windows: Windows, blocks: Mapping[str, np.ndarray]):
        self.windows = windows
        self.blocks = blocks
        self.parts: dict[str, list[pd.DataFrame]] = {name: [] for name in blocks}

    def observer(self, rows: np.ndarray, length: int, device: torch.device) -> StatisticsObserver:
        """An observer for the windows `rows`, cut to `length`."""
        blocks = {name: long_tensor(ids[rows, :length], device) for name, ids in self.blocks.items()}
        is_text = torch.as_tensor(self.windows.is_text[rows, :length], device=device)
        return StatisticsObserver(blocks, is_text)

    def add(self, rows: np.ndarray, length: int, observer: StatisticsObserver) -> None:
        """Add the statistics of one batch."""
        sentence = self.windows.sentence_ids[rows, :length]  # [batch, length]
        inside = sentence != NO_ID
        layers = sorted(observer.layers)
        statistics = {
            name: torch.stack([observer.layers[layer][name] for layer in layers]).cpu().numpy()[:, inside].ravel()
            for name in observer.names
        }  # each [layers × text tokens]
        count = int(inside.sum())
        shared = {"layer": np.repeat(layers, count), "sentence": np.tile(sentence[inside], len(layers))}
        for queries, keys_needed in KEYS_NEEDED.items():
            used = statistics["visible_keys"] >= keys_needed
            shared[queries] = used.astype(np.float64)
            names = (name for name, measure in MEASURES.items() if measure.queries == queries)
            shared |= {name: np.where(used, statistics[name], 0.0).astype(np.float64) for name in names}
        for name in self.blocks:
            chance = statistics[f"chance:{name}"]
            counted = (chance > 0) & (chance < 1)
            own = {
                "queries": counted.astype(np.float64),
                "fidelity": np.where(counted, statistics[f"fidelity:{name}"], 0.0).astype(np.float64),
                "chance": np.where(counted, chance, 0.0).astype(np.float64),
            }
            self.parts[name].append(
                pd.DataFrame(shared | own).groupby(["layer", "sentence"], as_index=False).agg("sum")
            )

    def table(self, partition: str, section_of_sentence: np.ndarray) -> pd.DataFrame:
        """One row per layer and section: sums over its queries, and the counts that belong to them.

        section_of_sentence: int [sentences].
        """
        every = pd.concat(self.parts[partition])
        every["section"] = section_of_sentence[every.pop("sentence").to_numpy()]
        table = every.groupby(["layer", "section"], as_index=False).agg("sum")
        counts = ["queries", *KEYS_NEEDED]
        table[counts] = table[counts].astype(np.int64)
        return table
