"""Settings and files of one training run. Imports nothing heavy, since the job's script reads them first."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from localist.tokens.windows import Windows


@dataclass(frozen=True)
class Optimisation:
    """How long and how fast to train.

    token_budget: predicted tokens, without padding; batch_size: in windows; warmup_ratio: share of the steps over which
    the learning rate and the constraint rise; max_grad_norm: threshold for gradient clipping.
    """

    token_budget: int
    batch_size: int
    learning_rate: float
    warmup_ratio: float
    weight_decay: float
    max_grad_norm: float

    def steps(self, windows: Windows) -> int:
        """Optimiser steps that use up the token budget with windows as full as these on average, at least one."""
        tokens_per_step = self.batch_size * windows.is_text.sum() / len(windows.input_ids)
        return max(1, math.ceil(self.token_budget / tokens_per_step))


@dataclass(frozen=True)
class TrainingSettings:
    """Settings that all runs of a study share and that determine their results.

    precision: auto, bf16 or fp32; threads: of torch, per process; gpus: number of processes, one per GPU; 0 computes on
    the CPU; deterministic: bitwise reproducible results on a GPU; budget: for arms with a perplexity budget; trainer:
    additional TrainingArguments by name; lora: None if all weights are trained.
    """

    optimisation: Optimisation
    precision: str
    threads: int
    gpus: int
    deterministic: bool = True
    budget: BudgetSettings | None = None
    trainer: Mapping[str, Any] = field(default_factory=dict)
    lora: LoraSettings | None = None

    @classmethod
    def from_config(cls, training: Mapping[str, Any], budget: Mapping[str, Any] | None = None) -> TrainingSettings:
        """From the config sections `training` (its other keys are ignored) and `constraint.budget`.

        budget: None for arms with a fixed α. The keys trainer and lora may be missing if they are empty.
        """
        optimisation = Optimisation(**{one.name: training[one.name] for one in fields(Optimisation)})
        own = {name: training[name] for name in ("precision", "threads", "gpus", "deterministic")}
        lora = training.get("lora", {})
        return cls(
            optimisation,
            **own,
            budget=BudgetSettings(**budget) if budget else None,
            trainer=training.get("trainer", {}),
            lora=LoraSettings(**lora) if lora.get("rank") else None,
        )

    def of_training(self) -> dict[str, Any]:
        """The non-empty keys among trainer and lora, as plain data."""
        said = {"trainer": dict(self.trainer), "lora": asdict(self.lora) if self.lora else None}
        return {name: value for name, value in said.items() if value}


@dataclass(frozen=True)
class LoraSettings:
    """Low-rank adapters that are trained instead of the weights: the keys of `training.lora` in config.

    alpha: adapters are scaled by alpha / rank; target_modules: name suffixes of the layers with adapters; None: all
    linear layers except the head.
    """

    rank: int
    alpha: float
    target_modules: Sequence[str] | None = None


@dataclass(frozen=True)
class BudgetSettings:
    """How α is adapted to a perplexity budget: the keys of `constraint.budget` in config.

    weight: initial α for a budget of 1 %, multiplied for other budgets by their value in percent to the power 2/3;
    min_weight, max_weight: bounds of α; rate: the rise of log α over a run without any excess loss; smoothing: the
    share of the previous mean that the moving average keeps.
    """

    weight: float
    min_weight: float
    max_weight: float
    rate: float
    smoothing: float


@dataclass(frozen=True)
class ReferenceRun:
    """The files of a finished run: history.csv and settings.json."""

    history: Path
    settings: Path


@dataclass(frozen=True)
class RunInputs:
    """Files that a run reads.

    model: a Hugging Face folder; tokens: the folder of the training windows; blocks: their block ids, int [windows, T]
    (None for an arm without blocks); code: the source files that determine the result; reference: the distributed run
    against which a perplexity budget is measured.
    """

    model: Path
    tokens: Path
    blocks: Path | None
    code: tuple[Path, ...]
    reference: ReferenceRun | None = None

    def data_files(self) -> list[Path]:
        """Files and folders whose contents determine the result, besides the code."""
        files = (self.model, self.tokens, self.blocks, self.reference and self.reference.history)
        return [path for path in files if path]


@dataclass(frozen=True)
class RunOutputs:
    """Files that a run writes: the model folder, history.csv and settings.json.

    snapshots: number of training tokens → folder of the model at that point; reports: the folder for training monitors
    such as TensorBoard, if any.
    """

    model: Path
    history: Path
    settings: Path
    snapshots: Mapping[int, Path] = field(default_factory=dict)
    reports: Path | None = None
