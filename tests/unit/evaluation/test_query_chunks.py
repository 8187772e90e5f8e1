"""Chunks of queries: each query once, no key lost, and values shared by layers computed once."""

import pytest
import torch

from localist.attention.observed_attention import ByMask, LayerInputs
from localist.evaluation import query_chunks as module
from localist.evaluation.query_chunks import CPU_QUERIES, excluded, query_chunks, seen_keys

SLIDING = 70


def layer_inputs(batch=2, heads=4, key_heads=2, context=150, mask=None):
    generator = torch.Generator().manual_seed(0)
    query = torch.randn(batch, heads, context, 8, generator=generator)
    key, value = torch.randn(2, batch, key_heads, context, 8, generator=generator)
    return LayerInputs(query, key, value, mask, 1.0, 0.0)


def sliding_window(context):
    return torch.ones(context, context, dtype=torch.bool).tril().triu(-SLIDING)[None, None]


@pytest.fixture(params=["small chunks", "one query at a time", "whole windows", "everything"])
def scores_at_once(request, monkeypatch):
    """Chunks as on a CPU, with little memory, and as on a GPU that holds some or all windows."""
    scores = {"small chunks": 10**6, "one query at a time": 1, "whole windows": 100_000, "everything": 10**9}
    monkeypatch.setattr(module, "CPU_SCORES", scores[request.param])
    if request.param in ("whole windows", "everything"):
        monkeypatch.setattr(module, "CPU_QUERIES", 10**6)
    return scores[request.param]


@pytest.mark.parametrize("mask", [None, sliding_window(150)], ids=["causal", "sliding"])
def test_chunks_cover_the_attention_of_every_query_once(scores_at_once, mask):
    """Catches queries lost or repeated at the edge of a chunk, keys cut off, and heads matched with the wrong keys."""
    inputs = layer_inputs(mask=mask)
    seen = seen_keys(inputs)
    hidden = excluded(seen, torch.float32)
    attention = torch.zeros(2, 4, 150, 150)
    visits = torch.zeros(2, 150)
    for chunk in query_chunks(inputs):
        visits[chunk.windows, chunk.queries] += 1
        scores = chunk.scores(inputs.query, inputs.key)
        assert scores.numel() <= scores_at_once or scores.shape[2] == 1
        attention[chunk.windows, :, chunk.queries, chunk.keys] = (scores + chunk.pairs(hidden)).softmax(-1)
    assert (visits == 1).all()
    key = inputs.key.repeat_interleave(2, dim=1)
    expected = (inputs.query @ key.transpose(-1, -2)).masked_fill(~seen[:, None], -torch.inf).softmax(-1)
    torch.testing.assert_close(attention, expected)


def test_chunks_leave_out_keys_that_no_query_sees():
    """Catches doubled work for a causal mask, and even more for a sliding window."""
    causal, sliding = (query_chunks(layer_inputs(mask=mask)) for mask in (None, sliding_window(150)))
    assert [chunk.keys for chunk in causal[:3]] == [slice(0, 64), slice(0, 128), slice(0, 150)]
    last = 2 * CPU_QUERIES
    assert sliding[2].keys == slice(last - SLIDING, 150)


def test_layers_with_the_same_mask_share_its_values():
    """Catches masks that are re-evaluated in every layer, and one mask's values used for another."""
    calls = []
    shared = ByMask(lambda inputs: calls.append(inputs.mask) or len(calls))
    plain, other = layer_inputs(), layer_inputs(mask=sliding_window(150))
    assert [shared.of(inputs) for inputs in (plain, other, layer_inputs(), other)] == [1, 2, 1, 2]
