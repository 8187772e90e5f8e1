"""Attention with block mass, compared with a slow reference that computes the T × T attention by definition."""

import pytest
import torch

from localist.attention.block_attention import TILE_QUERIES, _fused, attention_with_block_mass
from localist.attention.visibility import key_groups

BLOCKS = 5


def reference(query, key, value, blocks, mask, scaling):
    """Output, and mass of each query on the groups of earlier keys, from the T × T attention."""
    group = query.shape[1] // key.shape[1]
    key, value = key.repeat_interleave(group, dim=1), value.repeat_interleave(group, dim=1)
    context = query.shape[2]
    seen = torch.ones(context, context, dtype=torch.bool).tril() if mask is None else mask
    scores = (query @ key.transpose(-1, -2) * scaling).masked_fill(~seen, -torch.inf)
    attention = scores.softmax(-1).nan_to_num(0)
    groups = torch.nn.functional.one_hot(blocks + 1, BLOCKS + 1).to(query.dtype)
    mass = attention.tril(-1) @ groups[:, None]
    return attention @ value, mass / mass.sum(-1, keepdim=True).clamp(min=1e-300)


def inputs(context, heads=4, key_heads=2, width=8, batch=2, dtype=torch.float64, size=1.0, seed=0):
    generator = torch.Generator().manual_seed(seed)
    query = torch.randn(batch, heads, context, width, generator=generator, dtype=dtype) * size
    key, value = torch.randn(2, batch, key_heads, context, width, generator=generator, dtype=dtype) * size
    blocks = torch.randint(0, BLOCKS, (batch, context), generator=generator)
    blocks[:, 0] = -1
    return *(tensor.requires_grad_() for tensor in (query, key, value)), blocks


def causal(context):
    return torch.ones(context, context, dtype=torch.bool).tril()


