"""One training run from input files to output files: model, constraint, training, results."""

import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from localist.attention.gpu import explained_gpu_errors, set_up_gpu
from localist.attention.models import load_model, processor_of
from localist.attention.precision import uses_bf16
from localist.attention.ranks import rank
from localist.plumbing.files import replacing, write_json
from localist.plumbing.interruption import Interrupted
from localist.plumbing.provenance import PACKAGES, code_version, content_hash, package_versions
from localist.study.arms import DISTRIBUTED, Arm
from localist.study.schedules import dose_matched, locality_by_layer
from localist.tokens.tokenizer import load_tokenizer
from localist.tokens.windows import Windows
from localist.training.adapters import merged, merged_again, with_adapters
from localist.training.checkpoints import precision_of, processors_of
from localist.training.constraint import Constraint
from localist.training.perplexity_budget import PerplexityBudget, reference_losses
from localist.training.settings import ReferenceRun, RunInputs, RunOutputs, TrainingSettings
from localist.training.trainer import train_arm

logger = logging.getLogger(__name__)


def train_run(
    inputs: RunInputs,
    arm: Arm,
    seed: int,
    settings: TrainingSettings,
    min_locality: float,
    query_key_rate: float,
    checkpoints: Path,
    checkpoint_steps: int,
    outputs: RunOutputs,
    asked_to_stop: Callable[[], bool],
) -> None:
    """Write the tuned model, its history by step and the resolved settings; checkpoints are removed at the end.

    min_locality: smaller λ become 0; query_key_rate: as in `Constraint`; checkpoints: a folder used only by this run,
    with a checkpoint every `checkpoint_steps` steps. With several ranks, each trains on its share and the first writes.
    Raises what `train_arm` and `budget_of` do, UserError if the model cannot be loaded (`load_model`), and Interrupted
    if the job is asked to end while results are written.
    """
    torch.set_num_threads(settings.threads)
    windows = Windows.load(inputs.tokens)
    context = windows.input_ids.shape[1]
    model = load_model(inputs.model, context, settings.gpus)
    layers = model.config.get_text_config().num_hidden_layers
    constraint = constraint_of(arm, layers, min_locality, query_key_rate)
    steps = settings.optimisation.steps(windows)
    budget = budget_of(arm, seed, steps, settings, inputs.reference)
    adapted = with_adapters(model, settings.lora, seed) if settings.lora else None
    resolved: dict[str, Any] = {
        "arm": arm.as_params(),
        "seed": seed,
        "constraint": asdict(constraint),
        "budget": asdict(settings.budget) if settings.budget else None,
        "optimisation": asdict(settings.optimisation),
        "steps": steps,
        "context": context,
        "precision": settings.precision,
        "threads": settings.threads,
        "gpus": settings.gpus,
        "deterministic": settings.deterministic,
        "versions": package_versions([*PACKAGES, "peft"] if settings.lora else PACKAGES),
        "inputs": content_hash(inputs.data_files()),
        "code_sha256": content_hash(inputs.code),
        # A resumed run has passed earlier token counts, so it could not save new ones.
        **({"at_tokens": sorted(outputs.snapshots)} if outputs.snapshots else {}),
        **settings.of_training(),
    }
    # The folder is named by a hash of everything that determines the run, so that changed settings never resume from an
    # old checkpoint. Another kind of processor only changes the last digits: a run moved there resumes in the precision
    # in which it was started, and settings.json names both processors.
    own_checkpoints = checkpoints / settings_hash(resolved)
    bf16 = uses_bf16(precision_of(own_checkpoints) or settings.precision, settings.gpus)
    resolved["precision"] = "bf16" if bf16 else "fp32"
    name = f"{arm.name} seed {seed}"
    logger.info("%s: %d steps in %s.", name, resolved["steps"], resolved["precision"])
    if settings.gpus:
        # Alongside bf16, TF32 is precise enough; if float32 is requested, it is used throughout.
        set_up_gpu(exact=not bf16, deterministic=settings.deterministic)
    with explained_gpu_errors("training.batch_size"):
        history = train_arm(
            adapted or model,
            windows,
            np.load(inputs.blocks) if inputs.blocks else None,
            constraint=constraint,
            optimisation=settings.optimisation,
            seed=seed,
            bf16=bf16,
            budget=budget,
            snapshots={tokens: own_checkpoints / f"at-{tokens}" for tokens in outputs.snapshots},
            checkpoints=own_checkpoints,
            checkpoint_steps=checkpoint_steps,
            trainer_keys=settings.trainer,
            reports=outputs.reports,
            name=name,
            asked_to_stop=asked_to_stop,
        )
    if rank() > 0:
        return
    resolved["device"] = str(model.device)
    resolved["processor"] = " and ".join(processors_of(own_checkpoints, processor_of(model.device)))
    tokenizer, _ = load_tokenizer(inputs.model)
    if adapted:
        merged(adapted)
    with replacing(outputs.model) as temporary:
        model.save_pretrained(temporary)
        tokenizer.save_pretrained(temporary)
    for tokens, folder in outputs.snapshots.items():
        snapshot = own_checkpoints / f"at-{tokens}"
        with replacing(folder) as temporary:
            if adapted:
                model.cpu()  # pyright: ignore[reportCallIssue]  # frees GPU memory for another model
                untrained = load_model(inputs.model, context, settings.gpus)
                untrained.config = model.config  # Trainer changed it
                merged_again(untrained, snapshot).save_pretrained(temporary)
            else:
                # Copied: the checkpoints stay until all results are written.
                shutil.copytree(snapshot, temporary)
            tokenizer.save_pretrained(temporary)
    with replacing(outputs.history) as temporary:
        pd.DataFrame(history).to_csv(temporary, index=False)
    write_json(outputs.settings, resolved | {"code": code_version()})
    if asked_to_stop():
        # The scheduler may restart the job although its results are complete: keep the last checkpoint for that case.
        raise Interrupted(f"{name} was asked to end while its results were written; the next start writes them again.")
    shutil.rmtree(checkpoints, ignore_errors=True)


def budget_of(
    arm: Arm, seed: int, steps: int, settings: TrainingSettings, reference: ReferenceRun | None
) -> PerplexityBudget | None:
    """The object that adapts α in a run of this arm; None for a fixed α. Raises what `reference_losses` does."""
    if arm.perplexity_budget is None:
        return None
    if reference is None or settings.budget is None:
        raise ValueError(f"{arm.name} has a perplexity budget, but no reference run or no settings for it.")
    losses = reference_losses(reference, seed=seed, steps=steps, optimisation=settings.optimisation, lora=settings.lora)
    return PerplexityBudget(arm.perplexity_budget, settings.budget, losses)


def constraint_of(arm: Arm, layers: int, min_locality: float, query_key_rate: float) -> Constraint:
    """The constraint of an arm for a model with this number of layers."""
    locality = locality_by_layer(arm.schedule or DISTRIBUTED, layers, min_locality=min_locality, degree=arm.degree)
    weight = arm.weight
    if arm.dose and weight is not None:
        weight = dose_matched(weight, locality, locality_by_layer(arm.dose, layers, min_locality=min_locality))
    return Constraint(locality, arm.penalty, arm.fidelity_target, weight, arm.applies_to, query_key_rate)


def settings_hash(settings: Mapping[str, Any]) -> str:
    """A short hash of settings (plain data)."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]
