"""Attention with block mass, statistics, divergence and knockout on a GPU, compared with slow references on the CPU."""

import numpy as np
import pytest
import torch
from pandas.testing import assert_frame_equal
from tiny_models import TINY_MODELS, tiny_model
from uneven_windows import CONTEXT, uneven_windows

from localist.attention.block_attention import attention_with_block_mass
from localist.attention.observed_attention import use_observed_attention
from localist.attention.visibility import key_groups
from localist.evaluation.block_knockouts import block_knockouts
from localist.evaluation.dial import dial_table
from localist.evaluation.divergence import Divergence
from localist.evaluation.knockout import Knockout
from localist.evaluation.layer_sums import LayerSums
from localist.evaluation.losses import watched_losses

pytestmark = pytest.mark.gpu

BLOCKS = 5
LENGTH = 200
BF16 = torch.bfloat16


def inputs(width=16, heads=6, key_heads=2, batch=2, blocks=BLOCKS):
    generator = torch.Generator().manual_seed(0)
    query = torch.randn(batch, heads, LENGTH, width, generator=generator)
    key, value = torch.randn(2, batch, key_heads, LENGTH, width, generator=generator)
    ids = torch.randint(0, blocks, (batch, LENGTH // 10), generator=generator).repeat_interleave(10, dim=1)
    ids[:, 0] = -1
    return query, key, value, ids


def masks():
    causal = torch.ones(LENGTH, LENGTH, dtype=torch.bool).tril()
    text = torch.arange(LENGTH) < torch.tensor([[LENGTH], [LENGTH // 2]])
    return {
        "plain": None,
        "sliding window": causal.triu(-30)[None, None],
        "left padding": (causal & text.flip(-1)[:, None] & text.flip(-1)[:, :, None])[:, None],
    }


def results(attention, query, key, value, groups, mask):
    """Output and mass, and the gradients of both."""
    generator = torch.Generator().manual_seed(1)
    query, key, value = (tensor.detach().requires_grad_() for tensor in (query, key, value))
    output, mass = attention(query, key, value, groups, mask, 0.5)
    above = torch.randn(output.shape, generator=generator).to(output)
    weight = torch.randn(mass.shape, generator=generator).to(mass)
    gradients = torch.autograd.grad((output * above).sum() + (mass * weight).sum(), (query, key, value))
    return [tensor.detach().double().cpu() for tensor in (output, mass, *gradients)]


@pytest.mark.parametrize("mask", masks())
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 2e-4), (BF16, 5e-2)], ids=["fp32", "bf16"])
@pytest.mark.parametrize("blocks", [BLOCKS, 20], ids=["one pass", "two passes"])
def test_block_mass_equals_the_reference(device, mask, dtype, tolerance, blocks):
    """Catches GPU kernels that use wrong keys, heads or groups, in values or gradients."""
    *tensors, ids = inputs(blocks=blocks)
    groups, mask = key_groups(ids, blocks), masks()[mask]
    exact = [tensor.to(dtype).double() for tensor in tensors]
    expected = results(attention_with_block_mass, *exact, groups.double(), mask)
    moved = [tensor.to(device, dtype) for tensor in tensors]
    found = results(attention_with_block_mass, *moved, groups.to(device), None if mask is None else mask.to(device))
    for ours, theirs in zip(found, expected, strict=True):
        scale = max(1.0, float(theirs.abs().max()))
        assert float((ours - theirs).abs().max()) <= tolerance * scale


@pytest.mark.parametrize("family", sorted(TINY_MODELS))
def test_an_evaluation_equals_that_on_the_cpu(device, family):
    """Catches statistics, divergences, knockouts or losses that depend on the device."""
    windows = uneven_windows()
    blocks = {"semantic": np.where(windows.is_text, windows.input_ids % 3, -1)}
    section = np.arange(10) // 4
    tables = []
    for place in (torch.device("cpu"), device):
        model, other = tiny_model(family).to(place), tiny_model(family).to(place)
        for one in (model, other):
            use_observed_attention(one, CONTEXT)
        with torch.no_grad():
            for weight in other.parameters():
                weight.mul_(1.1)
        sums, divergence = LayerSums(windows, blocks), Divergence(other, windows, np.array([0, 2, 3]))
        losses, knocked_out = watched_losses(
            model,
            windows,
            batch_size=2,
            bf16=False,
            description="test",
            watchers=[sums, divergence],
            interventions={"semantic": Knockout(blocks["semantic"], [1, 2])},
        )
        tables.append([losses, knocked_out["semantic"], sums.table("semantic", section), divergence.table(section)])
    for there, here in zip(*tables, strict=True):
        numbers = [name for name in there if name != "correct"]  # a tie of two tokens may go either way
        assert_frame_equal(there[numbers], here[numbers], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("family", sorted(TINY_MODELS))
def test_block_knockouts_and_the_dial_equal_those_on_the_cpu(device, family):
    """Catches cached keys, masks or positions that are correct only on the CPU."""
    windows = uneven_windows()
    blocks = np.where(windows.is_text, windows.input_ids % 3, -1)
    own = blocks[:, :, None] == blocks[:, None]
    tables = []
    for place in (torch.device("cpu"), device):
        model = tiny_model(family).to(place)
        use_observed_attention(model, CONTEXT)
        options = {"late": [2], "bf16": False, "description": "test"}
        turned = dial_table(
            model, windows, own, blocks, locality=[0.0, 0.3, 1.0], dials=[0.0, 0.5, 1.0], batch_size=2, **options
        )
        tables.append([block_knockouts(model, windows, blocks, range(5), **options).astype(float), turned])
    for there, here in zip(*tables, strict=True):
        assert_frame_equal(there, here, rtol=1e-3, atol=1e-4)
