"""Knockout of single blocks: the fast method against eager attention with masked scores."""

from typing import Any

import numpy as np
import pytest
import torch
from tiny_models import TINY_MODELS, tiny_model
from torch.nn.functional import cross_entropy
from transformers import AttentionInterface
from transformers.models.llama.modeling_llama import repeat_kv

from localist.attention.observed_attention import use_observed_attention
from localist.evaluation import block_knockouts as module
from localist.evaluation.block_knockouts import block_knockouts, knockout_sample
from localist.tokens.windows import Windows

CONTEXT, LATE = 24, [2]
# Recurring blocks, a window with a single block, and padding.
BLOCKS = np.array(
    [
        [-1, *[3] * 5, *[7] * 6, *[3] * 3, *[0] * 4, *[7] * 2, *[0] * 3],
        [-1, *[5] * 23],
        [-1, *[2] * 4, *[1] * 7, *[4] * 5, *[-1] * 7],
    ],
    dtype=np.int32,
)


def windows():
    generator = np.random.default_rng(3)
    sentence_ids = np.where(BLOCKS < 0, -1, 0).astype(np.int32)
    return Windows(
        generator.integers(1, 60, BLOCKS.shape).astype(np.int32), sentence_ids, sentence_ids + 1, np.arange(3)
    )


def found(model, rows=(0, 1, 2)):
    return block_knockouts(model, windows(), BLOCKS, rows, late=LATE, bf16=False, description="test")


class Eager:
    """The slow reference: full T × T scores, some of them masked; keeps the attention."""

    def __init__(self, model):
        self.model, self.hidden, self.layers = model, None, ()
        self.attention: dict[int, torch.Tensor] = {}
        AttentionInterface.register("masked_eager", self.attend)
        model.set_attn_implementation("masked_eager")

    def attend(self, layer: Any, query, key, value, mask, scaling=None, **_):
        groups = query.shape[1] // key.shape[1]
        scale = query.shape[-1] ** -0.5 if scaling is None else scaling
        scores = query @ repeat_kv(key, groups).transpose(2, 3) * scale
        seen = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
        window = getattr(self.model.config, "sliding_window", None)
        if window:
            seen = seen & ~seen.tril(-window)
        if layer.layer_idx in self.layers:
            seen = seen & ~self.hidden
        weights = scores.masked_fill(~seen, -torch.inf).softmax(-1)
        self.attention[layer.layer_idx] = weights[0]  # [heads, T, T]
        return (weights @ repeat_kv(value, groups)).transpose(1, 2), None

    def losses(self, input_ids, hidden=None, layers=()):
        """The loss of every token except the first."""
        self.hidden, self.layers = hidden, layers
        with torch.no_grad():
            logits = self.model(input_ids[None], use_cache=False).logits[0]
        return cross_entropy(logits[:-1], input_ids[1:], reduction="none")


def expected(model, row):
    """(block, knocked out) → tokens, attribution, effect in the late layers, effect in all."""
    eager = Eager(model)
    length = int((BLOCKS[row] >= 0).sum()) + 1
    blocks = torch.tensor(BLOCKS[row, :length])
    input_ids = torch.tensor(windows().input_ids[row, :length]).long()
    plain = eager.losses(input_ids)
    attention = eager.attention[2]
    seen = attention[0] > 0
    result = {}
    for block in blocks[1:].unique():
        own = torch.nonzero(blocks == block).flatten()
        others = [int(g) for g in blocks[1:].unique() if g != block and seen[own][:, blocks == g].any()]
        for other in [*others, -1] if others else []:
            keys = blocks == other if other >= 0 else (blocks >= 0) & (blocks != block)
            hidden = (blocks == block)[:, None] & keys[None]
            if other < 0:  # every block is confined to itself
                hidden = (blocks[:, None] != blocks) & (blocks[:, None] >= 0) & (blocks >= 0)
            effects = [
                (eager.losses(input_ids, hidden, layers) - plain)[own - 1].mean().item() for layers in (LATE, range(3))
            ]
            if other < 0:
                effects[0] = np.nan
            shares = []
            for i in own:
                before = attention[:, i, :i] * (blocks[:i] >= 0)  # [heads, keys]
                if (before.sum(-1) > 0).all():
                    shares.append((before[:, keys[:i]].sum(-1) / before.sum(-1)).mean().item())
            result[int(block), other] = (len(own), np.mean(shares), *effects)
    return result


@pytest.mark.parametrize(
    ("family", "changes"), [*((family, {}) for family in sorted(TINY_MODELS)), ("mistral", {"sliding_window": 7})]
)
@pytest.mark.parametrize("most", [512, 5])
def test_results_equal_eager_attention_with_masked_scores(family, changes, most, monkeypatch):
    """Catches changed tokens that are not recomputed, stale keys, and losses of the wrong tokens."""
    monkeypatch.setattr(module, "MOST_QUERIES", most)
    model = tiny_model(family, **changes)
    use_observed_attention(model, CONTEXT)
    table = found(model)
    for row in range(3):
        rows = table[table["window"] == row].set_index(["block", "knocked_out"])
        slow = expected(model, row)
        assert set(rows.index) == set(slow)
        for pair, values in slow.items():
            numbers = rows.loc[pair, ["tokens", "attribution", "effect_late", "effect_all"]].astype(float)
            np.testing.assert_allclose(numbers, values, rtol=1e-5, atol=1e-5)


def test_one_block_has_nothing_to_knock_out():
    """Catches a row, or a crash, for a window in which no block sees another."""
    model = tiny_model("llama")
    use_observed_attention(model, CONTEXT)
    assert found(model, [1]).empty


def test_windows_with_enough_blocks_are_drawn():
    """Catches windows with too few pairs for ranks, repeated or missing windows, and rows out of order."""
    blocks = np.concatenate([BLOCKS] * 4)
    sample = knockout_sample(blocks, 5, seed=1)
    assert sample.tolist() == sorted(sample) and len(set(sample)) == 5
    assert all(row % 3 != 1 for row in sample)
    assert knockout_sample(blocks, 100, seed=1).tolist() == [row for row in range(12) if row % 3 != 1]
