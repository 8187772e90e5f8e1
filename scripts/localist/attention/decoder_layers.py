"""The layers of a Hugging Face causal model, and the weights of their query and key projections."""

from collections.abc import Collection

import torch
from transformers import PreTrainedModel

from localist.plumbing.errors import UserError

# Query and key projections, as named in transformers; those in the second row also contain the value projection.
QUERY_KEY_PROJECTIONS = (
    *("q_proj", "k_proj"),
    *("c_attn", "query_key_value", "qkv_proj", "Wqkv"),
)


def decoder_layers(model: PreTrainedModel) -> list[torch.nn.Module]:
    """The layers in order of their attention's layer index; empty if they are not in a single list."""
    depth = model.config.get_text_config().num_hidden_layers
    for modules in model.modules():
        if isinstance(modules, torch.nn.ModuleList) and len(modules) == depth:
            indices = [{getattr(part, "layer_idx", None) for part in layer.modules()} - {None} for layer in modules]
            if indices == [{index} for index in range(depth)]:
                return list(modules)
    return []


def query_key_parameters(model: PreTrainedModel, layers: Collection[int]) -> list[torch.nn.Parameter]:
    """The parameters of the query and key projections of some layers.

    Raises UserError if the model's layers or projections are not found.
    """
    found = decoder_layers(model)
    parameters = [
        parameter
        for index in layers
        if found
        for name, module in found[index].named_modules()
        if name.rpartition(".")[2] in QUERY_KEY_PROJECTIONS
        for parameter in module.parameters()
    ]
    if not parameters:
        raise UserError(
            f"{type(model).__name__} has query and key projections with unknown names: set constraint.query_key_rate "
            "to 1."
        )
    return parameters
