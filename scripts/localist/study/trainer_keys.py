"""The keys of training.trainer: transformers' TrainingArguments that a study may set.

Names and types are read from transformers' source, since importing it would load torch in Snakemake's own process.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

# Arguments that the pipeline sets itself or that must not be changed, by reason.
OWNED: Mapping[str, str] = {
    name: reason
    for reason, names in {
        "checkpoints are in the study's folder": "output_dir",
        "one run per seed: use seeds": "seed data_seed",
        "use training.token_budget": "max_steps num_train_epochs",
        "use training.batch_size": "per_device_train_batch_size auto_find_batch_size",
        "use training.learning_rate": "learning_rate",
        "use training.warmup_ratio": "warmup_steps warmup_ratio",
        "use training.weight_decay": "weight_decay",
        "use training.max_grad_norm": "max_grad_norm",
        "use training.precision": "bf16 fp16 bf16_full_eval fp16_full_eval tf32",
        "use training.gpus": "use_cpu local_rank average_tokens_across_devices accelerator_config parallelism_config "
        "fsdp fsdp_config deepspeed ddp_find_unused_parameters ddp_bucket_cap_mb ddp_broadcast_buffers "
        "ddp_static_graph ddp_backend ddp_timeout",
        "use training.deterministic": "full_determinism",
        "a run resumes by itself from its sealed checkpoints: use training.checkpoint_steps": "save_strategy "
        "save_steps save_total_limit save_only_model save_on_each_node enable_jit_checkpoint resume_from_checkpoint "
        "ignore_data_skip restore_callback_states_from_checkpoint",
        "models are evaluated by a separate job: use evaluation": "eval_strategy eval_steps eval_delay "
        "eval_on_start eval_do_concat_batches eval_use_gather_object eval_accumulation_steps batch_eval_metrics "
        "per_device_eval_batch_size prediction_loss_only include_for_metrics do_train do_eval do_predict "
        "load_best_model_at_end metric_for_best_model greater_is_better",
        "the pipeline makes the batches, which all arms share": "remove_unused_columns label_names "
        "dataloader_drop_last train_sampling_strategy length_column_name",
        "the loss is the cross-entropy from which perplexity is computed": "label_smoothing_factor",
        "attention is observed in the model's own code": "torch_compile torch_compile_backend torch_compile_mode "
        "use_liger_kernel liger_kernel_config use_cache",
        "every step is recorded in history.csv and reported to report_to": "logging_strategy logging_steps "
        "logging_first_step log_on_each_node logging_nan_inf_filter include_num_input_tokens_seen disable_tqdm",
        "jobs never upload to a hub": "push_to_hub hub_token hub_private_repo hub_model_id hub_strategy "
        "hub_always_push hub_revision",
    }.items()
    for name in names.split()
}
# Two names of one argument: transformers' new name, and the established one.
CHECKPOINTING = ("activation_checkpointing", "gradient_checkpointing")
CHECKPOINTING_OPTIONS = tuple(f"{name}_kwargs" for name in CHECKPOINTING)
JSON_TYPES = {
    **{"int": "integer", "float": "number", "bool": "boolean", "str": "string"},
    **{"None": "null", "dict": "object", "list": "array"},
}
# Tool in report_to → packages of which it needs one, if these are not named like the tool.
REPORTING_PACKAGES = {
    **{"tensorboard": ("tensorboard", "tensorboardX"), "azure_ml": ("azureml",), "flyte": ("flytekit",)},
}


@cache
def trainer_schema() -> dict[str, Any]:
    """The JSON schema of training.trainer: names and types of the arguments that a study may set.

    If transformers is not installed (an environment only for Snakemake), any name is accepted until the first job
    whose environment has it.
    """
    installed = find_spec("transformers")
    if installed is None or installed.origin is None:
        return {"type": "object"}
    source = Path(installed.origin).with_name("training_args.py").read_text(encoding="utf-8")
    classes = [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]
    fields = next(node.body for node in classes if node.name == "TrainingArguments")
    known = {
        field.target.id: _json_type(ast.unparse(field.annotation))
        for field in fields
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
    }
    properties = {name: kind for name, kind in known.items() if name not in OWNED}
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _json_type(annotation: str) -> dict[str, Any]:
    """The schema of a value from its annotation: {"type": ["integer", "null"]} for `int | None`."""
    parts = [part.partition("[")[0] for part in annotation.split(" | ")]
    types = [JSON_TYPES[part] for part in parts if part in JSON_TYPES]
    return {"type": types} if types else {}


def why_refused(name: str, known: Iterable[str]) -> str:
    """Why a study may not set an argument: its owner, or that it is unknown, with similar names."""
    if name in OWNED:
        return f"is set by the pipeline; {OWNED[name]}."
    near = get_close_matches(name, [*known, *OWNED], n=2)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    return f"unknown key: transformers' TrainingArguments has no such argument.{hint}"


def trainer_mistakes(training: Mapping[str, Any]) -> Iterator[str]:
    """Mistakes in the keys trainer, batch_size and gpus of the config section `training`."""
    trainer, gpus = training["trainer"], max(1, training["gpus"])
    batch_size, accumulated = training["batch_size"], trainer.get("gradient_accumulation_steps", 1)
    if accumulated < 1:
        yield "training.trainer.gradient_accumulation_steps: must be at least 1."
    elif batch_size % (gpus * accumulated):
        parts = [f"training.gpus, {gpus}"] if gpus > 1 else []
        parts += [f"training.trainer.gradient_accumulation_steps, {accumulated}"] if accumulated > 1 else []
        yield (
            f"training.batch_size: {batch_size} windows cannot be divided evenly by {' times '.join(parts)}. "
            "Make it a multiple, or lower these values."
        )
    for name in CHECKPOINTING_OPTIONS:
        options = trainer.get(name) or {}
        if isinstance(options, str) or options.get("use_reentrant"):
            yield (
                f"training.trainer.{name}: {options!r} cannot be used: it must be a mapping without use_reentrant "
                "(reentrant checkpointing would give the constraint no gradient)."
            )
    for name in reporters(trainer):
        if name == "all":
            yield "training.trainer.report_to: all means different tools on different machines. List them by name."
            continue
        packages = REPORTING_PACKAGES.get(name, (name,))
        if not any(find_spec(package) for package in packages):
            yield (
                f"training.trainer.report_to: {name} needs the package {' or '.join(packages)}, which is not "
                f"installed. Install it where the jobs run, for example with: pip install {packages[0]}"
            )


def reporters(trainer: Mapping[str, Any]) -> list[str]:
    """The tools in `report_to`, as a list; empty for none."""
    named = trainer.get("report_to") or []
    return [name for name in ([named] if isinstance(named, str) else named) if name != "none"]
