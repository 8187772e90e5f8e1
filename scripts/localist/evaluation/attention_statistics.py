"""Attention statistics of an evaluated model, by direct sums over its attention (method.md, Measures)."""

from collections.abc import Iterator, Mapping

import torch

from localist.attention.observed_attention import LayerInputs
from localist.attention.visibility import visible_keys
from localist.evaluation.measures import MEASURES, AttentionChunk

BITS_PER_NAT = 1.4426950408889634

# Queries at a time, and their scores in all heads: small enough for a core's cache, whatever T.
CHUNK_QUERIES = 64
CHUNK_SCORES = 800_000


class StatisticsObserver:
    """Collects per-query statistics, [layer][name] → [batch, T], averaged over heads, in float32 at least.

    blocks: measured partition → long [batch, T], -1 on sink and padding; is_text: bool [batch, T], False there. Besides
    MEASURES there are `visible_keys`, the size of V(i), and for each partition `fidelity:…` and `chance:…`. Where a
    statistic is undefined it is 0.
    """

    def __init__(self, blocks: Mapping[str, torch.Tensor], is_text: torch.Tensor):
        self.blocks = blocks
        self.is_text = is_text
        self.layers: dict[int, dict[str, torch.Tensor]] = {}
        by_partition = (f"{statistic}:{name}" for name in blocks for statistic in ("fidelity", "chance"))
        self.names = ("visible_keys", *MEASURES, *by_partition)

    def observe(self, layer: int, inputs: LayerInputs) -> None:
        """Compute every statistic of one layer, by direct sums over chunks of queries."""
        dtype = torch.promote_types(inputs.query.dtype, torch.float32)
        heads, context = inputs.query.shape[1:3]
        with torch.autocast(inputs.query.device.type, enabled=False):  # or the scores would be rounded to bf16
            query, key = inputs.query.to(dtype) * inputs.scaling, inputs.key.to(dtype)  # [batch, (key) heads, T, width]
            # One array from the start: small tensors kept from each chunk would pin the memory of the large ones.
            statistics = query.new_empty((len(self.names), len(query), context))  # [names, batch, T]
            for batch in range(len(query)):
                for queries in query_chunks(heads, context):
                    found = self._chunk(query[batch], key[batch], inputs.mask, batch, queries)
                    for row, name in enumerate(self.names):
                        statistics[row, batch, queries] = found[name]
        self.layers[layer] = dict(zip(self.names, statistics, strict=True))

    def _chunk(
        self, query: torch.Tensor, key: torch.Tensor, mask: torch.Tensor | None, batch: int, queries: slice
    ) -> dict[str, torch.Tensor]:
        """Every statistic of the queries `queries` of one window, [queries].

        query: [heads, T, width], scaled; key: [key heads, T, width]; mask: as in `LayerInputs`.
        """
        keys, hidden, blind = visible_keys(mask, batch, queries, query.device)
        scores = head_scores(query[:, queries], key[:, keys])  # [heads, queries, keys]
        scores[..., scores.shape[-1] - hidden.shape[-1] :].masked_fill_(hidden, -torch.inf)
        seen = torch.ones(scores.shape[1:], dtype=torch.bool, device=query.device)  # [queries, keys]
        seen[:, seen.shape[1] - hidden.shape[1] :] = ~hidden
        attention = scores.softmax(-1)  # [heads, queries, keys]
        if blind is not None:
            attention[:, blind] = 0

        is_text = self.is_text[batch, keys]  # [keys]
        own_key = queries.start - keys.start
        visible = (seen & is_text).tril(own_key - 1)  # [queries, keys]: V(i)
        restricted = scores.masked_fill_(~visible, -torch.inf).softmax(-1).nan_to_num_(nan=0.0)

        chunk = AttentionChunk(
            attention=attention,
            restricted=restricted,
            attention_mean=attention.mean(0),
            restricted_mean=restricted.mean(0),
            entropy=_entropy_bits(attention),
            restricted_entropy=_entropy_bits(restricted),
            seen_count=seen.sum(-1).to(scores.dtype),
            visible_count=visible.sum(-1).to(scores.dtype),
            is_text=is_text,
            query_position=torch.arange(queries.start, queries.stop, device=query.device).to(scores.dtype),
            key_position=torch.arange(keys.start, keys.stop, device=query.device),
            own_key=own_key,
        )
        statistics = {"visible_keys": chunk.visible_count}
        statistics |= {name: measure.compute(chunk) for name, measure in MEASURES.items()}
        for name, ids in self.blocks.items():
            same = ids[batch, queries, None] == ids[batch, None, keys]  # [queries, keys]
            statistics[f"fidelity:{name}"] = (chunk.restricted_mean * same).sum(-1)
            statistics[f"chance:{name}"] = (visible & same).sum(-1) / chunk.visible_count.clamp(min=1)
        return statistics


def query_chunks(heads: int, context: int) -> Iterator[slice]:
    """Queries at a time, so that their scores in all heads take little memory."""
    size = max(1, min(CHUNK_QUERIES, CHUNK_SCORES // (heads * context)))
    for start in range(0, context, size):
        yield slice(start, min(start + size, context))


def head_scores(query: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
    """QKᵀ, [heads, queries, keys], of query [heads, queries, width] and key [key heads, keys, width]."""
    grouped = query.reshape(len(key), -1, query.shape[-1])  # [key heads, group × queries, width]
    return (grouped @ key.transpose(-1, -2)).view(len(query), -1, key.shape[1])


def _entropy_bits(probability: torch.Tensor) -> torch.Tensor:
    """Entropy of probability [heads, queries, keys] along its keys, averaged over heads: [queries]."""
    return torch.special.entr(probability).sum(-1).mean(0) * BITS_PER_NAT
