"""Lower layers computed once: found in every family, and not reused if they do not determine the rest."""

import pytest
import torch
from tiny_models import TINY_MODELS, tiny_model

from localist.attention.decoder_layers import decoder_layers
from localist.evaluation.lower_layers import LowerLayers

TOKENS = torch.arange(10)[None]


def logits(model):
    with torch.inference_mode():
        return model(input_ids=TOKENS, use_cache=False).logits


@pytest.mark.parametrize("family", sorted(TINY_MODELS))
def test_replayed_lower_layers_are_not_recomputed(family):
    """Catches layers that are not found, recomputed anyway, or still replaced afterwards."""
    model = tiny_model(family)
    layers = decoder_layers(model)
    lower = LowerLayers(model, 2)
    calls = []
    for number, layer in enumerate(layers):
        attention = next(part for part in layer.modules() if getattr(part, "layer_idx", None) is not None)
        attention.register_forward_hook(lambda *_, number=number: calls.append(number))
    with lower.recorded():
        whole = logits(model)
    with lower.replayed():
        assert torch.equal(logits(model), whole)
    assert torch.equal(logits(model), whole)
    assert calls == [0, 1, 2, 2, 0, 1, 2]


def test_a_model_with_long_skip_connections_is_recomputed_in_full():
    """Catches silently wrong logits of a model in which a layer uses more than its predecessor's output."""
    model = tiny_model("llama")
    first, _, last = decoder_layers(model)
    seen = []
    first.self_attn.register_forward_hook(lambda module, inputs, output: seen.append(output[0]))
    last.mlp.register_forward_hook(lambda module, inputs, output: output + seen.pop())
    lower = LowerLayers(model, 2)
    seen.clear()
    with lower.recorded():
        whole = logits(model)
    with lower.replayed():
        assert torch.equal(logits(model), whole)
