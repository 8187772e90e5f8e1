"""Knockout of single blocks: the loss added in each later block without one earlier block (method.md, Faithfulness).

Knocking out block g for block q changes nothing before the first query of q that sees g, and nothing after the last
token of q is used. So only the tokens in between are recomputed, on the keys and values of an unchanged pass, which is
exact. Blocks that q sees from the same query on are knocked out in parallel.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm
from transformers import DynamicCache, PreTrainedModel

from localist.attention.models import cache_argument
from localist.attention.observed_attention import LayerInputs
from localist.evaluation.losses import chunked_losses
from localist.evaluation.lower_layers import LowerLayers
from localist.evaluation.query_chunks import QueryChunk, excluded, seen_keys
from localist.evaluation.score_bias import BiasedAttention, ScoreBias
from localist.evaluation.window_batches import long_tensor, on_device
from localist.tokens.windows import NO_ID, Windows

# Tokens computed at once in a forward pass, in one window and over all knockouts: memory grows with T, not T².
MOST_QUERIES = 512
MOST_TOKENS = 1024
# A rank correlation of fewer pairs is meaningless.
MIN_PAIRS = 3
COLUMNS = ["window", "block", "knocked_out", "tokens", "attribution", "effect_late", "effect_all"]


class BlockAttention:
    """Sums over `layers` of the attention of each query to each block of V(i), averaged over heads.

    blocks: long [keys], from 0, -1 for keys without a block. Attention is restricted to V(i), and 0 where that is
    empty; visible counts the keys of V(i) by block, in the last of the layers.
    """

    takes_cached_keys = True

    def __init__(self, blocks: torch.Tensor, block_count: int, layers: Collection[int]):
        self.layers = layers
        self.groups = (blocks[:, None] == torch.arange(block_count, device=blocks.device)).float()  # [keys, blocks]
        self.attention: torch.Tensor | None = None  # [queries, blocks]
        self.visible: torch.Tensor | None = None  # [queries, blocks]

    def observe(self, layer: int, inputs: LayerInputs) -> None:
        """Add the attention of one layer."""
        if layer not in self.layers:
            return
        queries, keys = inputs.query.shape[2], inputs.key.shape[2]
        groups = self.groups[:keys]
        visible = (seen_keys(inputs)[0] & groups.any(-1)).tril(keys - queries - 1)  # [queries, keys]
        everything = QueryChunk(slice(0, 1), slice(None), slice(None))
        with torch.autocast(inputs.query.device.type, enabled=False):
            scores = everything.scores(inputs.query.float() * inputs.scaling, inputs.key.float())
            attention = (scores + excluded(visible, scores.dtype)).softmax(-1)[0].mean(0)  # [queries, keys]
            by_block = attention.nan_to_num(nan=0.0) @ groups  # [queries, blocks]
            self.visible = visible.float() @ groups
        self.attention = by_block if self.attention is None else self.attention + by_block


@dataclass(frozen=True)
class PlainPass:
    """A forward pass over one window without a knockout.

    input_ids: long [n]; blocks: int [n], from 0, -1 on the sink. cache: keys and values by layer, each
    [1, key heads, n, width]; lower: output of the layers below the late ones, [1, n, width], None if it cannot be
    reused; nll: in nats, [n], of each token except the first. attribution: [n, blocks], mean over late layers; visible:
    keys of V(i), [n, blocks].
    """

    input_ids: torch.Tensor
    blocks: np.ndarray
    cache: Sequence[tuple[torch.Tensor, torch.Tensor]]
    lower: torch.Tensor | None
    nll: torch.Tensor
    attribution: np.ndarray
    visible: np.ndarray

    def cached(self, tokens: int, rows: int) -> DynamicCache:
        """Keys and values of the first `tokens` tokens, repeated for `rows` continuations."""
        cache = DynamicCache()
        self.extend(cache, slice(0, tokens), rows, range(len(self.cache)))
        return cache

    def extend(self, cache: DynamicCache, part: slice, rows: int, layers: range) -> None:
        """Add the keys and values of a part of the window to some layers of a cache with `rows` rows."""
        for layer in layers:
            keys, values = (kept[:, :, part].expand(rows, -1, -1, -1) for kept in self.cache[layer])
            cache.update(keys, values, layer)


@dataclass(frozen=True)
class Cut:
    """Keys hidden from the queries of one block in `layers`, for several knockouts in parallel.

    own: int [tokens], the positions of the block; first: the first of them whose query changes; forbidden:
    bool [rows, n].
    """

    own: np.ndarray
    first: int
    forbidden: torch.Tensor
    layers: Collection[int]


class BlockKnockouts:
    """Knocks out single blocks of single windows, in the late layers of a model and in all of them."""

    def __init__(self, model: PreTrainedModel, late: Collection[int]):
        self.model = model.eval()
        self.cache_argument = cache_argument(model)
        self.late = late
        self.lower = LowerLayers(model, min(late))

    def of_window(self, input_ids: np.ndarray, blocks: np.ndarray) -> pd.DataFrame:
        """One row per block of the window and other block that it sees (COLUMNS except window).

        input_ids, blocks: int [n], the sink first, with block -1. An additional row per block, with -1 in knocked_out,
        is for the window with every block confined to itself in all layers. Empty if no block sees another.
        """
        names, ids = np.unique(blocks, return_inverse=True)
        ids = ids - int(names[0] == NO_ID)
        names = names[names != NO_ID]
        tokens = long_tensor(input_ids, self.model.device)
        plain = self._plain(tokens, ids, len(names))
        rows = [row for block in range(len(names)) for row in self._of_block(plain, block)]
        if rows:
            lost = self._lost_alone(plain)
            for block in sorted({int(row["block"]) for row in rows}):
                own = plain.blocks == block
                row = (block, NO_ID, own.sum(), self._shares(plain, block).sum(), np.nan, lost[own].mean())
                rows.append(dict(zip(COLUMNS[1:], row, strict=True)))
        table = pd.DataFrame(rows, columns=COLUMNS[1:])
        for column in ("block", "knocked_out"):
            known = table[column].to_numpy(dtype=int)
            table[column] = np.where(known == NO_ID, NO_ID, names[known])
        return table

    def _plain(self, input_ids: torch.Tensor, blocks: np.ndarray, block_count: int) -> PlainPass:
        ids = long_tensor(blocks, input_ids.device)
        cache, lower, nll, attention, visible = DynamicCache(), [], [], [], []
        for part in _pieces(0, len(input_ids)):
            observer = BlockAttention(ids, block_count, self.late)
            with self.lower.recorded():
                logits = self.model(
                    input_ids=input_ids[None, part], use_cache=True, observer=observer, **{self.cache_argument: cache}
                ).logits[0]
            targets = input_ids.roll(-1)[part]  # the last prediction has no target and is dropped below
            nll.append(chunked_losses(logits, targets)[0])
            lower.append(self.lower.output)
            attention.append(observer.attention)
            visible.append(observer.visible)
        cached: list[Any] = cache.layers
        return PlainPass(
            input_ids=input_ids,
            blocks=blocks,
            cache=[(layer.keys, layer.values) for layer in cached],
            lower=None if lower[0] is None else torch.cat(lower, dim=1),
            nll=torch.cat([input_ids.new_zeros(1, dtype=nll[0].dtype), torch.cat(nll)[:-1]]),
            attribution=(torch.cat(attention) / len(self.late)).cpu().numpy(),
            visible=torch.cat(visible).cpu().numpy(),
        )

    def _of_block(self, plain: PlainPass, block: int) -> Iterator[dict[str, Any]]:
        """The rows of one block and each block that it sees: effects in nats per token of the former."""
        own = np.flatnonzero(plain.blocks == block)
        sees = plain.visible[own] > 0  # [own tokens, blocks]
        sees[:, block] = False
        foreign = np.flatnonzero(sees.any(axis=0))
        if not len(foreign):
            return
        firsts = own[sees[:, foreign].argmax(axis=0)]
        shares = self._shares(plain, block)
        keys = long_tensor(plain.blocks, plain.nll.device)
        for first in np.unique(firsts):
            others = foreign[firsts == first]
            forbidden = torch.stack([keys == int(other) for other in others])  # [rows, n]
            late = self._lost(plain, Cut(own, int(first), forbidden, self.late), plain.lower)
            whole = self._lost(plain, Cut(own, int(first), forbidden, range(len(plain.cache))), None)
            for other, *effects in zip(others, late, whole, strict=True):
                yield dict(zip(COLUMNS[1:], (block, other, len(own), shares[other], *effects), strict=True))

    @staticmethod
    def _shares(plain: PlainPass, block: int) -> np.ndarray:
        """The attention of a block to each other block, 0 to itself, [blocks]: mean over its queries with a V(i)."""
        own = (plain.blocks == block) & plain.visible.any(axis=1)
        shares = plain.attribution[own].mean(axis=0)
        shares[block] = 0
        return shares

    def _lost_alone(self, plain: PlainPass) -> np.ndarray:
        """Loss added for each token with every block confined to itself in all layers, [n]."""
        keys = long_tensor(plain.blocks, plain.nll.device)
        cache, nll = DynamicCache(), []
        for part in _pieces(0, len(keys)):
            queries, seen = keys[part], keys[: part.stop]
            foreign = (queries[:, None] != seen) & (queries[:, None] >= 0) & (seen >= 0)
            observer = BiasedAttention(ScoreBias(foreign[None], dict.fromkeys(range(len(plain.cache)), -torch.inf)))
            logits = self.model(
                input_ids=plain.input_ids[None, part], use_cache=True, observer=observer, **{self.cache_argument: cache}
            ).logits[0]
            nll.append(chunked_losses(logits, plain.input_ids.roll(-1)[part])[0])
        return (torch.cat([plain.nll[:1], torch.cat(nll)[:-1]]) - plain.nll).cpu().numpy()

    def _lost(self, plain: PlainPass, cut: Cut, lower: torch.Tensor | None) -> np.ndarray:
        """Mean loss that each row of a cut adds to the block's tokens, [rows].

        lower: output of the layers below those of the cut, if known.
        """
        first, last = cut.first, int(cut.own[-1])
        predicted = cut.own[cut.own > first]  # each from the token before it
        added = []
        for forbidden in cut.forbidden.split(max(1, MOST_TOKENS // max(1, min(MOST_QUERIES, last - first)))):
            cache = plain.cached(first, len(forbidden))
            total = plain.nll.new_zeros(len(forbidden))
            for part in _pieces(first, last):
                tokens = predicted[(predicted > part.start) & (predicted <= part.stop)]
                logits = self._continued(plain, replace(cut, forbidden=forbidden), part, tokens, cache, lower)
                targets = plain.input_ids[long_tensor(tokens, logits.device)]
                nll, _ = chunked_losses(logits.flatten(0, 1), targets.repeat(len(forbidden)))
                total += nll.view(len(forbidden), -1).sum(1) - plain.nll[long_tensor(tokens, logits.device)].sum()
            added.append(total / len(cut.own))
        return torch.cat(added).cpu().numpy()

    def _continued(
        self,
        plain: PlainPass,
        cut: Cut,
        part: slice,
        tokens: np.ndarray,
        cache: DynamicCache,
        lower: torch.Tensor | None,
    ) -> torch.Tensor:
        """Logits that predict `tokens`, [rows, tokens, vocabulary], from the inputs of `part` on top of `cache`."""
        rows, device = len(cut.forbidden), cut.forbidden.device
        queries = np.zeros(part.stop - part.start, dtype=bool)
        queries[cut.own[(cut.own >= part.start) & (cut.own < part.stop)] - part.start] = True
        chosen = on_device(queries, device)[None, :, None] & cut.forbidden[:, None, : part.stop]
        arguments = {
            "input_ids": plain.input_ids[None, part].expand(rows, -1),
            self.cache_argument: cache,
            "use_cache": True,
            "observer": BiasedAttention(ScoreBias(chosen, dict.fromkeys(cut.layers, -torch.inf))),
            "logits_to_keep": long_tensor(tokens - 1 - part.start, device),
        }
        if lower is None:
            return self.model(**arguments).logits
        with self.lower.replayed(lower[:, part].expand(rows, -1, -1)):
            logits = self.model(**arguments).logits
        # The replayed layers were not computed, but the next piece needs their cached keys.
        plain.extend(cache, part, rows, range(min(cut.layers)))
        return logits


def block_knockouts(
    model: PreTrainedModel,
    windows: Windows,
    blocks: np.ndarray,
    rows: Sequence[int] | np.ndarray,
    *,
    late: Collection[int],
    bf16: bool,
    description: str,
) -> pd.DataFrame:
    """The knockouts of single blocks in the windows `rows` (COLUMNS). blocks: int [windows, T], -1 on sink and padding.

    Effects are in nats per token of the later block. A window with one block has no rows.
    """
    knockouts = BlockKnockouts(model, late)
    tables = [pd.DataFrame(columns=COLUMNS)]
    with torch.inference_mode(), torch.autocast(model.device.type, dtype=torch.bfloat16, enabled=bf16):
        for row in tqdm(rows, desc=description, unit="window", mininterval=2):
            length = int(windows.is_text[row].sum()) + 1
            table = knockouts.of_window(windows.input_ids[row, :length], np.asarray(blocks[row, :length]))
            tables.append(table.assign(window=row)[COLUMNS])
    return pd.concat([table for table in tables if len(table)] or tables, ignore_index=True)


def knockout_sample(blocks: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Row numbers, in order, of `count` random windows in which blocks see at least MIN_PAIRS others; all if fewer do.

    blocks: int [windows, T].
    """
    enough = [row for row, ids in enumerate(blocks) if _pairs(ids) >= MIN_PAIRS]
    return np.sort(np.random.default_rng(seed).permutation(enough)[:count]).astype(int)


def _pairs(ids: np.ndarray) -> int:
    """Number of pairs of a block and another that begins before its end in a window, int [T]."""
    present = [np.flatnonzero(ids == block) for block in np.unique(ids[ids != NO_ID])]
    return sum(one[0] < other[-1] for one in present for other in present if one is not other)


def _pieces(start: int, stop: int) -> Iterator[slice]:
    """The tokens from start to stop, at most MOST_QUERIES at a time."""
    for first in range(start, stop, MOST_QUERIES):
        yield slice(first, min(first + MOST_QUERIES, stop))
