"""Attention statistics against their definitions on T × T attention, in several model families."""

import math

import pytest
import tiny_models
import torch
from counted_operations import CountedOperations
from tiny_models import CONTEXT, tiny_model

from localist.attention.observed_attention import use_observed_attention
from localist.evaluation import query_chunks
from localist.evaluation.attention_statistics import StatisticsObserver

model, batch = tiny_models.model, tiny_models.batch  # fixtures


def entropy_bits(probability):
    return torch.special.entr(probability).sum(-1) / math.log(2)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-10)])
@pytest.mark.parametrize("window", [None, 7])
def test_statistics_equal_eager_attention(dtype, tolerance, window, batch, model):
    """Catches entropies, shares, distances or chance levels that wrongly count the sink or padding."""
    input_ids, blocks = batch
    if window:
        if model.config.model_type != "mistral":
            pytest.skip("one family with a sliding window is enough")
        model = tiny_model("mistral", sliding_window=window)
    model = model.to(dtype)
    use_observed_attention(model, CONTEXT)
    is_text = blocks >= 0
    observer = StatisticsObserver({"semantic": blocks}, is_text)
    direct = _DirectAttention(window)
    with torch.no_grad():
        model(input_ids, observer=observer)
        model(input_ids, observer=direct)
        model.set_attn_implementation("eager")  # its softmax is in float32 in every precision
        eager = model(input_ids, output_attentions=True, use_cache=False)
    for ours, theirs in zip(direct.layers, eager.attentions, strict=True):
        torch.testing.assert_close(ours.float(), theirs.float(), rtol=1e-4, atol=1e-5)
    position = torch.arange(CONTEXT)
    distance = position[:, None] - position[None, :]
    for layer, attention in enumerate(direct.layers):
        seen = (distance >= 0) & (distance < (window or CONTEXT))
        visible = seen & (distance > 0) & is_text[:, None, :]  # [batch, T, T]
        own = visible & (blocks[:, :, None] == blocks[:, None, :])
        outside = attention * visible[:, None]
        restricted = outside / outside.sum(-1, keepdim=True).clamp(min=torch.finfo(dtype).tiny)
        expected = {
            "sink_share": (attention * ~is_text[:, None, None, :]).sum(-1).mean(1),
            "self_share": attention.diagonal(dim1=-2, dim2=-1).mean(1),
            "entropy_bits": entropy_bits(attention).mean(1),
            "entropy_normalised": entropy_bits(attention).mean(1) / seen.sum(-1).clamp(min=2).to(dtype).log2(),
            "entropy_no_sink_bits": entropy_bits(restricted).mean(1),
            "distance_tokens": (restricted.mean(1) * distance).sum(-1),
            "fidelity:semantic": (restricted.mean(1) * own).sum(-1),
        }
        found = dict(zip(observer.names, observer.layers[layer], strict=True))
        assert found.keys() == expected.keys()
        shared = observer.visible[layer]
        assert torch.equal(shared.visible_count[is_text], visible.sum(-1)[is_text])
        torch.testing.assert_close(shared.chance[0], own.sum(-1).double() / visible.sum(-1).clamp(min=1))
        allowed = tolerance * max(1.0, direct.largest[layer])
        for name, values in expected.items():
            scale = CONTEXT if name == "distance_tokens" else 1
            difference = (found[name][is_text].double() - values[is_text].double()).abs().max()
            assert difference <= allowed * scale, (name, layer, float(difference))


class _DirectAttention:
    """T × T attention of each layer in the model's own precision, and its largest score."""

    def __init__(self, window):
        self.window = window
        self.layers, self.largest = [], []

    def observe(self, layer, inputs):
        key = inputs.key.repeat_interleave(inputs.query.shape[1] // inputs.key.shape[1], dim=1)
        scores = inputs.query @ key.transpose(-1, -2) * inputs.scaling
        seen = torch.ones(CONTEXT, CONTEXT, dtype=torch.bool).tril()
        seen = seen.triu(1 - self.window) if self.window else seen
        self.layers.append(scores.masked_fill(~seen, -torch.inf).softmax(-1))
        self.largest.append(float(scores.abs().max()))


@pytest.mark.parametrize("partitions", [1, 3])
def test_a_layer_needs_few_launches_and_never_waits(partitions, monkeypatch):
    """Catches what makes a GPU slow: Python loops over windows or queries, and results read back."""
    monkeypatch.setattr(query_chunks, "CPU_SCORES", query_chunks.GPU_SCORES)
    monkeypatch.setattr(query_chunks, "CPU_QUERIES", 10**9)
    assert query_chunks.GPU_SCORES >= 8 * 9 * 1024**2  # SmolLM2, eight windows of 1,024 tokens: one chunk
    counted = []
    for layers in (1, 2):
        model = tiny_model("llama", num_hidden_layers=layers)
        use_observed_attention(model, CONTEXT)
        blocks = torch.arange(CONTEXT).repeat(2, 1) // 5
        observer = StatisticsObserver({str(number): blocks for number in range(partitions)}, blocks >= 0)
        with torch.no_grad(), CountedOperations() as operations:
            model(torch.zeros_like(blocks), observer=observer, use_cache=False)
        counted.append(operations)
    assert (counted[1].launches - counted[0].launches).total() <= 60  # 34 of them the model's own
    assert (counted[1].waits - counted[0].waits).total() == 0
