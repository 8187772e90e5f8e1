"""Causal attention that also returns its mass on each block of the text, in memory linear in T.

Two implementations of the same function. On a CPU, scores are computed in tiles small enough for a core's cache, and
one softmax gives output and mass; this takes about as long as the fused kernel takes for the output alone. On a GPU,
where the fused kernel is much faster, it runs twice: once for the output, once with one-hot blocks as values, shifted
by one key.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch.autograd.function import once_differentiable
from torch.nn.functional import pad, scaled_dot_product_attention

from localist.attention.visibility import visible_keys

# Queries per tile, and scores per tile over all of its heads (3 MB in bf16): the fastest from T = 256 to 4096.
TILE_QUERIES = 128
TILE_SCORES = 1_600_000
HALF_PRECISION = (torch.bfloat16, torch.float16)


def attention_with_block_mass(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    groups: torch.Tensor,
    mask: torch.Tensor | None,
    scaling: float,
    dropout: float = 0.0,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Attention's output, [batch, heads, T, width], and its mass on earlier keys by group, [batch, heads, T, groups].

    query: [batch, heads, T, width]; key: [batch, key heads, T, width]; value: [batch, key heads, T, value width];
    groups: one-hot float32 [batch, T, groups], the group of each key (the sink, or a block); mask: bool
    [batch or 1, 1, T, T], True where a query sees a key, or None for plain causal attention.

    The mass of a query sums to 1 over the groups: the query's own key is left out, and dropout acts on the output alone
    (method.md, Fidelity). It is 0 where no earlier key is seen. Both results carry gradients to query, key and value.
    """
    device = query.device.type
    if torch.is_autocast_enabled(device):
        query, key, value = (tensor.to(torch.get_autocast_dtype(device)) for tensor in (query, key, value))
    with torch.autocast(device, enabled=False):
        if device == "cuda":
            return _fused(query, key, value, groups, mask, scaling, dropout)
        seed = int(torch.randint(2**62, ())) if dropout else 0
        # [batch, heads, T, value width], [batch, heads, T, groups]
        output, mass = _TiledAttention.apply(query, key, value, groups, mask, scaling, dropout, seed)
        total = mass.sum(-1, keepdim=True)
        return output, mass / total.where(total > 0, 1)  # a tiny total would make the gradient overflow


def stock_attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor | None,
    scaling: float,
    dropout: float = 0.0,
) -> torch.Tensor:
    """The output of torch's attention. Shapes are as in `attention_with_block_mass`."""
    grouped = query.shape[1] != key.shape[1]
    if grouped and mask is not None and query.device.type == "cuda":
        # On a GPU, only the slowest of the kernels that take a mask supports fewer key heads than query heads.
        repeats = query.shape[1] // key.shape[1]
        key, value, grouped = key.repeat_interleave(repeats, 1), value.repeat_interleave(repeats, 1), False
    return scaled_dot_product_attention(
        query,
        key,
        value,
        attn_mask=mask,
        dropout_p=dropout,
        is_causal=mask is None,
        scale=scaling,
        enable_gqa=grouped,
    )


