"""What the evaluation files of a study say, as sums by seed and test section, ready to be resampled."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from localist.claims.bootstrap import Resampled, paired, resample
from localist.claims.fidelity import corrected_fidelity
from localist.claims.tables import losses_by_section
from localist.plumbing.files import read_json
from localist.study.arms import DISTRIBUTED, Arm
from localist.study.layers import early_layers, late_layers
from localist.study.schedules import locality_by_layer

FIDELITY_SUMS = ["fidelity", "chance", "queries"]
SINK_SUMS = ["sink_share", "queries_all"]


@dataclass(frozen=True)
class Evidence:
    """The evaluation files under `results`, of these arms and seeds.

    measured: the partitions that runs are measured on; pairs: (arm, seed, other, other seed) of every comparison.
    """

    results: Path
    arms: Mapping[str, Arm]
    seeds: Sequence[int]
    measured: Sequence[str]
    pairs: Sequence[tuple[str, int, str, int]]
    min_locality: float
    resamples: int
    seed: int

    @cached_property
    def sections(self) -> pd.Index:
        """The test sections."""
        return self._test_losses(DISTRIBUTED, self.seeds[0]).index

    def losses(self, arm: str) -> np.ndarray:
        """[seeds, sections, 2]: test loss in nats, and predicted tokens."""
        return np.stack([self._test_losses(arm, seed).loc[self.sections].to_numpy() for seed in self.seeds])

    def knockout_losses(self, arm: str, partition: str) -> np.ndarray:
        """[seeds, sections, 2]: as `losses`, with cross-block attention knocked out in the late layers."""
        tables = [pd.read_parquet(self._folder(arm, seed) / "knockout.parquet") for seed in self.seeds]
        knocked_out = [losses_by_section(table[table["partition"] == partition]) for table in tables]
        return np.stack([table.loc[self.sections].to_numpy() for table in knocked_out])

    def layers(self, arm: str, partition: str, columns: Sequence[str]) -> np.ndarray:
        """[seeds, sections, layers, columns]: sums over the queries of each section."""
        paths = [self._folder(arm, seed) / partition / "layers.parquet" for seed in self.seeds]
        return np.stack([self._by_layer(path, columns) for path in paths])

    def early_divergence(self, pairs: Sequence[tuple[str, int, str, int]]) -> np.ndarray:
        """[pairs, sections, 2]: Jensen–Shannon divergence in bits of the first half of the layers, and queries."""
        paths = [
            self.results / "comparisons" / arm / f"seed{seed}" / other / f"seed{other_seed}" / "layers.parquet"
            for arm, seed, other, other_seed in pairs
        ]
        found = np.stack([self._by_layer(path, ["divergence", "queries"]) for path in paths])
        return found[:, :, early_layers(found.shape[2])].sum(axis=2)

    def mean_chance(self, partition: str, split: str) -> float:
        """Mean chance C of a partition on the windows of a split."""
        return read_json(self.results / "blocks" / partition / "summary.json")["splits"][split]["mean_chance"]

    def fidelity_gain(self, arm: str) -> Resampled:
        """Chance-corrected fidelity that the constraint added on the arm's partition, over layers weighted by λ."""
        row = self.arms[arm]
        sums = [self.layers(name, row.partition, FIDELITY_SUMS) for name in (arm, DISTRIBUTED)]
        depth = sums[0].shape[2]
        locality = np.array(locality_by_layer(row.schedule, depth, min_locality=self.min_locality, degree=row.degree))

        def gain(totals: Sequence[np.ndarray]) -> np.ndarray:
            own, base = np.split(totals[0], 2, axis=-1)  # each […, layers, 3]
            with np.errstate(invalid="ignore"):
                return ((fidelity_of_sums(own) - fidelity_of_sums(base)) * locality).sum(-1) / locality.sum()

        return self.resample([paired(*sums)], gain)

    def late_sums(self, arm: str, partition: str, columns: Sequence[str]) -> np.ndarray:
        """[seeds, sections, columns]: sums over the last third of the layers."""
        found = self.layers(arm, partition, columns)
        return found[:, :, late_layers(found.shape[2])].sum(axis=2)

    def resample(self, samples: Sequence[np.ndarray], estimate: Callable, **options) -> Resampled:
        """`bootstrap.resample` with the study's number of resamples and seed."""
        return resample(samples, estimate, resamples=self.resamples, seed=self.seed, **options)

    def _folder(self, arm: str, seed: int) -> Path:
        return self.results / "evaluation" / arm / f"seed{seed}"

    def _test_losses(self, arm: str, seed: int) -> pd.DataFrame:
        tokens = pd.read_parquet(self._folder(arm, seed) / "tokens.parquet", columns=["section", "nll", "split"])
        return losses_by_section(tokens[tokens["split"] == "test"])

    def _by_layer(self, path: Path, columns: Sequence[str]) -> np.ndarray:
        """[sections, layers, columns] of a table with one row per layer and section; what has no row is 0."""
        table = pd.read_parquet(path, columns=["layer", "section", *columns])
        wide = table.pivot(index="section", columns="layer", values=list(columns)).reindex(self.sections).fillna(0.0)
        return wide.to_numpy().reshape(len(self.sections), len(columns), -1).transpose(0, 2, 1)


def fidelity_of_sums(sums: np.ndarray) -> np.ndarray:
    """Chance-corrected fidelity of sums […, (fidelity, chance, queries)]."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return corrected_fidelity(sums[..., 0] / sums[..., 2], sums[..., 1] / sums[..., 2])
