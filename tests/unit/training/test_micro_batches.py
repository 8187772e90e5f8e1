"""Gradient accumulation: several micro-batches equal one batch in gradients, history, budget and data order."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from short_runs import CONSTRAINTS, OPTIMISATION, PLAIN, assert_same_weights, short_run, windows_of_all_lengths
from stock_training import train_stock
from tiny_models import tiny_model
from transformers import set_seed

from localist.plumbing.interruption import Interrupted
from localist.training import trainer as module
from localist.training.batches import WindowDataset, stack_windows
from localist.training.micro_batches import StepTotals
from localist.training.perplexity_budget import PerplexityBudget
from localist.training.settings import BudgetSettings
from localist.training.trainer import LocalityTrainer

HALVES = {"gradient_accumulation_steps": 2}


def numbers(row):
    fidelity = json.loads(row["fidelity"]).values() if row["fidelity"] else ()
    return [*(value for name, value in row.items() if name != "fidelity" and value is not None), *fidelity]


@pytest.mark.parametrize("micro_batches", [2, 4])
@pytest.mark.parametrize(
    ("constraint", "in_pieces"), [("plain", True), ("hinge", False), ("hinge", True), ("group_sparsity", False)]
)
def test_several_micro_batches_equal_one_batch(constraint, in_pieces, micro_batches, tmp_path, monkeypatch):
    """Catches means of means, rows per micro-batch, windows in other batches, or gradients with wrong weights."""
    if in_pieces:
        monkeypatch.setattr(module, "LOSS_TOKENS", 8)
    norms = []

    def recorded(trainer, model, grad_norm=None):
        norms.append(float(grad_norm))
        return grad_norm

    monkeypatch.setattr(LocalityTrainer, "_get_grad_norm", recorded)
    whole, history = short_run(tmp_path / "one", CONSTRAINTS[constraint])
    norms_whole = norms.copy()
    norms.clear()
    parts = {"gradient_accumulation_steps": micro_batches}
    in_parts, history_in_parts = short_run(tmp_path / "several", CONSTRAINTS[constraint], trainer_keys=parts)
    assert len(history) == len(history_in_parts) >= 9
    for row, other in zip(history, history_in_parts, strict=True):
        assert numbers(other) == pytest.approx(numbers(row), rel=2e-5, abs=1e-6)
    # AdamW and gradient clipping would hide gradients that are wrong by a constant factor.
    assert norms == pytest.approx(norms_whole, rel=1e-4)
    for name, weight in whole.items():
        assert (in_parts[name] - weight).abs().max() < 3e-4, name  # a third of a step: Adam divides by tiny gradients


def test_without_locality_accumulation_is_bit_identical_to_stock(tmp_path):
    """Catches a loss with our own scaling where Trainer's suffices."""
    ours, _ = short_run(tmp_path / "ours", PLAIN, dropout=0.1, trainer_keys=HALVES)
    model = tiny_model("gpt2", attn_pdrop=0.1, resid_pdrop=0.1, embd_pdrop=0.1)
    windows = windows_of_all_lengths()
    warmup = round(OPTIMISATION.warmup_ratio * OPTIMISATION.steps(windows))
    train_stock(model, windows, OPTIMISATION, tmp_path, warmup_steps=warmup, bf16=False, micro_batches=2)
    assert_same_weights(ours, model.state_dict())


def test_a_repeatedly_interrupted_run_ends_like_an_uninterrupted_one(tmp_path):
    """Catches a checkpoint inside a step, or micro-batches lost or repeated on resuming."""
    options = {"trainer_keys": HALVES, "dropout": 0.1, "optimisation": replace(OPTIMISATION, token_budget=6 * 4 * 9)}
    whole, whole_history = short_run(tmp_path / "whole", CONSTRAINTS["hinge"], **options)
    for step in range(1, len(whole_history)):
        with pytest.raises(Interrupted, match=f"after step {step} of {len(whole_history)}"):
            short_run(tmp_path / "cut", CONSTRAINTS["hinge"], **options, asked_to_stop=lambda: True)
        set_seed(99)
    resumed, resumed_history = short_run(tmp_path / "cut", CONSTRAINTS["hinge"], **options)
    assert_same_weights(whole, resumed)
    assert resumed_history == whole_history


SETTINGS = BudgetSettings(weight=1.0, min_weight=0.1, max_weight=50.0, rate=2.0, smoothing=0.8)


def test_a_budget_adapts_to_previous_steps_by_hand(tmp_path):
    """Catches a weight that differs between micro-batches, responds to only one of them, or changes on resuming."""
    steps = OPTIMISATION.steps(windows_of_all_lengths())

    def run(folder, **changes):
        budget = PerplexityBudget(0.02, SETTINGS, [4.0] * steps)
        hinge = replace(CONSTRAINTS["hinge"], weight=None)
        return short_run(folder, hinge, trainer_keys=HALVES, budget=budget, **changes)[1]

    history = run(tmp_path / "whole")
    weight, excess = 2 ** (2 / 3), 0.0
    for row in history:
        change = min(1, max(-1, 2.0 / steps * (1 - excess / math.log(1.02))))
        weight = min(50.0, max(0.1, weight * math.exp(change)))
        excess = 0.8 * excess + 0.2 * (row["cross_entropy"] - 4.0)
        assert row["weight"] == pytest.approx(weight) and row["excess"] == pytest.approx(excess)
    with pytest.raises(Interrupted):
        run(tmp_path / "cut", asked_to_stop=iter([False, False, True]).__next__)
    assert run(tmp_path / "cut") == history


def test_shares_by_hand():
    """Catches sinks and padding among the targets, or queries that see only one block among the counted."""
    windows = windows_of_all_lengths()
    data = WindowDataset(windows, np.where(windows.is_text, windows.sentence_ids % 2, -1))
    batches = [stack_windows([data[0], data[10]]), stack_windows([data[3]])]
    totals = StepTotals.of(batches, data.block_count, torch.device("cpu"))
    assert totals.targets == 5 + 15 + 8
    # Sentences of four tokens alternate between two blocks; the first is one shorter. A query counts from the second
    # token of the second sentence on: it sees its own block, and another.
    assert totals.counted == (5 - 3 - 1) + (15 - 3 - 1) + (8 - 3 - 1)
    shares = [totals.share_of_counted(batch["blocks"], data.block_count) for batch in batches]
    assert [float(share) for share in shares] == pytest.approx([12 / 16, 4 / 16])
    nothing = {"labels": batches[1]["labels"], "blocks": torch.full_like(batches[1]["blocks"], -1)}
    assert StepTotals.of([nothing], 2, torch.device("cpu")).share_of_counted(nothing["blocks"], 2) == 0
