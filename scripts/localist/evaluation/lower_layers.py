"""The lower layers of a model, computed once for several forward passes that differ only above them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from transformers import PreTrainedModel

from localist.attention.decoder_layers import decoder_layers
from localist.attention.observed_attention import PROBE_TOKENS


class LowerLayers:
    """The layers of `model` below `first`.

    Inside `recorded`, a forward pass stores the output of the last of them; inside `replayed`, a pass over the same
    tokens uses it instead of computing them. If upper layers of a model take more than this from lower ones (tested
    once, on construction), `replayed` computes everything.

    output: what was recorded, [batch, T, width]; None if nothing was.
    """

    def __init__(self, model: PreTrainedModel, first: int):
        self._layers = decoder_layers(model)[:first]
        self.output: torch.Tensor | None = None
        if self._layers and not self._is_all_that_upper_layers_take(model):
            self._layers = []

    @contextmanager
    def recorded(self) -> Iterator[None]:
        """Store the output of the last lower layer during one forward pass."""
        if not self._layers:
            yield
            return
        with self._layers[-1].register_forward_hook(self._keep):
            yield

    @contextmanager
    def replayed(self, output: torch.Tensor | None = None) -> Iterator[None]:
        """Use the recorded output, or the given part of it, during one forward pass."""
        output = self.output if output is None else output
        for layer in self._layers:
            layer.forward = lambda *_, **__: output
        try:
            yield
        finally:
            for layer in self._layers:
                del layer.forward  # restores the class's method

    def _keep(self, layer: torch.nn.Module, inputs: Any, output: Any) -> None:
        self.output = output

    def _is_all_that_upper_layers_take(self, model: PreTrainedModel) -> bool:
        """Whether a replayed pass over a few tokens gives identical logits."""
        input_ids = torch.arange(PROBE_TOKENS, device=model.device)[None]  # [1, tokens]
        with torch.inference_mode():
            with self.recorded():
                whole = model(input_ids=input_ids, use_cache=False).logits
            if not isinstance(self.output, torch.Tensor):
                return False
            try:
                with self.replayed():
                    return torch.equal(model(input_ids=input_ids, use_cache=False).logits, whole)
            except (AttributeError, LookupError, RuntimeError, TypeError, ValueError):
                return False
