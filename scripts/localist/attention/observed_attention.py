"""Attention function that exposes Q, K, V and mask to an observer, for any Hugging Face causal model.

The function is registered with transformers under ATTENTION and returns what stock SDPA returns. A forward pass called
with `observer=...` also passes each layer's inputs to that observer, which may compute the layer's output itself.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import torch
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from localist.plumbing.errors import UserError

Known = TypeVar("Known")

ATTENTION = "localist_sdpa"
# Arguments of attention functions that change the scores without the observer seeing it.
UNSEEN = ("position_bias", "s_aux", "softcap")
# Keys of model configs that cap attention scores.
SOFT_CAPPING = ("attn_logit_softcapping", "attention_logit_cap")
REMEDY = "Choose a model family listed in docs/own-model.md."
PROBE_TOKENS = 4
# Tolerance, relative to the largest logit: the order in which experts are summed depends on other tokens, and changes
# logits by 1e-7.
ROUNDING = 1e-5


@dataclass(frozen=True)
class LayerInputs:
    """Inputs of one layer's attention, with positions applied to queries and keys.

    query: [batch, heads, T, width]; key: [batch, key heads, T, width]; value: [batch, key heads, T, value width]; key
    heads are not repeated. mask: bool [batch or 1, 1, T, T], True where a query sees a key; None for plain causal
    attention. scaling: factor of the scores; dropout: probability, 0 outside training. Cached keys of an earlier call,
    if any, come first.
    """

    query: torch.Tensor
    key: torch.Tensor
    value: torch.Tensor
    mask: torch.Tensor | None
    scaling: float
    dropout: float


class ByMask(Generic[Known]):
    """A value shared by layers with the same mask; `compute` is called with the inputs of the first such layer."""

    def __init__(self, compute: Callable[[LayerInputs], Known]):
        self._compute = compute
        self._known: list[tuple[torch.Tensor | None, Known]] = []

    def of(self, inputs: LayerInputs) -> Known:
        for mask, known in self._known:
            if mask is inputs.mask:
                return known
        self._known.append((inputs.mask, self._compute(inputs)))
        return self._known[-1][1]


class Observer(Protocol):
    """Receives the inputs of every attention layer during a forward pass.

    Only observers with a true attribute `takes_cached_keys` may be given more keys than queries.
    """

    def observe(self, layer: int, inputs: LayerInputs) -> torch.Tensor | None:
        """Return the layer's output, [batch, heads, T, value width], or None to leave it to stock attention."""
        ...


def observed_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    observer: Observer | None = None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **kwargs,
) -> tuple[torch.Tensor, None]:
    """Stock SDPA attention, unless an observer computes this layer: [batch, T, heads, value width], and no weights.

    query: [batch, heads, T, width]; key: [batch, key heads, T, width]; value: [batch, key heads, T, value width];
    attention_mask: bool [batch or 1, 1, T, T], or None for plain causal attention.

    Raises UserError for what an observer would miss: biases, learned sinks or capping of the scores, a mask that is
    added to them or differs between heads, keys of an earlier call, attention to later tokens.
    """
    if observer is not None:
        _refuse_unseen(module, query, key, attention_mask, kwargs, getattr(observer, "takes_cached_keys", False))
        assert isinstance(module.layer_idx, int)
        scale = query.shape[-1] ** -0.5 if scaling is None else scaling
        inputs = LayerInputs(query, key, value, attention_mask, scale, dropout if module.training else 0.0)
        output = observer.observe(module.layer_idx, inputs)  # [batch, heads, T, value width]
        if output is not None:
            return output.transpose(1, 2).contiguous(), None
    return sdpa_attention_forward(module, query, key, value, attention_mask, dropout, scaling, **kwargs)


def _refuse_unseen(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    mask: torch.Tensor | None,
    kwargs: Mapping[str, Any],
    takes_cached_keys: bool,
) -> None:
    """Raises UserError if attention depends on more than an observer is given."""
    name = type(module).__name__
    unseen = [argument for argument in UNSEEN if kwargs.get(argument) is not None]
    if unseen:
        raise UserError(f"{name} adds {unseen[0]} to its attention scores: not supported.")
    if query.shape[2] != key.shape[2] and not takes_cached_keys:
        raise UserError(
            f"{name} attends to {key.shape[2]} keys from {query.shape[2]} queries: call it with use_cache=False."
        )
    if mask is not None and (mask.dtype != torch.bool or mask.shape[1] != 1):
        raise UserError(f"{name} has a mask that is added to its scores or differs between heads: not supported.")
    if mask is None and (kwargs.get("is_causal") is False or not getattr(module, "is_causal", True)):
        raise UserError(f"{name} lets tokens attend to later ones: not a causal model.")


def use_observed_attention(model: PreTrainedModel, context: int) -> None:
    """Switch `model` to the observed attention function.

    Raises UserError, naming the model, if its attention is not the causal softmax(QKᵀ) that the measures assume (other
    attention code, soft-capping, biases), or if it has fewer positions than `context`.
    """
    AttentionInterface.register(ATTENTION, observed_attention)
    # Without its mask function, transformers would hand the attention function no mask at all.
    AttentionMaskInterface.register(ATTENTION, sdpa_mask)
    name = type(model).__name__
    config = model.config.get_text_config()
    if any(getattr(config, key, None) for key in SOFT_CAPPING):
        raise UserError(f"{name} caps its attention scores, which the measures do not support. {REMEDY}")
    positions = getattr(config, "max_position_embeddings", None) or context
    if context > positions:
        raise UserError(f"{name} has {positions} positions: set tokens.context to at most {positions}.")
    try:
        model.set_attn_implementation(ATTENTION)
    except ValueError as error:
        raise UserError(
            f"{name} has no SDPA attention in transformers, so its attention cannot be observed. {REMEDY}"
        ) from error
    seen = _LayersSeen()
    with suppress(TypeError):  # a forward pass that accepts no observer leaves `seen` empty
        _logits(model, last_token=0, observer=seen)
    if seen.layers != set(range(config.num_hidden_layers)):
        raise UserError(
            f"{name} computes attention with its own code in some or all layers, so it cannot be observed. {REMEDY}"
        )


def check_causality(model: PreTrainedModel) -> None:
    """Raises UserError if a later token changes an earlier logit by more than rounding, or if logits are not finite."""
    one, other = (_logits(model, last_token=token) for token in (0, 1))
    largest = torch.maximum(one.abs().max(), other.abs().max())
    if not largest.isfinite():
        raise UserError(f"{type(model).__name__} gives logits that are not finite (NaN or infinite).")
    if (one - other)[:, :-1].abs().max() > ROUNDING * largest:
        raise UserError(f"{type(model).__name__} lets tokens attend to later ones: not a causal model.")


def _logits(model: PreTrainedModel, last_token: int, **inputs) -> torch.Tensor:
    """Logits [1, PROBE_TOKENS, vocabulary] of token 0 followed by `last_token`, without dropout."""
    input_ids = torch.zeros((1, PROBE_TOKENS), dtype=torch.long, device=model.device)
    input_ids[:, -1] = last_token
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            return model(input_ids=input_ids, use_cache=False, **inputs).logits
    finally:
        model.train(training)


class _LayersSeen:
    """Notes which layers report to their observer."""

    def __init__(self):
        self.layers: set[int] = set()

    def observe(self, layer: int, inputs: LayerInputs) -> None:
        self.layers.add(layer)
