"""Attention statistics of an evaluated model, by direct sums over its attention (method.md, Measures)."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from localist.attention.observed_attention import ByMask, LayerInputs
from localist.evaluation.measures import MEASURES, AttentionChunk
from localist.evaluation.query_chunks import QueryChunk, excluded, query_chunks, seen_keys


@dataclass(frozen=True)
class VisibleKeys:
    """Properties of the keys under one mask, shared by all layers with that mask.

    excluded: [2, batch, T, T], added to scores to exclude keys hidden by the model, and keys outside V(i);
    uniform_entropy: in bits, [batch or 1, T], of uniform attention on the keys shown by the model, at least two;
    visible_count: size of V(i), long [batch, T]; chance: C by partition, float64 [partitions, batch, T], 0 where V(i)
    is empty.
    """

    excluded: torch.Tensor
    uniform_entropy: torch.Tensor
    visible_count: torch.Tensor
    chance: torch.Tensor
    chunks: list[QueryChunk]


class StatisticsObserver:
    """Collects per-query statistics by layer, [statistics, batch, T], averaged over heads, in at least float32.

    blocks: measured partition → long [batch, T], -1 on sink and padding; is_text: bool [batch, T], False there. The
    statistics are `names`: MEASURES and, for each partition, `fidelity:…`. Values that depend only on the mask, such as
    the size of V(i) and chance, are in `visible`, by layer. Undefined statistics are 0.
    """

    def __init__(self, blocks: Mapping[str, torch.Tensor], is_text: torch.Tensor):
        self.partitions = tuple(blocks)
        self.blocks = torch.stack(list(blocks.values()))  # [partitions, batch, T]
        self.is_text = is_text
        self.position = torch.arange(is_text.shape[1], device=is_text.device)  # long [T]
        self.names = (*MEASURES, *(f"fidelity:{name}" for name in blocks))
        self.layers: dict[int, torch.Tensor] = {}
        self.visible: dict[int, VisibleKeys] = {}
        self._shared = ByMask(self._visible_keys)

    def observe(self, layer: int, inputs: LayerInputs, bias: torch.Tensor | None = None) -> None:
        """Compute every statistic of one layer, by direct sums over chunks of queries.

        bias: added to the scores, [batch, T, T], if attention is modified.
        """
        shared = self._shared.of(inputs)
        dtype = torch.promote_types(inputs.query.dtype, torch.float32)
        with torch.autocast(inputs.query.device.type, enabled=False):  # otherwise scores would be rounded to bf16
            query, key = inputs.query.to(dtype) * inputs.scaling, inputs.key.to(dtype)  # [batch, (key) heads, T, width]
            # Allocated once: small tensors kept from each chunk would pin the memory of the large ones.
            statistics = query.new_empty((len(self.names), len(query), query.shape[2]))
            for chunk in shared.chunks:
                statistics[:, chunk.windows, chunk.queries] = self._of_chunk(chunk, query, key, shared, bias)
        self.layers[layer], self.visible[layer] = statistics.nan_to_num_(nan=0.0), shared

    def _of_chunk(
        self,
        chunk: QueryChunk,
        query: torch.Tensor,
        key: torch.Tensor,
        shared: VisibleKeys,
        bias: torch.Tensor | None,
    ) -> torch.Tensor:
        """Every statistic of a chunk, [statistics, windows, queries]; NaN where it is undefined.

        query: [batch, heads, T, width], scaled; key: [batch, key heads, T, width].
        """
        # Attention and its restriction to V(i) together: [2, windows, heads, queries, keys]
        scores = chunk.scores(query, key)
        if bias is not None:
            scores = scores + chunk.pairs(bias)[:, None]
        both = (scores + chunk.pairs(shared.excluded)[:, :, None]).softmax(-1)
        means, entropies = both.mean(2), entropy_bits(both).mean(2)
        measured = AttentionChunk(
            attention=both[0],
            restricted=both[1],
            attention_mean=means[0],
            restricted_mean=means[1],
            entropy=entropies[0],
            restricted_entropy=entropies[1],
            uniform_entropy=chunk.of_queries(shared.uniform_entropy),
            is_text=chunk.of_keys(self.is_text),
            query_position=self.position[chunk.queries],
            key_position=self.position[chunk.keys],
            own_key=chunk.queries.start - chunk.keys.start,
        )
        # [partitions, windows, queries, keys]
        same = chunk.of_queries(self.blocks)[..., None] == chunk.of_keys(self.blocks)[..., None, :]
        fidelity = (measured.restricted_mean * same).sum(-1)  # [partitions, windows, queries]
        return torch.stack([*(measure.compute(measured) for measure in MEASURES.values()), *fidelity])

    def _visible_keys(self, inputs: LayerInputs) -> VisibleKeys:
        """The properties of the keys under the mask of a layer."""
        dtype = torch.promote_types(inputs.query.dtype, torch.float32)
        seen = seen_keys(inputs)
        visible = (seen & self.is_text[:, None]).tril(-1)  # [batch, T, T]
        own = torch.stack([(visible & (ids[:, :, None] == ids[:, None])).sum(-1) for ids in self.blocks])
        visible_count = visible.sum(-1)
        return VisibleKeys(
            excluded=torch.stack([excluded(seen, dtype).expand(visible.shape), excluded(visible, dtype)]),
            uniform_entropy=seen.sum(-1, dtype=dtype).clamp(min=2).log2(),
            visible_count=visible_count,
            chance=own.double() / visible_count.clamp(min=1),
            chunks=query_chunks(inputs),
        )


def entropy_bits(probability: torch.Tensor) -> torch.Tensor:
    """Entropy in bits along the last axis: […, keys] → […]."""
    # Not torch.special.entr, which takes twice as long on a CPU. 0 log 0 is 0.
    log = probability.clamp(min=torch.finfo(probability.dtype).tiny).log2_()
    return -log.mul_(probability).sum(-1)
