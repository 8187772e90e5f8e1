"""One run from its inputs to its outputs: the model, the constraint of its arm, training, and what is written of it."""

import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from transformers import AutoTokenizer

from localist.attention.models import load_model, processor_of
from localist.attention.precision import uses_bf16
from localist.attention.ranks import rank
from localist.plumbing.files import replacing, write_json
from localist.plumbing.interruption import Interrupted
from localist.plumbing.provenance import code_version, content_hash, package_versions
from localist.study.arms import Arm
from localist.study.schedules import dose_matched, locality_by_layer
from localist.tokens.windows import Windows
from localist.training.checkpoints import precision_of, processors_of
from localist.training.constraint import Constraint
from localist.training.trainer import Optimisation, train_arm

logger = logging.getLogger(__name__)


def train_run(
    model: Path,
    tokens: Path,
    blocks: Path | None,
    arm: Mapping[str, Any],
    seed: int,
    training: Mapping[str, Any],
    min_locality: float,
    checkpoints: Path,
    checkpoint_steps: int,
    code: Sequence[Path],
    outputs: Mapping[str, Path],
    asked_to_stop: Callable[[], bool],
) -> None:
    """Write the tuned model, its history by step and the resolved settings; checkpoints are removed at the end.

    With several ranks, each trains on its share and the first writes.
    """
    torch.set_num_threads(training["threads"])
    windows = Windows.load(tokens)
    context = windows.input_ids.shape[1]
    language_model = load_model(model, context, training["gpus"])
    layers = language_model.config.get_text_config().num_hidden_layers
    constraint = constraint_of(Arm(**arm), layers, min_locality)
    optimisation = Optimisation(**{field.name: training[field.name] for field in fields(Optimisation)})
    settings = {
        "arm": dict(arm),
        "seed": seed,
        "constraint": asdict(constraint),
        "optimisation": asdict(optimisation),
        "steps": optimisation.steps(windows),
        "context": context,
        "precision": training["precision"],
        "threads": training["threads"],
        "gpus": training["gpus"],
        "versions": package_versions(),
        "inputs": content_hash(path for path in (model, tokens, blocks) if path),
        "code_sha256": content_hash(code),
    }
    # Named by everything that determines the run: changed settings never go on from an old run's checkpoint. A
    # processor of another kind only moves the last digits, so a run that is sent there goes on, in the precision in
    # which it was begun, and says so.
    own_checkpoints = checkpoints / settings_hash(settings)
    bf16 = uses_bf16(precision_of(own_checkpoints) or training["precision"], training["gpus"])
    settings["precision"] = "bf16" if bf16 else "fp32"
    name = f"{arm['name']} seed {seed}"
    logger.info("%s: %d steps in %s.", name, settings["steps"], settings["precision"])
    history = train_arm(
        language_model,
        windows,
        np.load(blocks) if blocks else None,
        constraint=constraint,
        optimisation=optimisation,
        seed=seed,
        bf16=bf16,
        checkpoints=own_checkpoints,
        checkpoint_steps=checkpoint_steps,
        name=name,
        asked_to_stop=asked_to_stop,
    )
    if rank() > 0:
        return
    settings["device"] = str(language_model.device)
    settings["processor"] = " and ".join(processors_of(own_checkpoints, processor_of(language_model.device)))
    with replacing(outputs["model"]) as temporary:
        language_model.save_pretrained(temporary)
        AutoTokenizer.from_pretrained(model, local_files_only=True).save_pretrained(temporary)
    with replacing(outputs["history"]) as temporary:
        pd.DataFrame(history).to_csv(temporary, index=False)
    write_json(outputs["settings"], settings | {"code": code_version()})
    if asked_to_stop():
        # Whoever ends the job may start it again without asking how it ended, and then there must be a last checkpoint.
        raise Interrupted(f"{name} was asked to end while its results were written; the next start writes them again.")
    shutil.rmtree(checkpoints, ignore_errors=True)


def constraint_of(arm: Arm, layers: int, min_locality: float) -> Constraint:
    """The constraint of an arm for a model with so many layers."""
    locality = locality_by_layer(arm.schedule, layers, min_locality=min_locality, degree=arm.degree)
    weight = arm.weight
    if arm.dose:
        weight = dose_matched(weight, locality, locality_by_layer(arm.dose, layers, min_locality=min_locality))
    return Constraint(locality, arm.penalty, arm.fidelity_target, weight, arm.applies_to)


def settings_hash(settings: Mapping[str, Any]) -> str:
    """A short name for one set of settings."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]
