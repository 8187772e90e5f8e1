"""Finding a model's layers, and the weights of their query and key projections, in every family."""

import pytest
import torch
from tiny_models import TINY_MODELS, tiny_model

from localist.attention.decoder_layers import decoder_layers, query_key_parameters
from localist.plumbing.errors import UserError


@pytest.mark.parametrize("family", sorted(TINY_MODELS))
def test_query_and_key_weights_of_the_given_layers_are_found(family):
    """Catches projections missed because of their name, and weights of other layers, output projections or MLPs."""
    model = tiny_model(family)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    found = [names[id(parameter)] for parameter in query_key_parameters(model, [1, 2])]
    assert len(found) == len(set(found)) >= 2
    assert all(".1." in name or ".2." in name for name in found)
    attention = ("attn", "attention")
    assert all(any(part in name for part in attention) for name in found)
    assert not any("o_proj" in name or "out_proj" in name or "dense" in name or "c_proj" in name for name in found)


@pytest.mark.parametrize("layers", [1, 3])
def test_projections_with_unknown_names_are_refused(layers):
    """Catches a `constraint.query_key_rate` that silently has no effect."""
    model = tiny_model("llama")
    for layer in decoder_layers(model):
        layer.self_attn.queries, layer.self_attn.keys = layer.self_attn.q_proj, layer.self_attn.k_proj
        del layer.self_attn.q_proj, layer.self_attn.k_proj
    with pytest.raises(UserError, match=r"set constraint\.query_key_rate to 1"):
        query_key_parameters(model, range(layers))


def test_a_list_in_another_order_is_not_taken_for_the_layers():
    """Catches a list of modules taken for the layers only because it has the same length."""
    model = tiny_model("llama")
    model.model.layers = torch.nn.ModuleList(reversed(model.model.layers))
    assert decoder_layers(model) == []
