"""Check, before the first run, that the model can be trained, and estimate the required time and disk space."""

import logging
import math
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from transformers import PreTrainedModel

from localist.attention.models import check_model, shape_of_model
from localist.attention.precision import uses_bf16
from localist.plumbing.errors import UserError
from localist.plumbing.files import write_json
from localist.plumbing.rule_log import rule_log
from localist.study.trainer_keys import CHECKPOINTING
from localist.training.adapters import with_adapters
from localist.training.arguments import check_trainer
from localist.training.settings import LoraSettings, TrainingSettings

logger = logging.getLogger(__name__)

# Operations per parameter and token: forward pass, backward pass for states, backward pass for weights.
FORWARD, BACKWARD_STATES, BACKWARD_WEIGHTS = 2, 2, 2
# Share of the machine's matrix-product rate that a training step achieves on a CPU.
TYPICAL_SHARE = 0.5
BYTES_PER_PARAMETER = 4
# A checkpoint has the trained parameters and two moments; two checkpoints are kept, and a third is being written.
CHECKPOINT_COPIES = 3 * 3
# In memory, each trained parameter has a gradient and two moments.
TRAINED_COPIES = 3


def main(
    model: Path,
    context: int,
    run_settings: Sequence[Path],
    same_arms: Mapping[str, str],
    settings: TrainingSettings,
    kept_runs: int,
    results: Path,
    forecast: Path,
) -> None:
    """Log and write the forecast; raises UserError if no run could be trained or the disk is too small.

    run_settings: the settings.json of each run, which exists once the run is finished.
    """
    check_model(model, context)
    if settings.of_training():
        check_trainer(settings, shape_of_model(model))
    for name, known in same_arms.items():
        logger.info("The arm %s is the same as %s: it is trained and reported once, as %s.", name, known, known)
    torch.set_num_threads(settings.threads)
    ahead = sum(not path.exists() for path in run_settings)
    parameters = count_parameters(model)
    trained = count_trained(shape_of_model(model), settings.lora) if settings.lora else parameters
    token_budget = settings.optimisation.token_budget
    tokens = ahead * token_budget
    at_once = max(1, (os.cpu_count() or 1) // settings.threads)
    disk = BYTES_PER_PARAMETER * (trained * CHECKPOINT_COPIES * at_once + parameters * kept_runs)
    memory = BYTES_PER_PARAMETER * (parameters + trained * TRAINED_COPIES)
    results.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(results).free
    each = f"{token_budget:,} tokens each, {tokens:,} in total; {parameters / 1e6:.1f} million parameters"
    logger.info("To be trained: %d of %d runs, %s.", ahead, len(run_settings), each)
    if settings.lora:
        logger.info("Adapters of rank %d: %.2f million parameters are trained.", settings.lora.rank, trained / 1e6)
    logger.info("%.1f GB of memory for a run's weights, gradients and moments, plus activations.", memory / 1e9)
    found = {"runs_ahead": ahead, "tokens_ahead": tokens, "parameters": parameters, "trained_parameters": trained}
    found |= {"disk_bytes": disk, "memory_bytes": memory}
    if not settings.gpus:
        rate = at_once * matrix_rate(torch.bfloat16 if uses_bf16(settings.precision) else torch.float32)
        seconds = tokens * operations_per_token(parameters, trained, settings.trainer) / (rate * TYPICAL_SHARE)
        logger.info("About %d min at this machine's %d GFLOP/s.", math.ceil(seconds / 60), round(rate / 1e9))
        found |= {"matrix_flops_per_second": rate, "seconds": seconds}
    what = f"checkpoints of {at_once} concurrent runs and {kept_runs} models"
    logger.info("%.1f GB of disk at most, for %s; %.0f GB free.", disk / 1e9, what, free / 1e9)
    if disk > free:
        raise UserError(
            f"Training needs about {disk / 1e9:.1f} GB in {results}, but only {free / 1e9:.1f} GB are free. "
            "Free disk space, or set keep_models to last_seed or none."
        )
    write_json(forecast, found)


def count_parameters(model: Path) -> int:
    """Parameters of a model folder, read from the headers of its safetensors files."""
    total = 0
    for file in sorted(model.glob("*.safetensors")):
        with safe_open(file, framework="pt") as weights:
            total += sum(math.prod(weights.get_slice(name).get_shape()) for name in weights.keys())  # noqa: SIM118
    if not total:
        raise UserError(f"{model} has no safetensors weights. Convert the model to safetensors first.")
    return total


def count_trained(model: PreTrainedModel, lora: LoraSettings) -> int:
    """Parameters of a model's adapters. Raises what `with_adapters` does."""
    adapted = with_adapters(model, lora, seed=0)
    return sum(parameter.numel() for parameter in adapted.parameters() if parameter.requires_grad)


def operations_per_token(parameters: int, trained: int, trainer: Mapping[str, Any]) -> int:
    """Operations of a training step. trained: number of trained parameters; trainer: additional TrainingArguments."""
    forward = parameters * FORWARD * (2 if any(trainer.get(name) for name in CHECKPOINTING) else 1)
    return forward + parameters * BACKWARD_STATES + trained * BACKWARD_WEIGHTS


def matrix_rate(dtype: torch.dtype, size: int = 1024, seconds: float = 0.5) -> float:
    """Floating-point operations per second of a square matrix product, measured."""
    left = torch.ones((size, size), dtype=dtype)
    torch.matmul(left, left)
    started = time.perf_counter()
    products = 0
    while time.perf_counter() - started < seconds:
        torch.matmul(left, left)
        products += 1
    return 2 * size**3 * products / (time.perf_counter() - started)


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(
            model=Path(snakemake.input.model),
            context=snakemake.params.context,
            run_settings=[Path(path) for path in snakemake.params.settings],
            same_arms=snakemake.params.same_arms,
            settings=TrainingSettings.from_config(snakemake.params.training),
            kept_runs=snakemake.params.kept_runs,
            results=Path(snakemake.params.results),
            forecast=Path(snakemake.output.forecast),
        )
