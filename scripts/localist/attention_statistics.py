"""Attention statistics of an evaluated model, by direct sums over its attention (method.md, Fidelity and Measures)."""

from collections.abc import Mapping

import torch

# What is summed over queries. Each sum has its own count, since not every query has, say, two keys in V(i).
PLAIN_SUMS = ("sink_share", "self_share", "entropy_bits", "entropy_normalised")
VISIBLE_SUMS = ("entropy_no_sink_bits", "distance_tokens")
SPREAD_SUMS = ("entropy_no_sink_normalised",)
BITS_PER_NAT = 1.4426950408889634

# Queries at a time: small enough for a core's cache, and memory stays linear in T.
CHUNK = 32


class StatisticsObserver:
    """Collects per-query statistics, [layer][name] → float32 [batch, T], averaged over heads.

    blocks: measured partition → long [batch, T], -1 on sink and padding. Undefined values are 0; which queries count
    for what is in `counted`.
    """

    def __init__(self, blocks: Mapping[str, torch.Tensor], is_text: torch.Tensor):
        self.position = torch.arange(is_text.shape[1], device=is_text.device)
        self.blocks = blocks
        self.layers: dict[int, dict[str, torch.Tensor]] = {}
        self.counted = {
            "plain": is_text,
            "visible": is_text & (self.position >= 2),
            "spread": is_text & (self.position >= 3),
        }

    def observe(self, layer: int, query: torch.Tensor, key: torch.Tensor, scaling: float) -> None:
        """Compute every statistic of one layer, by direct sums over chunks of queries."""
        with torch.autocast(query.device.type, enabled=False):  # or the scores would be rounded to bf16
            query, key = query.float() * scaling, key.float().transpose(-1, -2)
            chunks = [self._chunk(query, key, start) for start in range(0, query.shape[-2], CHUNK)]
        self.layers[layer] = {name: torch.cat([chunk[name] for chunk in chunks], dim=1) for name in chunks[0]}

    def _chunk(self, query: torch.Tensor, key: torch.Tensor, start: int) -> dict[str, torch.Tensor]:
        at = self.position[start : start + CHUNK]  # [chunk]
        keys = self.position[: start + len(at)]  # no query of the chunk sees later ones
        scores = query[:, :, start : start + len(at)] @ key[..., : len(keys)]  # [batch, heads, chunk, keys]
        attention = scores.masked_fill(keys > at[:, None], -torch.inf).softmax(-1)
        entropy = torch.special.entr(attention).sum(-1).mean(1) * BITS_PER_NAT
        visible = (keys < at[:, None]) & (keys > 0)
        restricted = scores.masked_fill_(~visible, -torch.inf).softmax(-1).nan_to_num_(nan=0.0)
        restricted_entropy = torch.special.entr(restricted).sum(-1).mean(1) * BITS_PER_NAT
        head_mean = restricted.mean(1)  # [batch, chunk, keys]
        statistics = {
            "sink_share": attention[..., 0].mean(1),
            "self_share": attention.diagonal(start, dim1=-2, dim2=-1).mean(1),
            "entropy_bits": entropy,
            "entropy_normalised": entropy / (at + 1).log2().clamp(min=1e-9),
            "entropy_no_sink_bits": restricted_entropy,
            "entropy_no_sink_normalised": restricted_entropy / (at - 1).clamp(min=2).log2(),
            "distance_tokens": (head_mean * (at[:, None] - keys)).sum(-1),
        }
        for name, ids in self.blocks.items():
            same = ids[:, start : start + len(at), None] == ids[:, None, : len(keys)]
            statistics[f"fidelity:{name}"] = (head_mean * same).sum(-1)
        return statistics


class PassageObserver:
    """Keeps the attention of the named layers, averaged over heads: layer → float32 [T, T] of the only window."""

    def __init__(self, layers: list[int]):
        self.layers = layers
        self.attention: dict[int, torch.Tensor] = {}

    def observe(self, layer: int, query: torch.Tensor, key: torch.Tensor, scaling: float) -> None:
        """Compute the attention of a layer that was asked for."""
        if layer in self.layers:
            with torch.autocast(query.device.type, enabled=False):
                scores = query.float() @ key.float().transpose(-1, -2) * scaling
            future = torch.ones(scores.shape[-2:], device=scores.device).triu(1).bool()
            self.attention[layer] = scores.masked_fill(future, -torch.inf).softmax(-1).mean(dim=1)[0]
