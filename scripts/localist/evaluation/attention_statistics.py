"""Attention statistics of an evaluated model, by direct sums over its attention (method.md, Measures)."""

from collections.abc import Iterator, Mapping

import torch

from localist.attention.observed_attention import LayerInputs
from localist.attention.visibility import visible_keys

# What is summed over queries, by the queries that it is defined for: all; those with a key in V(i); those with two.
PLAIN_SUMS = ("sink_share", "self_share", "entropy_bits", "entropy_normalised")
VISIBLE_SUMS = ("entropy_no_sink_bits", "distance_tokens")
SPREAD_SUMS = ("entropy_no_sink_normalised",)
BITS_PER_NAT = 1.4426950408889634

# Queries at a time, and their scores in all heads: small enough for a core's cache, whatever T.
CHUNK_QUERIES = 64
CHUNK_SCORES = 800_000


class StatisticsObserver:
    """Collects per-query statistics, [layer][name] → [batch, T], averaged over heads, in float32 at least.

    blocks: measured partition → long [batch, T], -1 on sink and padding; is_text: bool [batch, T], false there. Besides
    the sums' terms there are `visible_keys`, the size of V(i), and for each partition `fidelity:…` and `chance:…`.
    Where a statistic is undefined it is 0.
    """

    def __init__(self, blocks: Mapping[str, torch.Tensor], is_text: torch.Tensor):
        self.blocks = blocks
        self.is_text = is_text
        self.layers: dict[int, dict[str, torch.Tensor]] = {}
        by_partition = (f"{measure}:{name}" for name in blocks for measure in ("fidelity", "chance"))
        self.names = ("visible_keys", *PLAIN_SUMS, *VISIBLE_SUMS, *SPREAD_SUMS, *by_partition)

    def observe(self, layer: int, inputs: LayerInputs) -> None:
        """Compute every statistic of one layer, by direct sums over chunks of queries."""
        dtype = torch.promote_types(inputs.query.dtype, torch.float32)
        heads, context = inputs.query.shape[1:3]
        with torch.autocast(inputs.query.device.type, enabled=False):  # or the scores would be rounded to bf16
            query, key = inputs.query.to(dtype) * inputs.scaling, inputs.key.to(dtype)
            # One array from the start: small tensors kept from each chunk would pin the memory of the large ones.
            found = query.new_empty((len(self.names), len(query), context))
            for batch in range(len(query)):
                for queries in query_chunks(heads, context):
                    chunk = self._chunk(query[batch], key[batch], inputs.mask, batch, queries)
                    for row, name in enumerate(self.names):
                        found[row, batch, queries] = chunk[name]
        self.layers[layer] = dict(zip(self.names, found, strict=True))

    def _chunk(
        self, query: torch.Tensor, key: torch.Tensor, mask: torch.Tensor | None, batch: int, queries: slice
    ) -> dict[str, torch.Tensor]:
        keys, hidden, blind = visible_keys(mask, batch, queries, query.device)
        scores = head_scores(query[:, queries], key[:, keys])  # [heads, chunk, keys]
        scores[..., scores.shape[-1] - hidden.shape[-1] :].masked_fill_(hidden, -torch.inf)
        seen = torch.ones(scores.shape[1:], dtype=torch.bool, device=query.device)
        seen[:, seen.shape[1] - hidden.shape[1] :] = ~hidden
        attention = scores.softmax(-1)
        if blind is not None:
            attention[:, blind] = 0
        entropy = torch.special.entr(attention).sum(-1).mean(0) * BITS_PER_NAT
        attention_mean = attention.mean(0)  # [chunk, keys]

        is_text = self.is_text[batch, keys]
        own_key = queries.start - keys.start
        visible = (seen & is_text).tril(own_key - 1)
        restricted = scores.masked_fill_(~visible, -torch.inf).softmax(-1).nan_to_num_(nan=0.0)
        restricted_entropy = torch.special.entr(restricted).sum(-1).mean(0) * BITS_PER_NAT
        restricted_mean = restricted.mean(0)

        position = torch.arange(keys.start, keys.stop, device=query.device)
        seen_count, visible_count, own_position = (
            count.to(scores.dtype)
            for count in (seen.sum(-1), visible.sum(-1), torch.arange(queries.start, queries.stop, device=query.device))
        )
        statistics = {
            "visible_keys": visible_count,
            "sink_share": attention_mean[:, ~is_text].sum(-1),
            "self_share": attention_mean.diagonal(own_key),
            "entropy_bits": entropy,
            "entropy_normalised": entropy / seen_count.clamp(min=2).log2(),
            "entropy_no_sink_bits": restricted_entropy,
            "entropy_no_sink_normalised": restricted_entropy / visible_count.clamp(min=2).log2(),
            "distance_tokens": (restricted_mean * (own_position[:, None] - position)).sum(-1),
        }
        for name, ids in self.blocks.items():
            same = ids[batch, queries, None] == ids[batch, None, keys]
            statistics[f"fidelity:{name}"] = (restricted_mean * same).sum(-1)
            statistics[f"chance:{name}"] = (visible & same).sum(-1) / visible_count.clamp(min=1)
        return statistics


class PassageObserver:
    """Keeps the attention of the named layers, averaged over heads: layer → float32 [T, T] of the only window."""

    def __init__(self, layers: list[int]):
        self.layers = layers
        self.attention: dict[int, torch.Tensor] = {}

    def observe(self, layer: int, inputs: LayerInputs) -> None:
        """Compute the attention of a layer that was asked for."""
        if layer not in self.layers:
            return
        with torch.autocast(inputs.query.device.type, enabled=False):
            scores = head_scores(inputs.query[0].float() * inputs.scaling, inputs.key[0].float())
        _, hidden, _ = visible_keys(inputs.mask, 0, slice(0, scores.shape[1]), scores.device)
        self.attention[layer] = scores.masked_fill(hidden, -torch.inf).softmax(-1).mean(dim=0)


def query_chunks(heads: int, context: int) -> Iterator[slice]:
    """Queries at a time, so that their scores in all heads take little memory."""
    size = max(1, min(CHUNK_QUERIES, CHUNK_SCORES // (heads * context)))
    for start in range(0, context, size):
        yield slice(start, min(start + size, context))


def head_scores(query: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
    """QKᵀ, [heads, queries, keys], of query [heads, queries, width] and key [key heads, keys, width]."""
    grouped = query.reshape(len(key), -1, query.shape[-1])  # the heads of a group follow one another
    return (grouped @ key.transpose(-1, -2)).view(len(query), -1, key.shape[1])
