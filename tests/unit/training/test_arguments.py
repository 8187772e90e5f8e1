"""Arguments of a run: a study's reach Trainer, the pipeline's are kept, wrong ones are reported before any run."""

from dataclasses import replace

import pytest
from short_runs import CONSTRAINTS, OPTIMISATION, assert_same_weights, short_run
from tiny_models import tiny_model

from localist.plumbing.errors import UserError
from localist.training.arguments import check_trainer, training_arguments
from localist.training.constraint import ConstraintObserver
from localist.training.settings import TrainingSettings

SETTINGS = TrainingSettings(OPTIMISATION, precision="fp32", threads=1, gpus=0)


def arguments(tmp_path, **trainer):
    return training_arguments(
        OPTIMISATION, steps=10, seed=3, bf16=False, on_gpu=False, checkpoints=tmp_path, checkpoint_steps=4,
        trainer=trainer,
    )  # fmt: skip


def test_a_studys_own_arguments_reach_trainer(tmp_path):
    """Catches an argument that is dropped, or a default of the pipeline that cannot be changed."""
    given = arguments(tmp_path, gradient_accumulation_steps=2, lr_scheduler_type="cosine", adam_beta2=0.95)
    assert (given.gradient_accumulation_steps, given.lr_scheduler_type, given.adam_beta2) == (2, "cosine", 0.95)
    # The number of windows in a step stays the same.
    assert given.per_device_train_batch_size == 2
    plain = arguments(tmp_path)
    assert (plain.lr_scheduler_type, plain.optim, plain.report_to) == ("linear", "adamw_torch_fused", [])


@pytest.mark.parametrize(
    ("trainer", "message"),
    [
        ({"optim": "nonsense"}, "training.trainer: nonsense is not a valid OptimizerNames"),
        ({"lr_scheduler_type": "reduce_lr_on_plateau"}, "training.trainer: .* requires an eval strategy"),
        ({"surprise": 1}, "training.trainer: .*surprise"),
        ({"output_dir": "x"}, "training.trainer.output_dir: checkpoints are in the study's folder"),
        ({"gradient_accumulation_steps": 3}, "training.batch_size: 4 windows cannot be divided evenly"),
    ],
)
def test_wrong_arguments_are_reported(trainer, message):
    """Catches a traceback, an argument of the pipeline that is silently overridden, or a run that starts anyway."""
    with pytest.raises(UserError, match=message):
        check_trainer(replace(SETTINGS, trainer=trainer), tiny_model("llama"))


def test_gradient_checkpointing_of_an_unsupported_model_is_refused():
    """Catches a run that fails in its first step."""
    model = tiny_model("llama")
    model.supports_gradient_checkpointing = False
    settings = replace(SETTINGS, trainer={"gradient_checkpointing": True})
    with pytest.raises(UserError, match="LlamaForCausalLM does not support it"):
        check_trainer(settings, model)
    check_trainer(settings, tiny_model("llama"))


@pytest.mark.parametrize("family", ["gpt2", "llama", "gemma"])
@pytest.mark.parametrize("constraint", ["plain", "hinge"])
def test_gradient_checkpointing_does_not_change_training(family, constraint, tmp_path, monkeypatch):
    """Catches layers counted twice, dropout drawn anew, or penalties without a gradient."""
    plain, history = short_run(tmp_path / "kept", CONSTRAINTS[constraint], family=family, dropout=0.1)
    observed = []
    observe = ConstraintObserver.observe
    monkeypatch.setattr(
        ConstraintObserver, "observe", lambda self, *inputs: observed.append(1) or observe(self, *inputs)
    )
    keys = {"gradient_checkpointing": True, "gradient_checkpointing_kwargs": {"preserve_rng_state": True}}
    again, history_again = short_run(
        tmp_path / "computed", CONSTRAINTS[constraint], family=family, dropout=0.1, trainer_keys=keys
    )
    assert_same_weights(plain, again)
    assert history_again == history
    if constraint == "hinge":
        assert len(observed) == 2 * 3 * len(history)  # each of three layers, forward and backward
