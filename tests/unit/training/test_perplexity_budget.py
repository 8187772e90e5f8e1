"""α adapted to a perplexity budget: the rule by hand, bounds, and reference runs that do not match."""

import json
import math
from dataclasses import asdict, replace

import pandas as pd
import pytest
import torch

from localist.plumbing.errors import UserError
from localist.training.perplexity_budget import PerplexityBudget, reference_losses
from localist.training.settings import BudgetSettings, LoraSettings, Optimisation, ReferenceRun

SETTINGS = BudgetSettings(weight=2 / 2 ** (2 / 3), min_weight=0.5, max_weight=20.0, rate=0.4, smoothing=0.5)
OPTIMISATION = Optimisation(1000, 2, 1e-4, 0.1, 0.0, 1.0)
WANTED = {"seed": 3, "steps": 2, "optimisation": OPTIMISATION}


def test_the_rule_by_hand():
    """Catches perplexity taken for loss, an average without memory, or a weight that moves the wrong way."""
    budget = PerplexityBudget(0.02, SETTINGS, reference=[3.0, 3.0])
    budget.adapt(0, torch.tensor(3.0))
    assert budget.weight == pytest.approx(2 * math.exp(0.2)) and budget.excess == 0
    budget.adapt(1, torch.tensor(3.0 + 4 * math.log(1.02), dtype=torch.float64))
    # The average is twice the budget now: α falls by what it rose before.
    assert budget.excess == pytest.approx(2 * math.log(1.02))
    assert budget.weight == pytest.approx(2.0)


@pytest.mark.parametrize(("loss", "bound"), [(0.0, 20.0), (100.0, 0.5)])
def test_the_weight_stays_within_its_bounds(loss, bound):
    """Catches a weight that overflows, jumps, or becomes too extreme to recover."""
    budget = PerplexityBudget(0.02, replace(SETTINGS, rate=6.0), reference=[3.0] * 30)
    for step in range(30):
        before = budget.weight
        budget.adapt(step, torch.tensor(loss))
        assert 1 / math.e <= budget.weight / before <= math.e * (1 + 1e-9)
    assert budget.weight == bound


def test_a_resumed_run_continues_with_the_same_weight():
    """Catches a state that is lost with the process, or rounded in the history."""
    losses = [3.1, 3.3, 2.9, 3.2]
    whole = PerplexityBudget(0.05, SETTINGS, reference=[3.0] * 4)
    rows = []
    for step, loss in enumerate(losses):
        whole.adapt(step, torch.tensor(loss))
        rows.append(json.loads(json.dumps({"weight": whole.weight.item(), "excess": whole.excess.item()})))
    resumed = PerplexityBudget(0.05, SETTINGS, reference=[3.0] * 4)
    resumed.resume(rows[1])
    for step in (2, 3):
        resumed.adapt(step, torch.tensor(losses[step]))
    assert {"weight": resumed.weight, "excess": resumed.excess} == rows[3]


@pytest.fixture
def reference(tmp_path):
    """A distributed run of two steps."""
    run = ReferenceRun(tmp_path / "history.csv", tmp_path / "settings.json")
    pd.DataFrame({"step": [1, 2], "cross_entropy": [3.25, 3.125]}).to_csv(run.history, index=False)
    run.settings.write_text(json.dumps({"seed": 3, "steps": 2, "optimisation": asdict(OPTIMISATION)}))
    return run


def test_reference_losses_are_read_unrounded(reference):
    """Catches rounded losses: a thousandth of a nat is a twentieth of a budget of 2 %."""
    assert reference_losses(reference, **WANTED) == [3.25, 3.125]


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"seed": 4}, r"settings.json: the distributed run has seed 3, but this run has 4"),
        ({"steps": 3}, r"settings.json: the distributed run has steps 2, but this run has 3"),
        ({"optimisation": replace(OPTIMISATION, batch_size=4)}, r"settings.json: the distributed run has optimisation"),
        ({"lora": LoraSettings(8, 16.0)}, r"settings.json: the distributed run has lora None"),
    ],
)
def test_a_reference_with_other_settings_is_refused(wanted, message, reference):
    """Catches losses compared with a run that differs in more than the constraint, such as its seed or length."""
    with pytest.raises(UserError, match=message):
        reference_losses(reference, **WANTED | wanted)


def test_a_missing_or_truncated_reference_is_reported(reference):
    """Catches a traceback, or a run that stops midway for lack of a reference."""
    pd.DataFrame({"cross_entropy": [3.25]}).to_csv(reference.history, index=False)
    with pytest.raises(UserError, match=r"history.csv has 1 steps, but this run has 2"):
        reference_losses(reference, **WANTED)
    reference.history.unlink()
    with pytest.raises(UserError, match=r"distributed run with the same seed: .*history.csv"):
        reference_losses(reference, **WANTED)
