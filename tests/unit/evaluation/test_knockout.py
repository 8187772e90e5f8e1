"""Attention knockout: which keys a query keeps, and that nothing else changes."""

import numpy as np
import pytest
import torch
from tiny_models import TINY_MODELS, tiny_model

from localist.attention.observed_attention import LayerInputs, use_observed_attention
from localist.evaluation.knockout import Knockout, foreign_knockout
from localist.evaluation.losses import watched_losses
from localist.evaluation.score_bias import BiasedAttention
from localist.tokens.windows import Windows

CONTEXT = 24


@pytest.fixture
def blocks():
    """Two windows with a sink at 0, several recurring blocks, and padding at the end of the second."""
    generator = torch.Generator().manual_seed(0)
    blocks = torch.randint(0, 3, (2, CONTEXT), generator=generator)
    blocks[:, 0] = -1
    blocks[1, 17:] = -1
    return blocks


@pytest.fixture
def input_ids():
    return torch.randint(0, 60, (2, CONTEXT), generator=torch.Generator().manual_seed(1))


def observed(family="llama", **changes):
    model = tiny_model(family, **changes)
    use_observed_attention(model, CONTEXT)
    return model


def observer_of(blocks, layers):
    return BiasedAttention(foreign_knockout(blocks, layers))


def logits(model, input_ids, observer=None):
    with torch.no_grad():
        return model(input_ids, observer=observer, use_cache=False).logits


@pytest.mark.parametrize("mask", [None, "sliding"])
def test_one_layer_against_the_plain_definition(blocks, mask):
    """Catches visible foreign keys, a hidden sink, own block or own token, and an ignored mask."""
    generator = torch.Generator().manual_seed(0)
    query = torch.randn(2, 4, CONTEXT, 8, generator=generator)
    key, value = torch.randn(2, 2, 2, CONTEXT, 8, generator=generator)
    places = torch.arange(CONTEXT)
    seen = places[:, None] >= places
    if mask:
        seen &= places[:, None] - places < 7
    inputs = LayerInputs(query, key, value, seen.expand(2, 1, -1, -1) if mask else None, 0.3, 0.0)
    found = observer_of(blocks, [1]).observe(1, inputs)
    for window in range(2):
        for head in range(4):
            for i in range(CONTEXT):
                own = blocks[window, i]
                keys = [
                    j for j in range(CONTEXT)
                    if seen[i, j] and (j == i or own < 0 or blocks[window, j] in (-1, own))
                ]  # fmt: skip
                scores = key[window, head // 2, keys] @ query[window, head, i] * 0.3
                expected = scores.softmax(-1) @ value[window, head // 2, keys]
                torch.testing.assert_close(found[window, head, i], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("family", sorted(TINY_MODELS))
def test_knockout_of_a_single_block_changes_nothing(family, input_ids):
    """Catches a knockout that removes keys of the query's own block or otherwise changes attention, in every family."""
    model = observed(family)
    one_block = torch.zeros(2, CONTEXT, dtype=torch.long)
    one_block[:, 0] = -1
    knockout = logits(model, input_ids, observer_of(one_block, range(3)))
    torch.testing.assert_close(knockout, logits(model, input_ids), rtol=1e-4, atol=1e-4)


def test_only_the_named_layers_are_knocked_out(input_ids, blocks):
    """Catches a knockout in earlier layers, whose attention must not change."""
    model = observed()
    states = []
    for observer in (None, observer_of(blocks, [2])):
        with torch.no_grad():
            output = model(input_ids, observer=observer, use_cache=False, output_hidden_states=True)
        states.append(output.hidden_states)
    assert all(torch.equal(states[0][layer], states[1][layer]) for layer in range(3))
    assert not torch.allclose(states[0][3], states[1][3])


def test_tokens_of_another_block_have_no_effect(input_ids, blocks):
    """Catches a leak: with all layers knocked out, only tokens of the own block may have an effect."""
    model = observed()
    observer = observer_of(blocks, range(3))
    last = CONTEXT - 1
    before = logits(model, input_ids, observer)[0, last]
    for place in range(1, last):
        changed = input_ids.clone()
        changed[0, place] = (changed[0, place] + 1) % 60
        same = torch.equal(logits(model, changed, observer)[0, last], before)
        assert same == (blocks[0, place] != blocks[0, last])


def test_losses_under_knockout_are_in_text_order(input_ids, blocks):
    """Catches blocks applied to the wrong window when batches are sorted by length."""
    model = observed()
    sentence_ids = np.where(blocks.numpy() < 0, -1, 0).astype(np.int32)
    flipped = slice(None, None, -1)  # the shorter window first
    windows = Windows(
        input_ids.numpy()[flipped].astype(np.int32), sentence_ids[flipped], np.ones_like(sentence_ids), np.arange(2)
    )
    knockout = Knockout(blocks.numpy()[flipped], [1, 2])
    _, changed = watched_losses(
        model, windows, batch_size=1, bf16=False, description="test", interventions={"": knockout}
    )
    expected = logits(model, input_ids, observer_of(blocks, [1, 2])).log_softmax(-1)
    for row in changed[""].itertuples():
        window = 1 - row.window
        target = input_ids[window, row.position]
        assert row.nll == pytest.approx(-expected[window, row.position - 1, target].item(), rel=1e-4)
