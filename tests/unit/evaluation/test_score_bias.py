"""Biased attention: biases add up, layers without one are unchanged, and nothing waits for the GPU."""

import pytest
import torch
from counted_operations import CountedOperations

from localist.attention.observed_attention import LayerInputs
from localist.evaluation.score_bias import BiasedAttention, ScoreBias

QUERIES, KEYS = 5, 9


@pytest.fixture
def inputs():
    generator = torch.Generator().manual_seed(0)
    query = torch.randn(2, 4, QUERIES, 8, generator=generator)
    key, value = torch.randn(2, 2, 2, KEYS, 8, generator=generator)
    return LayerInputs(query, key, value, None, 0.3, 0.0)


def biases():
    generator = torch.Generator().manual_seed(1)
    chosen = torch.rand(2, 2, QUERIES, KEYS, generator=generator) < 0.3
    chosen[1, :, :, -QUERIES:] &= ~torch.eye(QUERIES, dtype=torch.bool)
    return ScoreBias(chosen[0], {1: -0.7, 2: -0.2}), ScoreBias(chosen[1], {1: -torch.inf})


def test_biases_add_up_on_cached_keys(inputs):
    """Catches a bias of the wrong layer, one that replaces the other, and queries aligned with the first keys."""
    one, other = biases()
    found = BiasedAttention(one, other).observe(1, inputs)
    scores = inputs.query @ inputs.key.repeat_interleave(2, 1).mT * 0.3
    scores = scores - 0.7 * one.chosen[:, None].float()
    hidden = other.chosen | torch.ones(QUERIES, KEYS, dtype=torch.bool).triu(KEYS - QUERIES + 1)
    expected = scores.masked_fill(hidden[:, None], -torch.inf).softmax(-1) @ inputs.value.repeat_interleave(2, 1)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_layers_without_a_bias_are_left_to_stock_attention(inputs):
    """Catches layers without a bias that bypass stock attention and so differ in their last bits."""
    observer = BiasedAttention(*biases())
    assert observer.observe(0, inputs) is None and observer.observe(2, inputs) is not None
    assert BiasedAttention(ScoreBias(biases()[0].chosen, {0: 0.0})).observe(0, inputs) is None


def test_nothing_waits_for_the_device(inputs):
    """Catches values read inside a layer, which makes the CPU wait for the GPU, and many small kernels."""
    observer = BiasedAttention(*biases())
    observer.observe(1, inputs)
    with CountedOperations() as counted:
        observer.observe(2, inputs)
    assert not counted.waits and sum(counted.launches.values()) <= 30
