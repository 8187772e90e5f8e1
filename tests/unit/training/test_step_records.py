"""Records of training steps: nothing is lost between fetches, and only a step that fetches waits for the device."""

import json
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
import torch
from counted_operations import CountedOperations
from tiny_models import tiny_model
from uneven_windows import CONTEXT, uneven_windows

from localist.attention.observed_attention import use_observed_attention
from localist.plumbing.errors import UserError
from localist.training import trainer as module
from localist.training.constraint import Constraint
from localist.training.perplexity_budget import PerplexityBudget
from localist.training.settings import BudgetSettings, Optimisation
from localist.training.step_records import StepRecords
from localist.training.trainer import LocalityTrainer, train_arm

STEPS = 8
OPTIMISATION = Optimisation(
    token_budget=int(STEPS * 2 * uneven_windows().is_text.sum() / 5), batch_size=2, learning_rate=1e-3,
    warmup_ratio=0.25, weight_decay=0.1, max_grad_norm=1.0,
)  # fmt: skip
LOCALITY = [0.0, 0.5, 1.0]


def trained(folder, arm, fetch_every, monkeypatch, model=None, checkpoint_steps=3):
    """The weights and history of a run that fetches its records every `fetch_every` steps."""
    monkeypatch.setattr(module, "STEPS_BETWEEN_FETCHES", {"cpu": fetch_every})
    windows = uneven_windows()
    budget = BudgetSettings(weight=1.0, min_weight=0.1, max_weight=50.0, rate=2.0, smoothing=0.8)
    model = model or tiny_model("llama")
    use_observed_attention(model, CONTEXT)
    history = train_arm(
        model,
        windows,
        None if arm == "plain" else np.where(windows.is_text, windows.sentence_ids % 2, -1),
        constraint=Constraint([0.0] * 3) if arm == "plain" else Constraint(LOCALITY, "hinge", 1.0, 20.0),
        optimisation=OPTIMISATION,
        seed=1,
        bf16=False,
        checkpoints=folder,
        checkpoint_steps=checkpoint_steps,
        name="test",
        budget=PerplexityBudget(0.02, budget, [4.0] * STEPS) if arm == "budget" else None,
    )
    return model.state_dict(), history


@pytest.mark.parametrize("arm", ["plain", "hinge", "budget"])
def test_the_history_does_not_depend_on_when_it_is_fetched(arm, tmp_path, monkeypatch):
    """Catches steps lost between fetches or recorded twice, or a weight that is adapted too late."""
    weights, history = trained(tmp_path / "one", arm, 1, monkeypatch)
    weights_later, history_later = trained(tmp_path / "five", arm, 5, monkeypatch)
    assert history_later == history and [row["step"] for row in history] == list(range(1, STEPS + 1))
    assert all(torch.equal(weight, weights_later[name]) for name, weight in weights.items())


@pytest.mark.parametrize("arm", ["plain", "hinge", "budget"])
@pytest.mark.parametrize("in_pieces", [False, True])
def test_a_step_does_not_wait_for_the_device(arm, in_pieces, tmp_path, monkeypatch):
    """Catches a value read back, or an array whose size depends on a value, in a step without a fetch."""
    if in_pieces:
        monkeypatch.setattr(module, "LOSS_TOKENS", 1)
    waits: list[Counter] = []
    step = LocalityTrainer.training_step
    with CountedOperations() as counted:

        def counting(*args, **kwargs):
            waits.append(counted.waits.copy())
            return step(*args, **kwargs)

        monkeypatch.setattr(LocalityTrainer, "training_step", counting)
        trained(tmp_path, arm, 4, monkeypatch, checkpoint_steps=STEPS)
    per_step = [later - earlier for earlier, later in pairwise(waits)][
        :2
    ]  # the third ends an epoch, which draws a seed
    # transformers itself checks in every forward pass whether sequences are packed.
    others = [place for found in per_step for place in found if "masking_utils" not in place]
    assert len(per_step) == 2 and others == []


def test_a_nan_loss_is_reported_with_its_own_step(tmp_path, monkeypatch):
    """Catches an error that names the step of the fetch, or a checkpoint of the broken model."""
    model = tiny_model("llama")
    steps = []

    def break_in_step_four(module, inputs):
        steps.append(module.training)
        if sum(steps) == 4:
            with torch.no_grad():
                model.model.norm.weight[0] = torch.nan

    model.register_forward_pre_hook(break_in_step_four)
    with pytest.raises(UserError, match=r"The loss is nan at step 4\. Lower training"):
        trained(tmp_path, "hinge", 100, monkeypatch, model)
    assert [path.name for path in tmp_path.glob("checkpoint-*")] == ["checkpoint-3"]


def test_rows_by_hand():
    """Catches values under the wrong names, fidelity of the wrong layers, or token counts that are not integers."""
    records = StepRecords(layers=[2, 5], interval=2)
    parts = {"cross_entropy": torch.tensor(2.5), "targets": torch.tensor(7), "loss": torch.tensor(2.75)}
    records.add(1, 0.1, parts, torch.tensor([0.25, 0.5]))
    records.add(2, 0.2, parts | {"loss": torch.tensor(3.0)}, torch.tensor([0.25, 1.0]))
    assert [records.is_due(step) for step in (1, 2)] == [False, True]
    first, second = records.fetch()
    assert first == {
        **{"step": 1, "learning_rate": 0.1, "cross_entropy": 2.5, "targets": 7, "loss": 2.75},
        "fidelity": json.dumps({"2": 0.25, "5": 0.5}),
    }
    assert (second["step"], second["loss"], json.loads(second["fidelity"])["5"]) == (2, 3.0, 1.0)
    assert records.fetch() == []
