"""Fine-tuning of one arm with one seed: the Hugging Face Trainer with the locality constraint added to its loss."""

import logging
import shutil
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors import SafetensorError
from transformers import PreTrainedModel, Trainer, TrainingArguments, set_seed
from transformers.trainer import TRAINER_STATE_NAME
from transformers.trainer_callback import PrinterCallback, TrainerState

from localist.attention.decoder_layers import query_key_parameters
from localist.attention.models import processor_of
from localist.attention.ranks import any_rank, from_first_rank, mean_over_ranks, number_of_ranks, rank
from localist.plumbing.errors import UserError
from localist.plumbing.interruption import Interrupted
from localist.tokens.windows import Windows
from localist.training.arguments import training_arguments
from localist.training.batches import BatchesOfRank, SimilarLengths, WindowDataset, check_blocks, stack_windows
from localist.training.callbacks import ProgressBar, SaveSnapshots, StopOnRequest, tokens_done
from localist.training.checkpoints import last_whole_checkpoint, seal
from localist.training.constraint import Constraint, ConstraintObserver, ramp
from localist.training.micro_batches import StepParts, StepTotals, targets_of
from localist.training.next_token_loss import LOSS_TOKENS, NOT_A_TARGET, head_is_plain, next_token_loss
from localist.training.perplexity_budget import PerplexityBudget
from localist.training.reports import report_into, reported
from localist.training.settings import Optimisation
from localist.training.step_records import STEPS_BETWEEN_FETCHES, StepRecords, first_not_finite_row

if TYPE_CHECKING:
    from peft import PeftModel

logger = logging.getLogger(__name__)

LOSS_COLUMNS = ("cross_entropy", "penalty", "weight", "excess", "active_share", "learning_rate")