def _fused(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    groups: torch.Tensor,
    mask: torch.Tensor | None,
    scaling: float,
    dropout: float,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Like `attention_with_block_mass`, with torch's fused kernels: once for the output, once for the mass.

    For the mass, one-hot groups are the values. With a causal mask, queries 1 … T−1 see exactly the earlier keys among
    keys 0 … T−2. The kernels require values as wide as the keys, so each pass takes that many groups.
    """
    output = stock_attention(query, key, value, mask, scaling, dropout)
    sees_none = None
    if mask is not None:
        mask = mask[:, :, 1:, :-1].tril()  # [batch or 1, 1, T - 1, T - 1]
        sees_none = ~mask.any(-1, keepdim=True)
        mask = mask | sees_none  # kernels treat queries without keys differently
    width = key.shape[-1]
    values = pad(groups[:, :-1], (0, -groups.shape[-1] % width)).to(key.dtype)  # [batch, T - 1, passes × width]
    parts = [
        stock_attention(
            query[:, :, 1:],
            key[:, :, :-1],
            part[:, None].expand(-1, key.shape[1], -1, -1).contiguous(),
            mask,
            scaling,
        )
        for part in values.split(width, dim=-1)
    ]  # each [batch, heads, T - 1, width]
    mass = torch.cat(parts, dim=-1)[..., : groups.shape[-1]]  # [batch, heads, T - 1, groups]
    if sees_none is not None:
        mass = mass.masked_fill(sees_none, 0)
    return output, pad(mass.float() if mass.dtype in HALF_PRECISION else mass, (0, 0, 1, 0))


@dataclass(frozen=True)
class _Tile:
    """Consecutive queries of one window against the keys that any of them sees, in some of the key heads.

    hidden: bool [queries, last keys], True where a key is not seen; it covers only the last keys that need it. blind:
    bool [queries], True where a query sees no key; None if every query sees one.
    """

    batch: int
    heads: slice
    queries: slice
    keys: slice
    hidden: torch.Tensor
    blind: torch.Tensor | None

    @property
    def diagonal(self) -> int:
        """The column of the first query's own key."""
        return self.queries.start - self.keys.start


class _Tiles:
    """Queries and keys by key head, cut into tiles. In a tile, tensors are [key heads, group × queries, …].

    query: [batch, heads, T, width]; key: [batch, key heads, T, width]; group: query heads per key head.
    """

    def __init__(self, query: torch.Tensor, key: torch.Tensor, mask: torch.Tensor | None, scaling: float):
        self.batch, heads, self.context, self.width = query.shape
        self.key_heads = key.shape[1]
        self.group = heads // self.key_heads
        self.query = self.by_key_head(query)  # [batch, key heads, group, T, width]
        # Transposed once, not in each tile: products of bf16 slices are twice as fast.
        self.key = key.transpose(-1, -2).contiguous()  # [batch, key heads, width, T]
        self.mask = mask
        self.scaling = scaling
        self.dtype = torch.float32 if query.dtype in HALF_PRECISION else query.dtype

    def __iter__(self) -> Iterator[_Tile]:
        for batch in range(self.batch):
            for start in range(0, self.context, TILE_QUERIES):
                queries = slice(start, min(start + TILE_QUERIES, self.context))
                keys, hidden, blind = visible_keys(self.mask, batch, queries, self.query.device)
                scores = self.group * (queries.stop - start) * (keys.stop - keys.start)
                step = max(1, min(self.key_heads, TILE_SCORES // scores))
                for head in range(0, self.key_heads, step):
                    heads = slice(head, min(head + step, self.key_heads))
                    yield _Tile(batch, heads, queries, keys, hidden, blind)

    def by_key_head(self, tensor: torch.Tensor) -> torch.Tensor:
        """[batch, heads, T, …] as [batch, key heads, group, T, …]."""
        return tensor.reshape(self.batch, self.key_heads, self.group, *tensor.shape[2:])

    def of_queries(self, tensor: torch.Tensor, tile: _Tile) -> torch.Tensor:
        """A tile's rows of what `by_key_head` returned: [key heads, group × queries, …]."""
        return tensor[tile.batch, tile.heads, :, tile.queries].flatten(1, 2)

    def set_queries(self, tensor: torch.Tensor, tile: _Tile, values: torch.Tensor) -> None:
        """Write a tile's rows, the inverse of `of_queries`."""
        target = tensor[tile.batch, tile.heads, :, tile.queries]  # [key heads, group, queries, …]
        target.copy_(values.view(target.shape))

    def of_keys(self, tensor: torch.Tensor, tile: _Tile) -> torch.Tensor:
        """The rows of a tile's keys, [key heads, keys, …], of a tensor [batch, key heads, T, …]."""
        return tensor[tile.batch, tile.heads, tile.keys]

    def of_columns(self, tensor: torch.Tensor, tile: _Tile) -> torch.Tensor:
        """The columns of a tile's keys, [key heads, width, keys], of a tensor [batch, key heads, width, T]."""
        return tensor[tile.batch, tile.heads, :, tile.keys]

    def scaled_query(self, tile: _Tile) -> torch.Tensor:
        """A tile's queries times the scaling, [key heads, group × queries, width]."""
        return self.of_queries(self.query, tile) * self.scaling

    def by_query(self, scores: torch.Tensor, tile: _Tile) -> torch.Tensor:
        """A view [key heads, group, queries, keys] of a tile's scores."""
        return scores.view(scores.shape[0], self.group, -1, scores.shape[-1])

    def own_keys(self, scores: torch.Tensor, tile: _Tile) -> torch.Tensor:
        """A view of the scores of each query with its own key, [key heads, group, queries]."""
        return self.by_query(scores, tile).diagonal(tile.diagonal, -2, -1)

    def probability(self, tile: _Tile) -> torch.Tensor:
        """softmax(QKᵀ) of a tile, [key heads, group × queries, keys], in the queries' precision, summed in float32."""
        scores = torch.bmm(self.scaled_query(tile), self.of_columns(self.key, tile))
        last_keys = self.by_query(scores, tile)[..., scores.shape[-1] - tile.hidden.shape[-1] :]
        last_keys.masked_fill_(tile.hidden, torch.finfo(scores.dtype).min)
        probability = torch.softmax(scores, dim=-1)
        if tile.blind is not None:
            self.by_query(probability, tile).masked_fill_(tile.blind[:, None], 0)
        return probability


class _TiledAttention(torch.autograd.Function):
    """Output and (unnormalised) mass on earlier keys, a tile at a time; the backward pass recomputes the tiles.

    Arguments and results have the shapes of `attention_with_block_mass`; seed: for dropout.
    """

    @staticmethod
    def forward(
        ctx: Any,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        groups: torch.Tensor,
        mask: torch.Tensor | None,
        scaling: float,
        dropout: float,
        seed: int,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        tiles = _Tiles(query, key, mask, scaling)
        groups = groups.to(query.dtype)
        output = query.new_zeros((*query.shape[:-1], value.shape[-1]))
        mass = query.new_zeros((*query.shape[:-1], groups.shape[-1]), dtype=tiles.dtype)
        # [batch, key heads, group, T, value width or groups]
        output_rows, mass_rows = tiles.by_key_head(output), tiles.by_key_head(mass)
        kept = _Dropout(dropout, seed, query.device)
        for tile in tiles:
            probability = tiles.probability(tile)  # [key heads, group × queries, keys]
            tiles.set_queries(output_rows, tile, torch.bmm(kept.drop(probability), tiles.of_keys(value, tile)))
            tiles.own_keys(probability, tile).zero_()
            tiles.set_queries(mass_rows, tile, probability @ groups[tile.batch, tile.keys])
        ctx.save_for_backward(query, key, value, groups, mask, output, mass)
        ctx.scaling, ctx.dropout, ctx.seed = scaling, dropout, seed
        return output, mass

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, output_gradient: torch.Tensor, mass_gradient: torch.Tensor
    ) -> tuple[torch.Tensor | None, ...]:
        query, key, value, groups, mask, output, mass = ctx.saved_tensors
        tiles = _Tiles(query, key, mask, ctx.scaling)
        kept = _Dropout(ctx.dropout, ctx.seed, query.device)
        # The gradient of the softmax is P ∘ (dP − δ) with δ = Σ P ∘ dP, known before any tile. Treating −δ as the
        # gradient of one more group, which holds all keys, yields it in the same product as the mass's part of dP.
        delta = (output_gradient.to(tiles.dtype) * output).sum(-1) + (mass_gradient * mass).sum(-1)  # [batch, heads, T]
        every_key = groups.new_ones((*groups.shape[:-1], 1))  # [batch, T, 1]
        # [batch, groups + 1, T]
        groups_and_all = torch.cat([groups, every_key], dim=-1).transpose(-1, -2).to(tiles.dtype)
        delta_rows = tiles.by_key_head(delta)  # [batch, key heads, group, T]
        mass_rows = tiles.by_key_head(torch.cat([mass_gradient, -delta[..., None]], dim=-1))  # […, T, groups + 1]
        output_rows = tiles.by_key_head(output_gradient.to(value.dtype))  # […, T, value width]
        value_columns = value.transpose(-1, -2).contiguous()  # [batch, key heads, value width, T]
        query_gradient = torch.zeros_like(query, memory_format=torch.contiguous_format)
        query_rows = tiles.by_key_head(query_gradient)  # a view: [batch, key heads, group, T, width]
        key_gradient, value_gradient = (
            torch.zeros_like(key, dtype=tiles.dtype),
            torch.zeros_like(value, dtype=tiles.dtype),
        )
        for tile in tiles:
            probability = tiles.probability(tile)  # [key heads, group × queries, keys]
            above = tiles.of_queries(output_rows, tile)  # [key heads, group × queries, value width]
            # dP − δ, then the gradient of the scores: [key heads, group × queries, keys]
            gradient = tiles.of_queries(mass_rows, tile) @ groups_and_all[tile.batch, :, tile.keys]
            own = tiles.own_keys(gradient, tile)
            own.copy_(-delta_rows[tile.batch, tile.heads, :, tile.queries])
            gradient.add_(kept.drop(torch.bmm(above, tiles.of_columns(value_columns, tile))))
            attended = kept.same(probability).transpose(-1, -2)  # [key heads, keys, group × queries]
            tiles.of_keys(value_gradient, tile).add_(torch.bmm(attended, above))
            gradient = gradient.mul_(probability).to(key.dtype)
            tiles.set_queries(query_rows, tile, torch.bmm(gradient, tiles.of_keys(key, tile)) * ctx.scaling)
            query_tile = tiles.scaled_query(tile)  # [key heads, group × queries, width]
            tiles.of_keys(key_gradient, tile).add_(torch.bmm(gradient.transpose(-1, -2), query_tile))
        return query_gradient, key_gradient.to(key.dtype), value_gradient.to(value.dtype), *[None] * 5


class _Dropout:
    """Dropout that draws the same numbers when the tiles are recomputed in the same order."""

    def __init__(self, probability: float, seed: int, device: torch.device):
        self.probability = probability
        self.factors: torch.Tensor | None = None
        self.generator = torch.Generator(device).manual_seed(seed) if probability else None

    def drop(self, values: torch.Tensor) -> torch.Tensor:
        """Apply dropout with the next random numbers."""
        if self.generator is None:
            return values
        kept = 1 - self.probability
        self.factors = torch.empty_like(values).bernoulli_(kept, generator=self.generator).div_(kept)
        return values * self.factors

    def same(self, values: torch.Tensor) -> torch.Tensor:
        """Apply dropout with the random numbers of the last call of `drop`."""
        return values if self.factors is None else values * self.factors
