"""Training on a GPU: bit-identical to stock fine-tuning, repeatable, resumable, and with clear errors."""

import json
import os
import signal
import warnings

import numpy as np
import pytest
import torch
from stock_training import train_stock
from tiny_models import tiny_model
from uneven_windows import CONTEXT, uneven_windows

from localist.attention.gpu import explained_gpu_errors
from localist.attention.models import load_model
from localist.attention.observed_attention import use_observed_attention
from localist.evaluation.layer_sums import LayerSums
from localist.evaluation.losses import watched_losses
from localist.plumbing.errors import UserError
from localist.plumbing.interruption import Interrupted, noticing_sigterm
from localist.training.constraint import Constraint
from localist.training.settings import Optimisation
from localist.training.trainer import LocalityTrainer, train_arm

pytestmark = pytest.mark.gpu

STEPS = 12
OPTIMISATION = Optimisation(
    token_budget=int(STEPS * 2 * uneven_windows().is_text.sum() / 5),
    batch_size=2,
    learning_rate=1e-2,
    warmup_ratio=0.25,
    weight_decay=0.1,
    max_grad_norm=1.0,
)
PLAIN = Constraint([0.0] * 3)
HINGE = Constraint([0.0, 0.5, 1.0], "hinge", 1.0, 20.0)


def trained(device, folder, constraint, bf16=False, asked_to_stop=lambda: False, family="llama"):
    """The weights (on the CPU) and the history of a short run."""
    windows = uneven_windows()
    model = tiny_model(family).to(device)
    use_observed_attention(model, CONTEXT)
    history = train_arm(
        model,
        windows,
        np.where(windows.is_text, windows.sentence_ids % 2, -1) if constraint.layers else None,
        constraint=constraint,
        optimisation=OPTIMISATION,
        seed=3,
        bf16=bf16,
        checkpoints=folder,
        checkpoint_steps=5,
        name="test",
        asked_to_stop=asked_to_stop,
    )
    return {name: weight.cpu() for name, weight in model.state_dict().items()}, history


def assert_same_weights(first, second):
    assert all(torch.equal(weight, second[name]) for name, weight in first.items())


@pytest.mark.parametrize("bf16", [False, True], ids=["fp32", "bf16"])
def test_without_locality_training_is_stock_fine_tuning_to_the_bit(device, bf16, tmp_path):
    """Catches any trace of the constraint in the distributed baseline."""
    ours, _ = trained(device, tmp_path / "ours", PLAIN, bf16)
    model = tiny_model("llama").to(device)
    train_stock(model, uneven_windows(), OPTIMISATION, tmp_path / "stock", warmup_steps=3, bf16=bf16)
    assert_same_weights(ours, {name: weight.cpu() for name, weight in model.state_dict().items()})


@pytest.mark.parametrize("bf16", [False, True], ids=["fp32", "bf16"])
def test_repeated_runs_are_bit_identical(device, bf16, tmp_path):
    """Catches sums in nondeterministic order, which make a repeated study give different results."""
    first, again = (trained(device, tmp_path / name, HINGE, bf16) for name in ("first", "again"))
    assert_same_weights(first[0], again[0])
    assert first[1] == again[1] and len(first[1]) == STEPS


def test_a_run_ended_by_sigterm_resumes_where_it_stopped(device, tmp_path):
    """Catches records that are lost with the process, and GPU state that is missing from checkpoints."""
    whole, history = trained(device, tmp_path / "whole", HINGE)
    with noticing_sigterm() as asked_to_stop:
        steps = []

        def terminated_in_step_seven():
            steps.append(1)
            if len(steps) == 7:
                os.kill(os.getpid(), signal.SIGTERM)
            return asked_to_stop()

        with pytest.raises(Interrupted, match="after step 7 of 12"):
            trained(device, tmp_path / "cut", HINGE, asked_to_stop=terminated_in_step_seven)
    resumed, history_resumed = trained(device, tmp_path / "cut", HINGE)
    assert_same_weights(whole, resumed)
    assert history_resumed == history


def test_a_gpu_run_is_close_to_a_cpu_run(device, tmp_path):
    """Catches a constraint that works differently on a GPU."""
    _, here = trained(device, tmp_path / "here", HINGE)
    _, there = trained(torch.device("cpu"), tmp_path / "there", HINGE)
    for row, other in zip(here, there, strict=True):
        assert row["cross_entropy"] == pytest.approx(other["cross_entropy"], rel=2e-2)
        assert row["penalty"] == pytest.approx(other["penalty"], abs=2e-2)
        assert json.loads(row["fidelity"]).keys() == {"1", "2"}


def test_a_gpu_is_used_if_one_is_requested(gpu, tmp_path):
    """Catches a model that silently stays on the CPU."""
    tiny_model("gpt2").save_pretrained(tmp_path)
    assert load_model(tmp_path, context=16, gpus=1).device == gpu


def test_an_out_of_memory_error_names_the_key(gpu):
    """Catches a CUDA traceback for a batch that is too large."""
    refused = pytest.raises(UserError, match=r"out of memory.*Lower training\.batch_size")
    with refused, explained_gpu_errors("training.batch_size"):
        torch.empty(2**44, dtype=torch.int8, device=gpu)


def test_our_code_adds_no_waits_for_the_gpu(gpu, tmp_path, monkeypatch):
    """Catches values that a training step or an evaluation reads back from the GPU."""
    own = []

    def counted(function):
        def counting(*args, **kwargs):
            torch.cuda.set_sync_debug_mode("warn")
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                result = function(*args, **kwargs)
            torch.cuda.set_sync_debug_mode("default")
            own.extend(
                one for one in caught if "synchronizing" in str(one.message) and "transformers" not in one.filename
            )
            return result

        return counting

    monkeypatch.setattr(LocalityTrainer, "training_step", counted(LocalityTrainer.training_step))
    monkeypatch.setattr(LocalityTrainer, "fetch_records", lambda *args: None)
    with pytest.raises(Interrupted):
        trained(gpu, tmp_path, HINGE, asked_to_stop=lambda: True)
    windows = uneven_windows()
    model = tiny_model("llama").to(gpu)
    use_observed_attention(model, CONTEXT)
    sums = LayerSums(windows, {"semantic": np.where(windows.is_text, windows.input_ids % 3, -1)})
    monkeypatch.setattr("localist.evaluation.losses._LossTable.table", lambda self: None)
    counted(watched_losses)(model, windows, batch_size=2, bf16=False, description="test", watchers=[sums])
    assert [f"{one.filename}:{one.lineno}" for one in own] == []
