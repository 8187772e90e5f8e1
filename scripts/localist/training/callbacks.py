"""Trainer callbacks: a progress bar, snapshots, and an early end on request."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm
from transformers import TrainerCallback, TrainingArguments
from transformers.trainer_callback import TrainerControl, TrainerState

from localist.attention.ranks import any_rank, rank
from localist.plumbing.files import replacing

if TYPE_CHECKING:
    from localist.training.trainer import LocalityTrainer


class StopOnRequest(TrainerCallback):
    """When asked to stop, save a checkpoint after the current step and end training."""

    def __init__(self, asked_to_stop: Callable[[], bool]):
        self.asked_to_stop = asked_to_stop

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        # The state of a resumed run has the checkpoint interval that it was started with.
        state.save_steps = int(args.save_steps)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        if any_rank(self.asked_to_stop(), args.device) and state.global_step < state.max_steps:
            control.should_save = True
            control.should_training_stop = True


class ProgressBar(TrainerCallback):
    """One progress bar per run, with loss, constraint and tokens per second."""

    bar: tqdm

    def __init__(self, name: str, tokens: int):
        self.name = name
        self.tokens = tokens

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        # In a log file every refresh is a line, so one per ten seconds is enough.
        interval = 0.5 if sys.stderr.isatty() else 10
        self.bar = tqdm(
            total=self.tokens,
            initial=tokens_done(state),
            desc=self.name,
            unit="tok",
            mininterval=interval,
            disable=rank() > 0,
        )

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        done = tokens_done(state)
        if done == self.bar.n:
            return  # nothing was fetched after this step
        last = state.log_history[-1]
        shown = {"loss": f"{last['cross_entropy']:.3f}"}
        if "penalty" in last:
            shown["constraint"] = f"{last['penalty']:.4f}"
        self.bar.set_postfix(shown, refresh=False)
        self.bar.update(done - self.bar.n)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self.bar.close()


class SaveSnapshots(TrainerCallback):
    """Saves the model at the first step that reaches each of the given numbers of training tokens.

    snapshots: tokens → folder.
    """

    def __init__(self, trainer: LocalityTrainer, snapshots: Mapping[int, Path]):
        self.trainer = trainer
        self.snapshots = snapshots
        self.done = 0

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self.done = tokens_done(state)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        before, self.done = self.done, tokens_done(state)
        for tokens, folder in self.snapshots.items():
            # The last step completes the budget, even if its windows have fewer tokens than average.
            last = state.global_step == state.max_steps and tokens > self.done
            if (before < tokens <= self.done or last) and rank() == 0:
                with replacing(folder) as temporary:
                    self.trainer.model.save_pretrained(temporary)


def tokens_done(state: TrainerState) -> int:
    """Training tokens of the steps whose records have been fetched."""
    return int(next((entry["tokens"] for entry in reversed(state.log_history) if "tokens" in entry), 0))
