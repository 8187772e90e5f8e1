"""The locality constraint: hand-computed penalties, their gradients, their weighting over layers, the ramp."""

import pytest
import torch

from localist.attention.observed_attention import LayerInputs
from localist.attention.visibility import key_groups, visible_blocks
from localist.training.constraint import (
    GROUP_SPARSITY_FLOOR,
    Constraint,
    ConstraintObserver,
    counted_mean,
    fidelity,
    group_sparsity,
    hinge,
    ramp,
)

# Sink, then blocks 0 1 0 1: the last query sees one own key (block 1) and two foreign ones, so C = 1/3.
BLOCKS = torch.tensor([[-1, 0, 1, 0, 1]])


@pytest.fixture
def visible():
    return visible_blocks(key_groups(BLOCKS, 2), None)


def mass_of_last(own, foreign):
    """Mass [1, 1, 5, 2] that is zero except for the last query."""
    mass = torch.zeros(1, 1, 5, 2)
    mass[0, 0, 4] = torch.tensor([foreign, own])
    return mass


def test_fidelity_is_a_share_of_own_and_foreign_mass(visible):
    """Catches mass on the sink or on the query itself in the denominator."""
    assert fidelity(mass_of_last(own=0.1, foreign=0.3), visible)[0, 0].tolist() == pytest.approx([0, 0, 0, 0, 0.25])


def test_hinge_by_hand(visible):
    """Catches a target that is not chance-corrected: at τ = 0.5 and C = 1/3 the threshold is 2/3."""
    assert hinge(mass_of_last(0.1, 0.3), visible, 0.5)[0, 0, 4] == pytest.approx(2 / 3 - 0.25)
    assert hinge(mass_of_last(0.3, 0.1), visible, 0.5)[0, 0, 4] == 0


def test_group_sparsity_by_hand(visible):
    """Catches own blocks that are penalised, sizes that are not shares of V(i), or a floor that is not subtracted."""
    floor = GROUP_SPARSITY_FLOOR
    expected = (2 / 3) ** 0.5 * ((0.75 + floor) ** 0.5 - floor**0.5)
    assert group_sparsity(mass_of_last(0.1, 0.3), visible)[0, 0, 4] == pytest.approx(expected, rel=1e-5)
    assert group_sparsity(mass_of_last(0.4, 0.0), visible)[0, 0, 4] == 0


@pytest.mark.parametrize("penalty", [hinge, group_sparsity])
def test_penalty_gradients(penalty):
    """Catches a wrong derivative with respect to the mass, in double precision."""
    generator = torch.Generator().manual_seed(0)
    blocks = torch.randint(0, 3, (2, 12), generator=generator)
    blocks[:, 0] = -1
    visible = visible_blocks(key_groups(blocks, 3), None)
    mass = torch.rand(2, 2, 12, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda values: counted_mean(penalty(values, visible, 0.83), visible.counted), mass, eps=1e-7
    )


@pytest.mark.parametrize("penalty", ["hinge", "group_sparsity"])
def test_gradient_from_the_loss_to_query_key_and_value(penalty):
    """Catches a derivative that is lost or doubled anywhere between scores and loss, by finite differences in fp64."""
    generator = torch.Generator().manual_seed(0)
    query, key, value = torch.randn(3, 1, 2, 14, 4, generator=generator, dtype=torch.float64)
    above = torch.randn(1, 2, 14, 4, generator=generator, dtype=torch.float64)
    blocks = torch.randint(0, 3, (1, 14), generator=generator)
    blocks[:, 0] = -1
    constraint = Constraint(locality=[0.0, 0.5], penalty=penalty, target=0.83, weight=2.0)

    def loss(query, key, value):
        observer = ConstraintObserver(constraint, blocks, 3)
        output = observer.observe(1, LayerInputs(query, key, value, None, 0.5, 0.0))
        return (output * above).sum(), observer

    inputs = [tensor.requires_grad_() for tensor in (query, key, value)]
    plain, observer = loss(*inputs)
    gradients = torch.autograd.grad(observer.add_to(plain, 2.0), inputs)
    step = 1e-6
    for position, gradient in enumerate(gradients):
        direction = torch.randn(gradient.shape, generator=generator, dtype=torch.float64)
        values = []
        for sign in (1, -1):
            moved = [tensor.detach() for tensor in inputs]
            moved[position] = moved[position] + sign * step * direction
            output, observer = loss(*moved)
            values.append(float(observer.add_to(output, 2.0)))
        assert (values[0] - values[1]) / (2 * step) == pytest.approx(float((gradient * direction).sum()), rel=1e-5)


def test_uncounted_queries_have_no_weight():
    """Catches an average over all queries, which would shrink the constraint on text with few boundaries."""
    values = torch.tensor([[[9.0, 1.0, 2.0], [9.0, 3.0, 4.0]]])  # two heads
    assert counted_mean(values, torch.tensor([[False, True, True]])) == 2.5
    assert counted_mean(values, torch.zeros(1, 3, dtype=torch.bool)) == 0


def test_layers_are_weighted_by_locality_and_averaged_over_all_layers():
    """Catches division by the number of constrained layers: steeper schedules must have less weight in total."""
    observer = ConstraintObserver(Constraint([0, 0.5, 0, 1.0], "hinge", 1.0, 1.0), BLOCKS, 2)
    query = key = value = torch.zeros(1, 1, 5, 2)
    for layer in range(4):
        observer.observe(layer, LayerInputs(query, key, value, None, 1.0, 0.0))
    # Uniform attention: F = C, so each counted query lacks 1 − C; two are counted, with C = 1/2 and 1/3.
    hinges = (1 / 2 + 2 / 3) / 2
    assert observer.summary().penalty == pytest.approx((0.5 * hinges + 1.0 * hinges) / 4)
    assert observer.add_to(torch.tensor(2.0), 10.0) == pytest.approx(2 + 10 * 1.5 * hinges / 4)
    assert observer.summary().active_share == 1.0
    assert observer.summary().fidelity.tolist() == pytest.approx([5 / 12] * 2)


def test_the_schedule_can_scale_the_target_instead():
    """Catches λ applied twice, or not at all, when it scales τ: the weight is 1, the target λ τ."""
    observer = ConstraintObserver(Constraint([0, 0.5, 0, 1.0], "hinge", 0.8, 1.0, "target"), BLOCKS, 2)
    query = key = value = torch.zeros(1, 1, 5, 2)
    for layer in range(4):
        observer.observe(layer, LayerInputs(query, key, value, None, 1.0, 0.0))
    # Uniform attention lacks τ (1 − C); two queries are counted, with C = 1/2 and 1/3.
    lacking = (1 / 2 + 2 / 3) / 2
    assert observer.summary().penalty == pytest.approx((0.4 + 0.8) * lacking / 4)


def test_ramp_reaches_full_weight_after_warm_up():
    """Catches a constraint that starts at full weight, or never reaches it."""
    assert [ramp(step, 4) for step in range(6)] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0, 1.0])
    assert ramp(0, 0) == 1.0