class LocalityTrainer(Trainer):
    """Trainer whose loss is cross-entropy + α · constraint; without constrained layers it is stock fine-tuning.

    budget: adapts α, if the constraint has no weight; fetch_interval: steps between fetches of the records from the
    device (`StepRecords`) into rows of the state's history.
    """

    model: PreTrainedModel
    args: TrainingArguments
    train_dataset: WindowDataset

    def __init__(
        self,
        *,
        constraint: Constraint,
        budget: PerplexityBudget | None,
        checkpoints: Path,
        fetch_interval: int,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.constraint = constraint
        self.budget = budget
        self.checkpoints = checkpoints
        self.records = StepRecords(constraint.layers, fetch_interval)
        self.head_is_plain = head_is_plain(self.model)
        # For steps with several micro-batches: their total counts, and their records so far.
        self.step_totals: StepTotals | None = None
        self.step_parts: StepParts | None = None
        # `_cross_entropy` already weights each micro-batch by its share of the step; Trainer must not.
        self.loss_is_scaled_for_ga = True

    def create_optimizer(self, *args: Any, **kwargs: Any) -> torch.optim.Optimizer:
        """Trainer's optimiser, with a different learning rate for the queries and keys of constrained layers."""
        optimizer = super().create_optimizer(*args, **kwargs)
        rate = self.constraint.query_key_rate
        if self.constraint.layers and rate != 1:
            parameters = query_key_parameters(self.model, self.constraint.layers)
            chosen = {id(parameter) for parameter in parameters if parameter.requires_grad}
            if not chosen:
                raise UserError(
                    "training.lora.target_modules: no query or key projection has an adapter, but "
                    "constraint.query_key_rate applies to them. Add them, or set the rate to 1."
                )
            for group in list(optimizer.param_groups):
                faster = [parameter for parameter in group["params"] if id(parameter) in chosen]
                if faster:
                    group["params"] = [parameter for parameter in group["params"] if id(parameter) not in chosen]
                    optimizer.add_param_group({**group, "params": faster, "lr": group["lr"] * rate})
        return optimizer

    def _get_train_sampler(self, train_dataset: Any = None) -> SimilarLengths:
        micro_batch = self.args.train_batch_size * number_of_ranks()
        batch_size = micro_batch * self.args.gradient_accumulation_steps
        return SimilarLengths(self.train_dataset.lengths, batch_size, self.args.seed)

    def get_train_dataloader(self) -> torch.utils.data.DataLoader:
        """Trainer's data loader; with several ranks, this rank's share, since Trainer would drop or repeat windows."""
        if number_of_ranks() == 1:
            return super().get_train_dataloader()
        micro_batch = self.args.train_batch_size * number_of_ranks()
        batches = BatchesOfRank(self._get_train_sampler(), micro_batch, rank(), number_of_ranks())
        return torch.utils.data.DataLoader(
            self.train_dataset,
            batch_sampler=batches,
            collate_fn=self.data_collator,
            pin_memory=not self.args.use_cpu,
            num_workers=self.args.dataloader_num_workers,
        )

    def compute_loss(
        self,
        model: torch.nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        """Trainer's loss (a scalar) plus the constraint on the layers with λ > 0; with `return_outputs`, a pair.

        inputs: input_ids, labels and blocks, long [batch, T]. Raises what `fetch_records` does.
        """
        inputs = dict(inputs)
        fidelity = None
        if self.constraint.layers:
            blocks, block_count = inputs.pop("blocks"), self.train_dataset.block_count
            observer = ConstraintObserver(self.constraint, blocks, block_count)
            cross_entropy, outputs = self._cross_entropy(model, inputs | {"observer": observer}, num_items_in_batch)
            parts = {"cross_entropy": mean_over_ranks(cross_entropy.detach())}
            parts["weight"] = self._weight(parts["cross_entropy"])
            if self.budget:
                parts["excess"] = self.budget.excess
            summary = observer.summary()
            share = self.step_totals.share_of_counted(blocks, block_count) if self.step_totals else 1
            parts |= {"penalty": summary.penalty * share, "active_share": summary.active_share * share}
            fidelity = summary.fidelity * share
            loss = observer.add_to(cross_entropy, parts["weight"] * share)
        else:
            loss, outputs = self._cross_entropy(model, inputs, num_items_in_batch)
            parts = {"cross_entropy": mean_over_ranks(loss.detach())}
        targets = (inputs["labels"] != NOT_A_TARGET).sum()
        parts |= {"targets": mean_over_ranks(targets) * number_of_ranks(), "loss": loss.detach()}
        self._record(parts, fidelity, inputs["input_ids"])
        return (loss, outputs) if return_outputs else loss

    def get_batch_samples(self, *args: Any, **kwargs: Any) -> tuple[list[Any], torch.Tensor | int | None]:
        """Trainer's micro-batches of a step; several are counted first, so that each is weighted by its share."""
        batches, targets = super().get_batch_samples(*args, **kwargs)
        if self.args.gradient_accumulation_steps > 1:
            self.step_totals = StepTotals.of(batches, self.train_dataset.block_count, self.args.device)
        return batches, targets

    def _record(self, parts: dict[str, torch.Tensor], fidelity: torch.Tensor | None, input_ids: torch.Tensor) -> None:
        """Record a micro-batch, and with the last one the step."""
        if self.step_parts:
            self.step_parts.add(parts, fidelity)
        else:
            self.step_parts = StepParts(parts, fidelity)
        if not self._is_last_micro_batch():
            return
        step, recorded, self.step_parts = self.state.global_step + 1, self.step_parts, None
        if self.budget and self.step_totals:
            self.budget.take_in(self.state.global_step, recorded.parts["cross_entropy"])
            recorded.parts["excess"] = self.budget.excess
        self.records.add(step, self._get_learning_rate(), recorded.parts, recorded.fidelity)
        if self.records.is_due(step):
            self.fetch_records(input_ids)

    def _is_last_micro_batch(self) -> bool:
        """Whether the optimiser steps after the micro-batch that is computed now."""
        return bool(self.accelerator.sync_gradients)

    def fetch_records(self, input_ids: torch.Tensor | None = None) -> None:
        """Fetch the records of the last steps into the state's history, which is saved in checkpoints.

        Raises UserError, naming the step, if a loss is not finite. input_ids: long [batch, T] of the last step if its
        backward pass is still to come, used to locate the first non-finite value.
        """
        rows = self.records.fetch()
        broken = first_not_finite_row(rows)
        if broken:
            where = ""
            if input_ids is not None and broken is rows[-1]:
                where = f": {first_not_finite(self.model, input_ids)}"
            raise UserError(
                f"The loss is {broken['loss']} at step {broken['step']}{where}. Lower training.learning_rate or "
                "constraint.weight. The last checkpoint is kept."
            )
        for row in rows:
            tokens = tokens_done(self.state) + row.pop("targets")
            self.state.log_history.append(row | {"tokens": tokens})
            if self.args.report_to:
                self._report(self.state.log_history[-1])

    def _report(self, row: Mapping[str, Any]) -> None:
        """Pass a row of the history to training monitors."""
        state = copy(self.state)
        state.global_step = row["step"]
        layers = len(self.constraint.locality)
        self.callback_handler.on_log(self.args, state, self.control, reported(row, layers))

    def _weight(self, cross_entropy: torch.Tensor) -> torch.Tensor:
        """α in force at this step, a scalar: ramped in over the warm-up, or adapted to a budget."""
        if self.budget:
            if not self.step_totals:
                self.budget.adapt(self.state.global_step, cross_entropy)
            elif not self.step_parts:
                # The first of several micro-batches; the step's cross-entropy is known only after the last.
                self.budget.change_weight()
            return self.budget.weight.to(cross_entropy.device)
        assert self.constraint.weight is not None  # set wherever a layer is constrained without a budget
        weight = self.constraint.weight * ramp(self.state.global_step, int(self.args.warmup_steps))
        return torch.full((), weight, dtype=torch.float64, device=cross_entropy.device)

    def _save_checkpoint(self, model: torch.nn.Module, trial: Any) -> None:
        """Save Trainer's checkpoint and seal it once all ranks have written; if writing fails, remove it and raise
        UserError."""
        self.fetch_records()
        checkpoint = self.checkpoints / f"checkpoint-{self.state.global_step}"
        error = _failure(lambda: super(LocalityTrainer, self)._save_checkpoint(model, trial))
        if not any_rank(error is not None, self.args.device) and rank() == 0:
            precision = "bf16" if self.args.bf16 else "fp32"
            error = _failure(lambda: seal(checkpoint, precision, processor_of(self.args.device)))
        if not any_rank(error is not None, self.args.device):
            return
        if rank() == 0:
            shutil.rmtree(checkpoint, ignore_errors=True)
        if error is None:
            raise SystemExit(1)  # the rank that failed reports the reason
        free = shutil.disk_usage(self.checkpoints).free / 1e9
        raise UserError(
            f"{checkpoint} cannot be written: {str(error).splitlines()[0]} ({free:.3f} GB free there, or less with a "
            "quota). Free disk space and run again: training resumes from the previous checkpoint."
        ) from error

    def _cross_entropy(
        self, model: torch.nn.Module, inputs: dict[str, Any], num_items_in_batch: torch.Tensor | int | None
    ) -> tuple[torch.Tensor, Any]:
        """Mean cross-entropy of the targets, a scalar, and the model's outputs.

        With several ranks, each averages over its own targets, and gradients are averaged over ranks, so each rank's
        loss is weighted by its share of all targets. The same holds for each of several micro-batches.
        """
        alone = number_of_ranks() == 1
        weighted_by_trainer = self.model_accepts_loss_kwargs and not self._in_pieces(inputs)
        if alone and (not self.step_totals or weighted_by_trainer):
            return self._own_cross_entropy(model, inputs, num_items_in_batch)
        targets = targets_of(inputs["labels"])
        total = self.step_totals.targets if self.step_totals else mean_over_ranks(targets)
        loss, outputs = (
            self._own_cross_entropy(model, inputs, None) if alone or targets else self._no_loss(model, inputs)
        )
        return loss * (targets / total).to(loss.dtype), outputs

    def _own_cross_entropy(
        self, model: torch.nn.Module, inputs: dict[str, Any], num_items_in_batch: torch.Tensor | int | None
    ) -> tuple[torch.Tensor, Any]:
        """Trainer's loss, or `next_token_loss` if the logits of the batch would take much memory."""
        if not self._in_pieces(inputs):
            loss, outputs = super().compute_loss(model, inputs, True, num_items_in_batch)
            return loss, outputs
        head = self.model.get_output_embeddings()
        assert isinstance(head, torch.nn.Linear)  # checked by `head_is_plain`
        with torch.autocast(inputs["input_ids"].device.type, dtype=torch.bfloat16, enabled=self.args.bf16):
            return next_token_loss(model, head, **inputs)

    def _in_pieces(self, inputs: Mapping[str, torch.Tensor]) -> bool:
        """Whether the loss is computed in pieces, without the logits of the complete batch."""
        return self.head_is_plain and inputs["input_ids"].numel() > LOSS_TOKENS

    def _no_loss(self, model: torch.nn.Module, inputs: dict[str, Any]) -> tuple[torch.Tensor, Any]:
        """A loss of 0 that depends on all weights, since every rank must join the backward pass."""
        outputs = model(**{name: value for name, value in inputs.items() if name != "labels"})
        return outputs.logits.sum() * 0, outputs


def _failure(write: Callable[[], None]) -> Exception | None:
    """The error that prevented `write` from writing, such as a full disk; libraries raise their own exceptions."""
    try:
        write()
    except (OSError, RuntimeError, SafetensorError) as error:
        return error
    return None


def first_not_finite(model: torch.nn.Module, input_ids: torch.Tensor) -> str:
    """The first non-finite weight or layer output, for an error message. input_ids: [batch, T]."""
    for name, weight in model.named_parameters():
        if not torch.isfinite(weight).all():
            return f"the weight {name} is not finite"
    with torch.no_grad():
        states = model(input_ids=input_ids, output_hidden_states=True, use_cache=False).hidden_states
    for layer, state in enumerate(states[1:]):
        if not torch.isfinite(state).all():
            return f"layer {layer} is the first whose output is not finite"
    return "every layer's output is finite, but the loss is not"


def train_arm(
    model: "PreTrainedModel | PeftModel",
    windows: Windows,
    blocks: np.ndarray | None,
    *,
    constraint: Constraint,
    optimisation: Optimisation,
    seed: int,
    bf16: bool,
    checkpoints: Path,
    checkpoint_steps: int,
    name: str,
    budget: PerplexityBudget | None = None,
    snapshots: Mapping[int, Path] | None = None,
    trainer_keys: Mapping[str, Any] | None = None,
    reports: Path | None = None,
    asked_to_stop: Callable[[], bool] = lambda: False,
) -> list[dict[str, Any]]:
    """Fine-tune `model` in place and return its history, one dict per step.

    blocks: int [windows, T], -1 on sink and padding; None for an arm without constrained layers. checkpoints: the run's
    own folder; it resumes from the last complete checkpoint there (checkpoint_steps: interval; 0: only when the run is
    asked to stop). The seed sets only data order and dropout.
    budget: adapts α, for a constraint without a weight. snapshots: number of training tokens → folder in which the
    model at that point is saved (with adapters: only the adapters). trainer_keys: additional TrainingArguments by name;
    reports: the folder for TensorBoard files, if requested.

    Raises UserError if the schedule, the blocks or the arguments do not fit, if the loss is not finite, or if a
    checkpoint cannot be written; Interrupted, with a checkpoint of the last step, if `asked_to_stop` returns True
    before the end.
    """
    layers = model.config.get_text_config().num_hidden_layers
    if len(constraint.locality) != layers:
        raise UserError(f"{name}: the schedule has {len(constraint.locality)} values, the model {layers} layers.")
    if constraint.layers:
        if blocks is None:
            raise ValueError(f"{name} is constrained, but has no blocks.")
        check_blocks(blocks, windows, name)
    steps = optimisation.steps(windows)
    arguments = training_arguments(
        optimisation,
        steps=steps,
        seed=seed,
        bf16=bf16,
        on_gpu=model.device.type != "cpu",
        checkpoints=checkpoints,
        checkpoint_steps=checkpoint_steps,
        trainer=trainer_keys or {},
    )
    # Snapshots are taken when a number of tokens is reached, which is counted on the device.
    interval = 1 if snapshots else STEPS_BETWEEN_FETCHES.get(model.device.type, 1)
    trainer = LocalityTrainer(
        model=model,
        args=arguments,
        train_dataset=WindowDataset(windows, blocks if constraint.layers else None),
        data_collator=stack_windows,
        callbacks=[StopOnRequest(asked_to_stop)],
        constraint=constraint,
        budget=budget,
        checkpoints=checkpoints,
        fetch_interval=interval,
    )
    trainer.add_callback(ProgressBar(name, optimisation.token_budget))
    if snapshots:
        trainer.add_callback(SaveSnapshots(trainer, snapshots))
    if number_of_ranks() > 1:
        # Dropout must differ between ranks, as it does between windows of a batch.
        set_seed(int(np.random.SeedSequence((seed, rank())).generate_state(1)[0]))
    trainer.remove_callback(PrinterCallback)
    resume = from_first_rank(lambda: last_whole_checkpoint(checkpoints))
    if reports:
        report_into(reports, trainer.callback_handler.callbacks, anew=not resume)
    if resume:
        logger.info("%s resumes from %s.", name, resume)
        trainer.state = TrainerState.load_from_json(str(resume / TRAINER_STATE_NAME))
        if budget:
            budget.resume(trainer.state.log_history[-1])
    if trainer.state.global_step == steps:
        # All steps are done, and Trainer would take another: only load the weights.
        trainer._load_from_checkpoint(str(resume))
    else:
        trainer.train(resume_from_checkpoint=str(resume) if resume else None)
        trainer.fetch_records()
    if trainer.state.global_step < steps:
        raise Interrupted(
            f"{name} was asked to end after step {trainer.state.global_step} of {steps}; the next start resumes there."
        )
    return history_rows(trainer.state.log_history)


def history_rows(log_history: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row per step: step, tokens so far, the parts of the loss, and fidelity (JSON by layer, or None)."""
    columns = ("step", "tokens", *LOSS_COLUMNS, "fidelity")
    return [{name: entry.get(name) for name in columns} for entry in log_history if "cross_entropy" in entry]
