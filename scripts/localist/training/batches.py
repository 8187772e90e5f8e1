"""Training batches: the order of the windows, and their tensors."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from localist.plumbing.errors import UserError
from localist.tokens.windows import NO_ID, Windows
from localist.training.next_token_loss import NOT_A_TARGET

# Windows are sorted by length within pools of this many batches: 3 % of positions are padding, against 9 % unsorted.
POOLED_BATCHES = 8


class WindowDataset(torch.utils.data.Dataset):
    """Windows as Trainer examples, [T] each: input_ids, labels and, for a constrained arm, blocks.

    blocks: int [windows, T], -1 on sink and padding, or None. The example at index ~i has the length of the one at i,
    but no targets and no blocks, so it contributes nothing to the loss.
    """

    def __init__(self, windows: Windows, blocks: np.ndarray | None):
        self.columns = {
            "input_ids": windows.input_ids.astype(np.int64),
            "labels": np.where(windows.is_text, windows.input_ids, NOT_A_TARGET).astype(np.int64),
        }
        self.lengths = np.asarray(windows.is_text).sum(axis=1)
        self.block_count = 0
        if blocks is not None:
            self.columns["blocks"] = blocks_within_windows(blocks)
            self.block_count = int(self.columns["blocks"].max()) + 1

    def __len__(self) -> int:
        return len(self.columns["input_ids"])

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        if index < 0:
            empty = {"labels": NOT_A_TARGET, "blocks": NO_ID}
            example = self[~index]
            return {
                name: np.full_like(value, empty[name]) if name in empty else value for name, value in example.items()
            }
        return {name: values[index] for name, values in self.columns.items()}


def stack_windows(examples: Sequence[dict[str, np.ndarray]]) -> dict[str, torch.Tensor]:
    """Stack examples [T] into [batch, length], cutting off the padding that they share."""
    batch = {name: np.stack([example[name] for example in examples]) for name in examples[0]}
    with_targets = np.flatnonzero((batch["labels"] != NOT_A_TARGET).any(axis=0))  # positions
    length = int(with_targets[-1]) + 1 if len(with_targets) else 2
    return {name: torch.as_tensor(np.ascontiguousarray(values[:, :length])) for name, values in batch.items()}


class SimilarLengths(torch.utils.data.Sampler):
    """Every window once per epoch, in random order, with windows of similar length in a batch.

    lengths: int [windows], in tokens.
    """

    def __init__(self, lengths: np.ndarray, batch_size: int, seed: int):
        self.lengths, self.batch_size, self.seed = lengths, batch_size, seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        generator = np.random.default_rng((self.seed, self.epoch))
        order = generator.permutation(len(self.lengths))
        for start in range(0, len(order), POOLED_BATCHES * self.batch_size):
            pool = order[start : start + POOLED_BATCHES * self.batch_size]
            pool = pool[np.argsort(-self.lengths[pool], kind="stable")]
            in_batches = len(pool) // self.batch_size * self.batch_size
            batches = pool[:in_batches].reshape(-1, self.batch_size)
            yield from generator.permutation(batches).ravel().tolist()
            yield from pool[in_batches:].tolist()


class BatchesOfRank(torch.utils.data.Sampler):
    """One rank's share of every batch of `batch_size` windows; together, all ranks see the batches of a single process.

    If the last batch of an epoch has no window for a rank, it gets an example without targets (see `WindowDataset`).
    """

    def __init__(self, order: SimilarLengths, batch_size: int, rank: int, ranks: int):
        self.order, self.batch_size, self.rank, self.ranks = order, batch_size, rank, ranks
        # Trainer calls set_epoch on the attribute of this name.
        self.batch_sampler = order

    def set_epoch(self, epoch: int) -> None:
        self.order.set_epoch(epoch)

    def __len__(self) -> int:
        return -(-len(self.order) // self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        for batch in torch.utils.data.BatchSampler(self.order, self.batch_size, drop_last=False):
            yield batch[self.rank :: self.ranks] or [~batch[0]]


def blocks_within_windows(blocks: np.ndarray) -> np.ndarray:
    """Blocks, int [windows, T], renumbered from 0 within each window to keep one-hot blocks narrow; -1 stays."""
    renumbered = np.full(blocks.shape, NO_ID, dtype=np.int64)
    for row, window in enumerate(blocks):
        inside = window != NO_ID
        renumbered[row, inside] = np.unique(window[inside], return_inverse=True)[1]
    return renumbered


def check_blocks(blocks: np.ndarray, windows: Windows, name: str) -> None:
    """Raises UserError if `blocks` cannot be the block ids of these windows, [windows, T], naming the first mistake."""
    remedy = "Delete the study's blocks folder and run again."
    if blocks.shape != windows.sentence_ids.shape or not np.issubdtype(blocks.dtype, np.integer):
        raise UserError(
            f"{name}: the blocks have type {blocks.dtype} and shape {blocks.shape}; they must be integers of "
            f"shape {windows.sentence_ids.shape}. {remedy}"
        )
    is_text = np.asarray(windows.is_text)
    highest = int(is_text.sum()) - 1  # a block has at least one token
    wrong = np.where(is_text, (blocks < 0) | (blocks > highest), blocks != NO_ID)
    if wrong.any():
        window, position = np.argwhere(wrong)[0]
        allowed = f"0 to {highest}" if is_text[window, position] else "-1, since it is not text"
        raise UserError(
            f"{name}: the block id of window {window}, position {position}, is {blocks[window, position]}; it must be "
            f"{allowed}. {remedy}"
        )
