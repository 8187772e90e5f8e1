"""Looking at attention from inside any Hugging Face causal model: an attention function that reports to an observer.

The function is registered with transformers under ATTENTION and returns what stock SDPA returns. A forward pass called
with `observer=...` also hands each layer's queries and keys to that observer. Windows are laid out as in
localist.windows: the sink at position 0, padding at the end, plain causal attention; so V(i) is the keys 1 … i−1.
"""

from collections.abc import Iterable
from contextlib import suppress
from typing import Protocol

import torch
from torch.nn.functional import one_hot, scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import repeat_kv, sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from localist.errors import UserError

ATTENTION = "localist_sdpa"
UNSEEN = ("position_bias", "s_aux", "softcap")
SOFT_CAPPING = ("attn_logit_softcapping", "attention_logit_cap")


class Observer(Protocol):
    """What a forward pass reports to; `query` and `key` are [batch, heads, T, head width], positions applied."""

    def observe(self, layer: int, query: torch.Tensor, key: torch.Tensor, scaling: float) -> None: ...


def observed_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    observer: Observer | None = None,
    scaling: float | None = None,
    **kwargs,
) -> tuple[torch.Tensor, None]:
    """Stock SDPA attention; where there is an observer, it sees the layer's queries and (repeated) keys.

    Raises UserError for what an observer would not see: biases, learned sinks or capping of the scores.
    """
    if observer is not None:
        unseen = [name for name in UNSEEN if kwargs.get(name) is not None]
        if unseen:
            raise UserError(f"{type(module).__name__} adds {unseen[0]} to its attention scores: not supported.")
        groups = query.shape[1] // key.shape[1]
        observer.observe(module.layer_idx, query, repeat_kv(key, groups), scaling or query.shape[-1] ** -0.5)
    return sdpa_attention_forward(module, query, key, value, attention_mask, scaling=scaling, **kwargs)


def use_observed_attention(model: PreTrainedModel, context: int) -> None:
    """Switch `model` to the observed attention function, or refuse it by name.

    Raises UserError where the model's attention is not the plain causal softmax(QKᵀ) that the measures assume: its own
    attention code, soft-capping, or a sliding window shorter than `context`.
    """
    AttentionInterface.register(ATTENTION, observed_attention)
    # Without its mask function, transformers would hand the attention function no mask at all.
    AttentionMaskInterface.register(ATTENTION, sdpa_mask)
    name = type(model).__name__
    config = model.config.get_text_config()
    if any(getattr(config, key, None) for key in SOFT_CAPPING):
        raise UserError(f"{name} caps its attention scores, which the measures do not support. Choose another model.")
    window = getattr(config, "sliding_window", None) if getattr(config, "use_sliding_window", True) else None
    window = window or getattr(config, "attention_chunk_size", None)
    if window and window < context:
        raise UserError(f"{name} attends within {window} tokens: set tokens.context to at most {window}.")
    model.set_attn_implementation(ATTENTION)
    seen = _LayersSeen()
    with torch.no_grad(), suppress(TypeError):  # a forward pass that takes no observer leaves `seen` empty
        model(input_ids=torch.zeros((1, 2), dtype=torch.long, device=model.device), observer=seen)
    if seen.layers != set(range(config.num_hidden_layers)):
        raise UserError(f"{name} computes attention in its own way, not through transformers' interface.")


def block_fidelity(query: torch.Tensor, key: torch.Tensor, blocks: torch.Tensor, scaling: float) -> torch.Tensor:
    """Fidelity F of each query, [batch, heads, T]; 0 where V(i) is empty (method.md, Fidelity).

    query, key: [batch, heads, T, width]; blocks: long [batch, T], small numbers, -1 on sink and padding.
    Under autocast F has the precision of bf16; averages of it are taken in float32.
    F is the attention restricted to V(i) that falls on the query's own block. Queries 2 … T−1 against keys 1 … T−2 with
    a causal mask are exactly V(i), so attention with one-hot blocks as values gives the mass of every block, without a
    T × T matrix. The values are cut to the head's width, which fused kernels require.
    """
    batch, heads, context, width = query.shape
    if context < 3:  # no query sees a key that counts
        return query.new_zeros((batch, heads, context))
    own = blocks[:, 2:].clamp(min=0)
    key_blocks = blocks[:, 1:-1].clamp(min=0)
    queries, keys = query[:, :, 2:], key[:, :, 1:-1]
    fidelity = query.new_zeros((batch, heads, context))
    for first in range(0, int(own.max()) + 1, width):
        inside = (key_blocks >= first) & (key_blocks < first + width)
        values = one_hot((key_blocks - first).clamp(0, width - 1), width) * inside[..., None]
        values = values.to(query.dtype)[:, None].expand(-1, heads, -1, -1)
        mass = scaled_dot_product_attention(queries, keys, values, is_causal=True, scale=scaling)  # [B, H, T-2, width]
        mine = ((own >= first) & (own < first + width))[:, None, :]
        picked = mass.gather(-1, (own - first).clamp(0, width - 1)[:, None, :, None].expand(-1, heads, -1, 1))[..., 0]
        fidelity = fidelity + torch.nn.functional.pad(picked * mine, (2, 0))
    return fidelity


class FidelityObserver:
    """Collects F, [batch, heads, T] in float32, of the layers that it is asked for, with gradients."""

    def __init__(self, blocks: torch.Tensor, layers: Iterable[int]):
        self.blocks = blocks
        self.layers = frozenset(layers)
        self.fidelity: dict[int, torch.Tensor] = {}

    def observe(self, layer: int, query: torch.Tensor, key: torch.Tensor, scaling: float) -> None:
        """Compute F for a layer that was asked for; other layers cost nothing."""
        if layer in self.layers:
            self.fidelity[layer] = block_fidelity(query, key, self.blocks, scaling).float()


class _LayersSeen:
    def __init__(self):
        self.layers: set[int] = set()

    def observe(self, layer: int, query: torch.Tensor, key: torch.Tensor, scaling: float) -> None:
        self.layers.add(layer)
