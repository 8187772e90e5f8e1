"""transformers' TrainingArguments of a run: those set by the pipeline, and those of training.trainer."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel, Trainer, TrainingArguments
from transformers.integrations.integration_utils import get_reporting_integration_callbacks

from localist.attention.ranks import number_of_ranks
from localist.plumbing.errors import UserError
from localist.study.trainer_keys import CHECKPOINTING_OPTIONS, OWNED, trainer_mistakes
from localist.training.settings import Optimisation, TrainingSettings


def training_arguments(
    optimisation: Optimisation,
    *,
    steps: int,
    seed: int,
    bf16: bool,
    on_gpu: bool,
    checkpoints: Path,
    checkpoint_steps: int,
    trainer: Mapping[str, Any],
) -> TrainingArguments:
    """Arguments of `train_arm`; trainer: further ones by name. Raises UserError if transformers refuses a value."""
    micro_batches = trainer.get("gradient_accumulation_steps", 1)
    own: dict[str, Any] = {
        "output_dir": str(checkpoints),
        "max_steps": steps,
        "per_device_train_batch_size": optimisation.batch_size // (number_of_ranks() * micro_batches),
        "learning_rate": optimisation.learning_rate,
        "warmup_steps": round(optimisation.warmup_ratio * steps),
        "weight_decay": optimisation.weight_decay,
        "max_grad_norm": optimisation.max_grad_norm,
        "seed": seed,
        "data_seed": seed,
        "save_strategy": "steps" if checkpoint_steps else "no",
        "save_steps": checkpoint_steps,
        "save_total_limit": 2,
        "logging_strategy": "no",  # replaced by `StepRecords`
        "logging_nan_inf_filter": False,
        "disable_tqdm": True,
        "remove_unused_columns": False,
        "bf16": bf16,
        "use_cpu": not on_gpu,
        "accelerator_config": {"non_blocking": on_gpu},
        # `next_token_loss` uses the head outside the model's forward pass, so the search for unused weights would fail.
        "ddp_find_unused_parameters": False,
    }
    defaults = {
        "lr_scheduler_type": "linear",
        "optim": "adamw_torch_fused",
        "report_to": "none",
        # With a GPU, a separate process prepares the next batches.
        "dataloader_num_workers": 1 if on_gpu else 0,
    }
    # Reentrant checkpointing builds no graph in its first forward pass: the penalties would have no gradient.
    options = {name: {"use_reentrant": False, **trainer[name]} for name in CHECKPOINTING_OPTIONS if trainer.get(name)}
    everything: dict[str, Any] = {**defaults, **trainer, **options, **own}
    try:
        arguments = TrainingArguments(**everything)
    except (ValueError, TypeError) as error:
        raise UserError(f"training.trainer: {error}") from error
    # One GPU per process: if several are visible, Trainer would split each batch over all of them.
    arguments._n_gpu = min(1, arguments.n_gpu)
    return arguments


def check_trainer(settings: TrainingSettings, model: PreTrainedModel) -> None:
    """Raises UserError for arguments that a run would refuse. model: needs no weights."""
    trainer, optimisation = settings.trainer, settings.optimisation
    section = {"trainer": trainer, "batch_size": optimisation.batch_size, "gpus": settings.gpus}
    mistakes = [f"training.trainer.{name}: {OWNED[name]}." for name in trainer if name in OWNED]
    mistakes += trainer_mistakes(section)
    if mistakes:
        raise UserError("\n".join(mistakes))
    arguments = training_arguments(
        optimisation,
        steps=1,
        seed=0,
        bf16=False,
        on_gpu=False,
        checkpoints=Path("checkpoints"),
        checkpoint_steps=1,
        trainer=trainer,
    )
    try:
        get_reporting_integration_callbacks(arguments.report_to)
        Trainer.get_optimizer_cls_and_kwargs(arguments, model)
    except (ValueError, ImportError, RuntimeError) as error:
        raise UserError(f"training.trainer: {str(error).splitlines()[0]}") from error
    if arguments.activation_checkpointing and not model.supports_gradient_checkpointing:
        raise UserError(
            f"training.trainer.gradient_checkpointing: {type(model).__name__} does not support it. Leave it out; "
            "training.trainer.gradient_accumulation_steps saves memory too."
        )
