"""Attention statistics of an evaluated model, by direct sums over its attention (method.md, Fidelity and Measures)."""

from collections.abc import Mapping

import torch

# What is summed over queries. Each sum has its own count, since not every query has, say, two keys in V(i).
PLAIN_SUMS = ("sink_share", "self_share", "entropy_bits", "entropy_normalised")
VISIBLE_SUMS = ("entropy_no_sink_bits", "distance_tokens")
SPREAD_SUMS = ("entropy_no_sink_normalised",)
BITS_PER_NAT = 1.4426950408889634


class StatisticsObserver:
    """Collects per-query statistics, [layers][name] → float32 [batch, T], averaged over heads.

    blocks: measured partition → long [batch, T], -1 on sink and padding. Undefined values are 0; which queries count
    for what is in `counted`. The T × T attention of one layer at a time is held in memory.
    """

    def __init__(self, blocks: Mapping[str, torch.Tensor], is_text: torch.Tensor):
        context = is_text.shape[1]
        device = is_text.device
        position = torch.arange(context, device=device)
        self.causal = position[None, :] <= position[:, None]  # [T queries, T keys]
        self.visible = (position[None, :] < position[:, None]) & (position[None, :] > 0)
        self.distance = (position[:, None] - position[None, :]).float()
        self.same = {name: ids[:, :, None] == ids[:, None, :] for name, ids in blocks.items()}
        self.layers: dict[int, dict[str, torch.Tensor]] = {}
        self.counted = {
            "plain": is_text,
            "visible": is_text & (position >= 2),
            "spread": is_text & (position >= 3),
        }

    def observe(self, layer: int, query: torch.Tensor, key: torch.Tensor, scaling: float) -> None:
        """Compute every statistic of one layer."""
        scores = query.float() @ key.float().transpose(-1, -2) * scaling  # [batch, heads, T, T]
        keys = torch.arange(1, scores.shape[-1] + 1, device=scores.device).float()
        log_attention = scores.masked_fill(~self.causal, -torch.inf).log_softmax(-1)
        attention = log_attention.exp()
        entropy = _entropy_bits(attention, log_attention)
        statistics = {
            "sink_share": attention[..., 0],
            "self_share": attention.diagonal(dim1=-2, dim2=-1),
            "entropy_bits": entropy,
            "entropy_normalised": entropy / keys.log2().clamp(min=1e-9),
        }
        log_restricted = scores.masked_fill(~self.visible, -torch.inf).log_softmax(-1).nan_to_num(nan=-torch.inf)
        restricted = log_restricted.exp()
        entropy = _entropy_bits(restricted, log_restricted)
        statistics |= {
            "entropy_no_sink_bits": entropy,
            "entropy_no_sink_normalised": entropy / (keys - 2).clamp(min=1).log2().clamp(min=1e-9),
            "distance_tokens": (restricted * self.distance).sum(-1),
        }
        head_mean = restricted.mean(dim=1)
        for name, same in self.same.items():
            statistics[f"fidelity:{name}"] = (head_mean * same).sum(-1)[:, None]
        self.layers[layer] = {name: values.mean(dim=1) for name, values in statistics.items()}


class PassageObserver:
    """Keeps the attention of the named layers, averaged over heads: layer → float32 [T, T] of the only window."""

    def __init__(self, layers: list[int]):
        self.layers = layers
        self.attention: dict[int, torch.Tensor] = {}

    def observe(self, layer: int, query: torch.Tensor, key: torch.Tensor, scaling: float) -> None:
        """Compute the attention of a layer that was asked for."""
        if layer in self.layers:
            scores = query.float() @ key.float().transpose(-1, -2) * scaling
            future = torch.ones(scores.shape[-2:], device=scores.device).triu(1).bool()
            self.attention[layer] = scores.masked_fill(future, -torch.inf).softmax(-1).mean(dim=1)[0]


def _entropy_bits(probability: torch.Tensor, log_probability: torch.Tensor) -> torch.Tensor:
    terms = probability * log_probability.clamp(min=torch.finfo(log_probability.dtype).min)
    return -terms.sum(-1) * BITS_PER_NAT
