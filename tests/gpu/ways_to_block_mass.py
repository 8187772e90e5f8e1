"""Ways to compute the share of attention inside the block on a GPU, for comparison (docs/benchmarks/README.md).

Two passes of the fused kernel, as in `attention_with_block_mass`, or log-sum-exps from FlexAttention: the mass on own
keys is exp(lse_own − lse_all). The latter give only the share of own keys, which is enough for the hinge.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch.nn.attention.flex_attention import AuxRequest, BlockMask, create_block_mask, flex_attention
from torch.nn.functional import scaled_dot_product_attention

from localist.attention.block_attention import attention_with_block_mass
from localist.attention.visibility import key_groups

Way = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor | None]]


@cache
def compiled(device: str) -> Callable[..., Any]:
    """FlexAttention, compiled on a GPU."""
    return torch.compile(flex_attention) if device == "cuda" else flex_attention


def ways(ids: torch.Tensor, block_count: int, heads: int) -> dict[str, Way]:
    """Each way: query, key, value [batch, heads, T, width] → output, and the share of own keys, [batch, heads, T].

    ids: long [batch, T], -1 for the sink.
    """
    batch, context = ids.shape
    device = ids.device
    groups = key_groups(ids, block_count)
    scaling_of = lambda query: query.shape[-1] ** -0.5  # noqa: E731

    def is_causal(b, h, q, k):
        return q >= k

    def is_own(b, h, q, k):
        return (q > k) & (ids[b, q] == ids[b, k]) & (ids[b, k] >= 0)

    causal = create_block_mask(is_causal, None, None, context, context, device=device)
    own = create_block_mask(is_own, batch, None, context, context, device=device)

    def stock(query, key, value):
        return scaled_dot_product_attention(query, key, value, is_causal=True), None

    def two_passes(query, key, value):
        output, mass = attention_with_block_mass(query, key, value, groups, None, scaling_of(query))
        mass = mass[..., 1:]
        own_id = ids.clamp(min=0)[:, None, :, None].expand(-1, heads, -1, 1)
        return output, (mass.gather(-1, own_id) / mass.sum(-1, keepdim=True).clamp(min=1e-30))[..., 0]

    def by_log_sum_exp(own_keys: dict[str, Any]) -> Way:
        def way(query, key, value):
            flex = compiled(device.type)
            output, all_keys = flex(query, key, value, block_mask=causal, return_aux=AuxRequest(lse=True))
            _, own_alone = flex(query, key, value, return_aux=AuxRequest(lse=True), **own_keys)
            lse_all, lse_own = all_keys.lse, own_alone.lse
            scale = scaling_of(query)
            sink = ((query * key[:, :, :1]).sum(-1).float() * scale - lse_all).exp()
            itself = ((query * key).sum(-1).float() * scale - lse_all).exp()
            return output, (lse_own - lse_all).exp() / (1 - sink - itself).clamp(min=1e-6)

        return way

    def hide_foreign(score, b, h, q, k):
        return torch.where(is_own(b, h, q, k), score, -torch.inf)

    return {
        "stock": stock,
        "two_passes": two_passes,
        "log_sum_exp": by_log_sum_exp({"score_mod": hide_foreign, "block_mask": causal}),
        "log_sum_exp_sparse": by_log_sum_exp({"block_mask": own}),
    }


def tiles_with_own_keys(ids: torch.Tensor) -> tuple[float, int]:
    """The share of causal tiles that contain a pair of tokens of the same block, and the tile size. ids: long [T]."""

    def is_own(b, h, q, k):
        return (q > k) & (ids[q] == ids[k]) & (ids[k] >= 0)

    mask: BlockMask = create_block_mask(is_own, None, None, len(ids), len(ids), device=ids.device)
    size = mask.BLOCK_SIZE[0]
    count = -(-len(ids) // size)
    return float(mask.to_dense().bool().sum()) / (count * (count + 1) / 2), size
