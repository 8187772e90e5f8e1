"""How a GPU computes, and what is said where it cannot."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from localist.plumbing.errors import UserError


def set_up_gpu(*, exact: bool, deterministic: bool) -> None:
    """Set how this process's GPU computes.

    exact: products of float32 in float32, not in TF32; deterministic: the same bits at every run, at some cost, and an
    error where an operation cannot (see `explained_gpu_errors`).
    """
    torch.set_float32_matmul_precision("highest" if exact else "high")
    torch.use_deterministic_algorithms(deterministic)


@contextmanager
def explained_gpu_errors(batch_size_key: str) -> Iterator[None]:
    """Raises UserError, with the config key to change, for memory that runs out and for operations without an order."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise UserError(
            f"The GPU ran out of memory: {str(error).split(' Of the allocated')[0]} Lower {batch_size_key} or "
            "tokens.context."
        ) from error
    except RuntimeError as error:
        if "deterministic" not in str(error):
            raise
        raise UserError(
            f"The GPU cannot compute this model in the same order every time: {str(error).split(', but you')[0]}. Set "
            "training.deterministic to false; results will then differ in their last digits from run to run."
        ) from error