def masks(context):
    """Every kind of mask that models use, as bool [2 or 1, 1, T, T] or None."""
    position = torch.arange(context)
    real = position < torch.tensor([[context], [context * 2 // 3]])
    document = (position[None] >= torch.tensor([[context // 3], [context // 2]])).long()
    right, left = real, real.flip(-1)
    return {
        "plain": None,
        "right padding": (causal(context) & right[:, None])[:, None],
        "left padding": (causal(context) & left[:, None] & left[:, :, None])[:, None],
        "packed": (causal(context) & (document[:, :, None] == document[:, None]))[:, None],
        "sliding window": causal(context).triu(-6)[None, None],
    }


@pytest.mark.parametrize("kind", masks(4))
@pytest.mark.parametrize("context", [1, 2, 3, TILE_QUERIES - 1, TILE_QUERIES + 1, 2 * TILE_QUERIES + 7])
def test_values_and_gradients_equal_the_reference(kind, context):
    """Catches errors at tile edges, off-by-one keys, and wrong gradients under any mask."""
    query, key, value, blocks = inputs(context)
    mask = masks(context)[kind]
    generator = torch.Generator().manual_seed(1)
    above = torch.randn(query.shape, generator=generator, dtype=query.dtype)
    weight = torch.randn(*query.shape[:3], BLOCKS + 1, generator=generator, dtype=query.dtype)
    found = attention_with_block_mass(query, key, value, key_groups(blocks, BLOCKS), mask, 0.7)
    expected = reference(query, key, value, blocks, mask, 0.7)
    gradients = []
    for output, mass in (found, expected):
        loss = (output * above).sum() + (mass * weight).sum()
        gradients.append(torch.autograd.grad(loss, (query, key, value)))
    for ours, theirs in zip((*found, *gradients[0]), (*expected, *gradients[1]), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)


def test_queries_without_earlier_keys_contribute_no_gradient():
    """Catches gradients divided by the total mass of a query without earlier keys, which is 0."""
    query, key, value, blocks = inputs(40, dtype=torch.float32)
    groups, mask = key_groups(blocks, BLOCKS), masks(40)["left padding"]
    _, mass = attention_with_block_mass(query, key, value, groups, mask, 0.5)
    assert (mass.sum(-1) == 0).any()
    gradients = torch.autograd.grad((100 * mass * torch.arange(mass.shape[-1])).sum(), (query, key), retain_graph=True)
    seen = (mask.sum(-1, keepdim=True) > 1) & mask.tril(-1).any(-1, keepdim=True)
    only_seen = torch.where(seen, mass, 0)
    expected = torch.autograd.grad((100 * only_seen * torch.arange(mass.shape[-1])).sum(), (query, key))
    for ours, theirs in zip(gradients, expected, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_gradients_by_finite_differences():
    """Catches a gradient that agrees with the reference only because both are wrong."""
    query, key, value, blocks = inputs(9, heads=2, key_heads=1, width=3, batch=1)
    groups = key_groups(blocks, BLOCKS)
    assert torch.autograd.gradcheck(
        lambda *qkv: attention_with_block_mass(*qkv, groups, None, 1.0), (query, key, value)
    )


@pytest.mark.parametrize("key_heads", [1, 4])
def test_any_number_of_key_heads(key_heads):
    """Catches query heads matched with the wrong key heads."""
    query, key, value, blocks = inputs(70, key_heads=key_heads)
    found = attention_with_block_mass(query, key, value, key_groups(blocks, BLOCKS), None, 1.0)
    for ours, theirs in zip(found, reference(query, key, value, blocks, None, 1.0), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_value_width_may_differ_from_query_width():
    """Catches an output shaped like the queries; in latent attention, values have another width."""
    query, key, value, blocks = inputs(70)
    value = value[..., :5]
    found = attention_with_block_mass(query, key, value, key_groups(blocks, BLOCKS), None, 1.0)
    for ours, theirs in zip(found, reference(query, key, value, blocks, None, 1.0), strict=True):
        torch.testing.assert_close(ours, theirs)
    assert torch.autograd.grad(found[0].sum() + found[1][..., 1].sum(), query)[0].isfinite().all()


def test_heads_are_split_between_tiles(monkeypatch):
    """Catches heads lost if they do not all fit into one tile, as with long contexts."""
    query, key, value, blocks = inputs(150)
    groups = key_groups(blocks, BLOCKS)
    whole = attention_with_block_mass(query, key, value, groups, None, 1.0)
    monkeypatch.setattr("localist.attention.block_attention.TILE_SCORES", 1)
    for ours, theirs in zip(attention_with_block_mass(query, key, value, groups, None, 1.0), whole, strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("kind", masks(4))
@pytest.mark.parametrize("many_blocks", [False, True])
def test_the_fused_kernel_gives_the_same_results(many_blocks, kind):
    """Catches a GPU path with other results, also if more groups than the head width take several passes."""
    query, key, value, blocks = inputs(40, dtype=torch.float32)
    mask = masks(40)[kind]
    if many_blocks:
        blocks = (torch.arange(40)[None].expand(2, -1) // 2).clone()
        blocks[:, 0] = -1
    groups = key_groups(blocks, int(blocks.max()) + 1)
    weight = torch.randn(*query.shape[:3], groups.shape[-1])
    results = []
    for attention in (_fused, attention_with_block_mass):
        output, mass = attention(query, key, value, groups, mask, 0.5, 0.0)
        results.append((output, mass, *torch.autograd.grad(output.sum() + (mass * weight).sum(), (query, key, value))))
    for fused, tiled in zip(*results, strict=True):
        torch.testing.assert_close(fused, tiled, rtol=1e-4, atol=1e-5)


def test_tiny_block_mass_beside_a_dominant_sink_is_accurate():
    """Catches block mass computed as one minus the sink's, which loses values of about 1e-9 to rounding."""
    query, key, value, blocks = inputs(80, dtype=torch.float32)
    with torch.no_grad():
        query.fill_(1.0)
        key[:, :, 0] = 22 / 8  # e^22 times the attention of any other key
        key[:, :, 1:] *= 0.1
    _, mass = attention_with_block_mass(query, key, value, key_groups(blocks, BLOCKS), None, 1.0)
    _, expected = reference(*(tensor.double() for tensor in (query, key, value)), blocks, None, 1.0)
    assert (expected[:, :, 2:, 0] > 1 - 1e-6).all()
    blocks_alone, expected = mass[..., 1:], expected[..., 1:]
    torch.testing.assert_close(blocks_alone.double(), expected, rtol=1e-4, atol=0)


@pytest.mark.parametrize("autocast", [False, True])
def test_half_precision_is_as_accurate_as_its_inputs(autocast):
    """Catches sums in bf16, and unwanted rounding by autocast: masses must be within 5e-3, and sum to 1."""
    query, key, value, blocks = inputs(300, dtype=torch.float32)
    half = (query, key, value) if autocast else tuple(tensor.bfloat16() for tensor in (query, key, value))
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
        output, mass = attention_with_block_mass(*half, key_groups(blocks, BLOCKS), None, 0.3)
    assert output.dtype == torch.bfloat16 and mass.dtype == torch.float32
    _, expected = reference(*(tensor.bfloat16().double() for tensor in (query, key, value)), blocks, None, 0.3)
    torch.testing.assert_close(mass.double(), expected, rtol=0, atol=5e-3)
    torch.testing.assert_close(mass[:, :, 1:].sum(-1), torch.ones_like(mass[:, :, 1:, 0]), rtol=0, atol=1e-5)


def test_dropout_affects_only_the_output_and_its_gradient_is_correct():
    """Catches dropout applied to the mass, and a backward pass that drops other probabilities than the forward pass."""
    query, key, value, blocks = inputs(90)
    groups = key_groups(blocks, BLOCKS)

    def dropped(*qkv, seed=3):
        torch.manual_seed(seed)
        return attention_with_block_mass(*qkv, groups, None, 1.0, dropout=0.4)

    plain_output, plain_mass = attention_with_block_mass(query, key, value, groups, None, 1.0)
    output, mass = dropped(query, key, value)
    torch.testing.assert_close(mass, plain_mass)
    assert not torch.allclose(output, plain_output)
    outputs = torch.stack([dropped(query, key, value, seed=seed)[0].detach() for seed in range(400)])
    assert (outputs.mean(0) - plain_output).abs().mean() < 0.1 * plain_output.abs().mean()
    loss = dropped(query, key, value)[0].sum()
    gradients = torch.autograd.grad(loss, (query, key, value))
    step = 1e-6
    for tensor, gradient in zip((query, key, value), gradients, strict=True):
        direction = torch.randn_like(tensor)
        with torch.no_grad():
            tensor.add_(direction, alpha=step)
            above = dropped(query, key, value)[0].sum()
            tensor.sub_(direction, alpha=2 * step)
            below = dropped(query, key, value)[0].sum()
            tensor.add_(direction, alpha=step)
        torch.testing.assert_close((above - below) / (2 * step), (gradient * direction).sum(), rtol=1e-5, atol=1e-6)


def test_no_tensor_is_quadratic_in_the_context():
    """Catches a T × T tensor in the forward or backward pass: no tensor may have more elements than a tile."""
    context = 2048
    query, key, value, blocks = inputs(context, heads=2, key_heads=1, width=8, batch=1, dtype=torch.float32)
    largest = 0

    class Largest(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
            nonlocal largest
            result = operation(*args, **(kwargs or {}))
            for tensor in result if isinstance(result, (tuple, list)) else (result,):
                if isinstance(tensor, torch.Tensor):
                    largest = max(largest, tensor.numel())
            return result

    with Largest():
        output, mass = attention_with_block_mass(query, key, value, key_groups(blocks, BLOCKS), None, 1.0)
        (output.sum() + mass[..., 1].sum()).backward()
    assert 0 < largest <= 2 * TILE_QUERIES * context < context**2
