"""Attention measures per layer: what each computes for a query, and the queries over which it is averaged.

To add a measure, add an entry to MEASURES; sums, tables and their columns follow. Does not import torch, since tables
need only the names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

# Columns that count queries, and the number of keys that V(i) must have for a query to be counted.
QUERIES_ALL = "queries_all"
QUERIES_VISIBLE = "queries_visible"
KEYS_NEEDED: Mapping[str, int] = {QUERIES_ALL: 0, QUERIES_VISIBLE: 1}


@dataclass(frozen=True)
class AttentionChunk:
    """The attention of some consecutive queries in some windows, in at least float32.

    attention: softmax over all keys visible to a query in the model; restricted: the same over V(i) only (method.md,
    Fidelity), NaN where V(i) is empty. Entropies are in bits, averaged over heads. Keys after the last one seen by any
    query are cut off.
    """

    attention: Tensor  # [windows, heads, queries, keys]
    restricted: Tensor  # [windows, heads, queries, keys]
    attention_mean: Tensor  # [windows, queries, keys], over heads
    restricted_mean: Tensor  # [windows, queries, keys], over heads
    entropy: Tensor  # [windows, queries], of attention
    restricted_entropy: Tensor  # [windows, queries], of restricted
    uniform_entropy: Tensor  # [windows or 1, queries], of equal attention on the keys that the query sees, at least two
    is_text: Tensor  # bool [windows, keys], False on sink and padding
    query_position: Tensor  # long [queries], in tokens from the start of the window
    key_position: Tensor  # long [keys]
    own_key: int  # the column of the first query's own key


@dataclass(frozen=True)
class Measure:
    """compute: chunk → [windows, queries], averaged over heads; queries: the key of KEYS_NEEDED for its average."""

    compute: Callable[[AttentionChunk], Tensor]
    queries: str


def sink_share(chunk: AttentionChunk) -> Tensor:
    """Share of attention on the sink (and on padding, if visible to the model)."""
    return (chunk.attention_mean * ~chunk.is_text[:, None]).sum(-1)


def self_share(chunk: AttentionChunk) -> Tensor:
    """Share of attention on the query's own token."""
    return chunk.attention_mean.diagonal(chunk.own_key, -2, -1)


def entropy_normalised(chunk: AttentionChunk) -> Tensor:
    """Entropy divided by that of uniform attention on the same keys."""
    return chunk.entropy / chunk.uniform_entropy


def distance_tokens(chunk: AttentionChunk) -> Tensor:
    """Mean distance, in tokens, of the keys of V(i), weighted by attention."""
    return (chunk.restricted_mean * (chunk.query_position[:, None] - chunk.key_position)).sum(-1)


# In the order of the columns of layers.csv.
MEASURES: dict[str, Measure] = {
    "sink_share": Measure(sink_share, QUERIES_ALL),
    "self_share": Measure(self_share, QUERIES_ALL),
    "entropy_bits": Measure(lambda chunk: chunk.entropy, QUERIES_ALL),
    "entropy_normalised": Measure(entropy_normalised, QUERIES_ALL),
    "entropy_no_sink_bits": Measure(lambda chunk: chunk.restricted_entropy, QUERIES_VISIBLE),
    "distance_tokens": Measure(distance_tokens, QUERIES_VISIBLE),
}
