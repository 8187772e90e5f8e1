"""Lower layers that are computed once: found in every family, and not used where they do not determine the rest."""

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
def test_replayed_lower_layers_are_not_computed(family):
    """Catches layers that are not found, computed again all the same, or still replaced afterwards."""
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


def test_a_model_whose_upper_layers_look_further_down_is_computed_whole():
    """Catches wrong losses, without a word, of a model in which a layer takes more than its predecessor's output."""
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
