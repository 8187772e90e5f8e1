"""Evaluation sums of a study by seed and test section, ready for resampling."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from localist.claims.bootstrap import Resampled, Totals, paired, resample
from localist.claims.faithfulness import section_sums
from localist.claims.fidelity import corrected_fidelity
from localist.claims.tables import losses_by_section
from localist.study.arms import DISTRIBUTED, Arm
from localist.study.layers import early_layers, late_layers
from localist.study.schedules import locality_by_layer

FIDELITY_SUMS = ["fidelity", "chance", "queries"]
SINK_SUMS = ["sink_share", "queries_all"]

Run = tuple[str, int]  # arm, seed
Comparison = tuple[str, int, str, int]  # arm, seed, the other arm, its seed


@dataclass(frozen=True)
class RunEvaluation:
    """What claims use of one run's evaluation.

    losses: test loss by section, as from `losses_by_section`; knockout: the same with cross-block attention knocked
    out in the late layers, by partition; layers: rows as in layers.parquet, by measured partition; precision_shift:
    nats per token by which the evaluation precision changed the loss of a sample; faithfulness: sums by section as
    from `section_sums`.
    """

    losses: pd.DataFrame
    knockout: Mapping[str, pd.DataFrame]
    layers: Mapping[str, pd.DataFrame]
    faithfulness: pd.DataFrame
    precision_shift: float = 0.0


def run_evaluation(
    tokens: pd.DataFrame,
    knockout: pd.DataFrame,
    layers: Mapping[str, pd.DataFrame],
    block_knockouts: pd.DataFrame,
    precision_shift: float = 0.0,
) -> RunEvaluation:
    """The evaluation of one run from its tables: rows as in tokens, knockout, layers and block_knockouts.parquet."""
    return RunEvaluation(
        losses=losses_by_section(tokens.loc[tokens["split"] == "test"]),
        knockout={str(name): losses_by_section(rows) for name, rows in knockout.groupby("partition")},
        layers=layers,
        faithfulness=section_sums(block_knockouts),
        precision_shift=precision_shift,
    )


@dataclass(frozen=True)
class Evidence:
    """The evaluation of a study.

    comparisons: rows as in layers.parquet of each comparison of attention; mean_chances: mean chance C by partition and
    split; measured: the partitions that runs are measured on; resamples, seed: of the bootstrap.
    """

    arms: Mapping[str, Arm]
    seeds: Sequence[int]
    measured: Sequence[str]
    runs: Mapping[Run, RunEvaluation]
    comparisons: Mapping[Comparison, pd.DataFrame]
    mean_chances: Mapping[tuple[str, str], float]
    min_locality: float
    resamples: int
    seed: int

    @cached_property
    def sections(self) -> pd.Index:
        """The test sections."""
        return self.runs[DISTRIBUTED, self.seeds[0]].losses.index

    @cached_property
    def depth(self) -> int:
        """The number of the model's layers."""
        first = self.runs[DISTRIBUTED, self.seeds[0]].layers[self.measured[0]]
        return int(first.loc[:, "layer"].max()) + 1

    def losses(self, arm: str) -> np.ndarray:
        """[seeds, sections, 2]: test loss in nats, and predicted tokens."""
        return np.stack([self.runs[arm, seed].losses.loc[self.sections].to_numpy() for seed in self.seeds])

    def knockout_losses(self, arm: str, partition: str) -> np.ndarray:
        """[seeds, sections, 2]: as `losses`, with cross-block attention knocked out in the late layers."""
        tables = [self.runs[arm, seed].knockout[partition] for seed in self.seeds]
        return np.stack([table.loc[self.sections].to_numpy() for table in tables])

    def layers(self, arm: str, partition: str, columns: Sequence[str]) -> np.ndarray:
        """[seeds, sections, layers, columns]: sums over the queries of each section."""
        return np.stack([self._by_layer(self.runs[arm, seed].layers[partition], columns) for seed in self.seeds])

    def early_divergence(self, pairs: Sequence[Comparison]) -> np.ndarray:
        """[pairs, sections, 2]: Jensen–Shannon divergence in bits of the first half of the layers, and queries.

        Only the sections in which attention was compared.
        """
        sums = np.stack([self._by_layer(self.comparisons[pair], ["divergence", "queries"]) for pair in pairs])
        early = sums[:, :, early_layers(sums.shape[2])].sum(axis=2)
        return early[:, early[0, :, 1] > 0]

    def faithfulness(self, arm: str, sections: pd.Index) -> np.ndarray:
        """[seeds, sections, 2]: sum of Spearman's ρ of attribution and effect, and the windows that have one."""
        tables = [self.runs[arm, seed].faithfulness.reindex(sections, fill_value=0.0) for seed in self.seeds]
        return np.stack([table[["rho", "rho_windows"]].to_numpy() for table in tables])

    def precision_shift(self, arm: str) -> float:
        """Nats per token by which precision changed the arm's loss relative to the distributed arm's, maximum over
        seeds."""
        shifts = [
            self.runs[arm, seed].precision_shift - self.runs[DISTRIBUTED, seed].precision_shift for seed in self.seeds
        ]
        return max(map(abs, shifts))

    def mean_chance(self, partition: str, split: str) -> float:
        """Mean chance C of a partition on the windows of a split."""
        return self.mean_chances[partition, split]

    def fidelity_gain(self, arm: str) -> Resampled:
        """Chance-corrected fidelity that the constraint added on the arm's partition, over layers weighted by λ.

        arm: a constrained one.
        """
        row = self.arms[arm]
        assert row.schedule is not None and row.partition is not None
        sums = [self.layers(name, row.partition, FIDELITY_SUMS) for name in (arm, DISTRIBUTED)]
        depth = sums[0].shape[2]
        locality = np.array(locality_by_layer(row.schedule, depth, min_locality=self.min_locality, degree=row.degree))

        def gain(totals: Totals) -> np.ndarray:
            own, base = np.split(totals[0], 2, axis=-1)  # each […, layers, 3]
            with np.errstate(invalid="ignore"):
                return ((fidelity_of_sums(own) - fidelity_of_sums(base)) * locality).sum(-1) / locality.sum()

        return self.resample([paired(*sums)], gain)

    def late_sums(self, arm: str, partition: str, columns: Sequence[str]) -> np.ndarray:
        """[seeds, sections, columns]: sums over the last third of the layers."""
        sums = self.layers(arm, partition, columns)
        return sums[:, :, late_layers(sums.shape[2])].sum(axis=2)

    def resample(
        self,
        samples: Totals,
        estimate: Callable[[Totals], np.ndarray],
        rings: Sequence[bool] | None = None,
    ) -> Resampled:
        """`bootstrap.resample` with the study's number of resamples and seed."""
        return resample(samples, estimate, resamples=self.resamples, seed=self.seed, rings=rings)

    def _by_layer(self, table: pd.DataFrame, columns: Sequence[str]) -> np.ndarray:
        """[sections, layers, columns] from a table with one row per layer and section; 0 for missing rows."""
        wide = table.pivot(index="section", columns="layer", values=list(columns)).reindex(self.sections).fillna(0.0)
        return wide.to_numpy().reshape(len(self.sections), len(columns), -1).transpose(0, 2, 1)


def fidelity_of_sums(sums: np.ndarray) -> np.ndarray:
    """Chance-corrected fidelity of sums […, (fidelity, chance, queries)]."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return corrected_fidelity(sums[..., 0] / sums[..., 2], sums[..., 1] / sums[..., 2])
