"""The locality constraint: hand-computed hinges, its weighting over layers, its ramp."""

import numpy as np
import pytest
import torch

from localist.constraint import constraint_terms, hinge_penalty, ramp, window_blocks_for_training

CHANCE = torch.tensor([[0.0, 0.5, 0.25]])
COUNTED = torch.tensor([[False, True, True]])


def test_hinge_by_hand():
    """Catches a target that is not chance-corrected: the threshold is C + τ (1 − C), here 0.75 and 0.625."""
    fidelity = torch.tensor([[[0.9, 0.5, 0.5], [0.9, 0.8, 0.9]]])  # two heads
    penalty, active = hinge_penalty(fidelity, CHANCE, COUNTED, target=0.5)
    assert penalty.item() == pytest.approx((0.25 + 0.125 + 0 + 0) / 4)
    assert active.item() == pytest.approx(2 / 4)


def test_uncounted_queries_have_no_weight():
    """Catches an average over all queries, which would shrink the constraint on text with few boundaries."""
    fidelity = torch.zeros(1, 1, 3)
    penalty, active = hinge_penalty(fidelity, CHANCE, torch.zeros(1, 3, dtype=torch.bool), target=1.0)
    assert penalty.item() == 0 and active.item() == 0


def test_layers_are_weighted_by_locality_and_averaged_over_all_layers():
    """Catches division by the number of constrained layers: steeper schedules must weigh less in sum."""
    fidelity = {1: torch.zeros(1, 1, 3), 3: torch.zeros(1, 1, 3)}
    terms = constraint_terms(fidelity, CHANCE, COUNTED, locality=[0, 0.5, 0, 1.0], target=0.0)
    hinge = (0.5 + 0.25) / 2
    assert terms.penalty.item() == pytest.approx((0.5 * hinge + 1.0 * hinge) / 4)
    assert terms.active == 1.0 and terms.fidelity == {1: 0.0, 3: 0.0}


def test_penalty_gradient():
    """Catches a wrong derivative, in double precision away from the hinge's kink."""
    torch.manual_seed(0)
    fidelity = torch.rand(2, 2, 3, dtype=torch.float64, requires_grad=True)
    chance, counted = CHANCE.double().expand(2, -1), COUNTED.expand(2, -1)
    assert torch.autograd.gradcheck(lambda values: hinge_penalty(values, chance, counted, 0.7)[0], fidelity)


def test_ramp_reaches_full_strength_after_warm_up():
    """Catches a constraint that hits an untouched model at full strength, or never gets there."""
    assert [ramp(step, 4) for step in range(6)] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0, 1.0])
    assert ramp(0, 0) == 1.0


def test_blocks_are_renumbered_within_each_window():
    """Catches wide one-hot values from large block ids, and renumbering that merges blocks."""
    columns = window_blocks_for_training(np.array([[-1, 900, 7, 900, -1], [-1, 3, 3, 3, 3]]))
    assert columns["blocks"].tolist() == [[-1, 1, 0, 1, -1], [-1, 0, 0, 0, 0]]
    assert columns["counted"].tolist() == [[False, False, False, True, False], [False] * 5]
    assert columns["chance"][0, 3] == pytest.approx(0.5)
