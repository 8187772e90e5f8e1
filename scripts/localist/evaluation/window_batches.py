"""Batches of held-out windows."""

from collections.abc import Iterator

import numpy as np
import torch

from localist.tokens.windows import Windows


def batches_by_length(windows: Windows, batch_size: int) -> Iterator[tuple[np.ndarray, int]]:
    """Row numbers of each batch of windows, longest first to save padding, and the batch's length in tokens."""
    lengths = np.asarray(windows.is_text).sum(axis=1) + 1
    order = np.argsort(-lengths, kind="stable")
    for first in range(0, len(order), batch_size):
        rows = order[first : first + batch_size]
        yield rows, int(lengths[rows].max())


def long_tensor(values: np.ndarray, device: torch.device) -> torch.Tensor:
    """Token or block ids as a long tensor."""
    return on_device(values.astype(np.int64), device)


def on_device(values: np.ndarray, device: torch.device) -> torch.Tensor:
    """Copy an array to the device without waiting for it."""
    tensor = torch.as_tensor(values)
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor
