"""Splits the queries of an evaluated model into chunks, with the keys that they see and their scores.

On a CPU, chunks fit into a core's cache. On a GPU, where each operation costs a launch, they are as large as memory
allows.
"""

from dataclasses import dataclass

import torch

from localist.attention.observed_attention import LayerInputs

# Scores over all heads, and queries, computed at a time on a CPU.
CPU_SCORES = 800_000
CPU_QUERIES = 64
# On a GPU: the most scores (1 GB in float32), and the memory per score for statistics, with some reserve.
GPU_SCORES = 2**28
GPU_BYTES_PER_SCORE = 48


@dataclass(frozen=True)
class QueryChunk:
    """Queries of some windows, and the keys that any of them sees."""

    windows: slice
    queries: slice
    keys: slice

    def pairs(self, values: torch.Tensor) -> torch.Tensor:
        """The chunk of […, windows or 1, T, T]: […, windows or 1, queries, keys]."""
        windows = self.windows if values.shape[-3] > 1 else slice(None)
        return values[..., windows, self.queries, self.keys]

    def of_queries(self, values: torch.Tensor) -> torch.Tensor:
        """The chunk of […, windows or 1, T]: […, windows or 1, queries]."""
        return values[..., self.windows if values.shape[-2] > 1 else slice(None), self.queries]

    def of_keys(self, values: torch.Tensor) -> torch.Tensor:
        """The chunk of […, windows, T]: […, windows, keys]."""
        return values[..., self.windows, self.keys]

    def scores(self, query: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
        """QKᵀ, [windows, heads, queries, keys], of [batch, heads, T, width] and [batch, key heads, T, width]."""
        query, key = query[self.windows, :, self.queries], key[self.windows, :, self.keys]
        windows, key_heads, keys, width = key.shape
        grouped = query.reshape(windows, key_heads, -1, width)  # [windows, key heads, group × queries, width]
        return (grouped @ key.transpose(-1, -2)).view(windows, query.shape[1], -1, keys)


def seen_keys(inputs: LayerInputs) -> torch.Tensor:
    """Whether a query sees a key: bool [batch or 1, queries, keys]. The queries are at the keys' last positions."""
    if inputs.mask is not None:
        return inputs.mask[:, 0]
    queries, keys = inputs.query.shape[2], inputs.key.shape[2]
    return torch.ones(1, queries, keys, dtype=torch.bool, device=inputs.query.device).tril(keys - queries)


def query_chunks(inputs: LayerInputs) -> list[QueryChunk]:
    """All queries of a batch of windows, in chunks.

    If there are several chunks of queries, keys that none of a chunk's queries sees are left out; finding them under a
    mask synchronises with the device once.
    """
    batch, heads, context, _ = inputs.query.shape
    device = inputs.query.device
    most = _most_scores(device)
    count = max(1, min(context if device.type == "cuda" else CPU_QUERIES, context, most // (heads * context)))
    windows = max(1, most // (heads * context**2)) if count == context else 1
    queries = [slice(start, min(start + count, context)) for start in range(0, context, count)]
    if inputs.mask is None or count == context:
        keys = [slice(0, part.stop) for part in queries]
    else:
        used = torch.stack([inputs.mask[:, 0, part].flatten(0, 1).any(0) for part in queries]).cpu()  # [parts, T]
        keys = [_covering(row, part) for row, part in zip(used, queries, strict=True)]
    return [
        QueryChunk(slice(first, min(first + windows, batch)), part, covered)
        for first in range(0, batch, windows)
        for part, covered in zip(queries, keys, strict=True)
    ]


def excluded(allowed: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Values added to scores to exclude keys: 0 where the bool `allowed` is True, else −∞.

    A softmax is then NaN where no key is allowed. (On CPUs, adding is eight times faster than filling by a mask.)
    """
    return torch.zeros_like(allowed, dtype=dtype).masked_fill_(~allowed, -torch.inf)


def _covering(used: torch.Tensor, queries: slice) -> slice:
    """The slice from the first to the last used key, including the queries' own keys. used: bool [T]."""
    places = used.nonzero()
    if not len(places):
        return queries
    return slice(min(int(places[0]), queries.start), max(int(places[-1]) + 1, queries.stop))


def _most_scores(device: torch.device) -> int:
    """Scores computed at a time. On a GPU a power of two, so that free memory rarely affects results."""
    if device.type != "cuda":
        return CPU_SCORES
    free = torch.cuda.mem_get_info(device)[0] + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return max(1, min(GPU_SCORES, 2 ** ((free // GPU_BYTES_PER_SCORE).bit_length() - 1)))
