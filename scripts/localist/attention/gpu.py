"""GPU settings, and clear messages for GPU errors."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from localist.plumbing.errors import UserError


def set_up_gpu(*, exact: bool, deterministic: bool) -> None:
    """Configure this process's GPU computations.

    exact: multiply float32 in float32, not TF32; deterministic: bitwise reproducible results, at some cost, and an
    error for operations that do not support it (see `explained_gpu_errors`).
    """
    torch.set_float32_matmul_precision("highest" if exact else "high")
    torch.use_deterministic_algorithms(deterministic)


@contextmanager
def explained_gpu_errors(batch_size_key: str) -> Iterator[None]:
    """Raises UserError, with the config key to change, if memory runs out or an operation is not deterministic."""
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
            f"The GPU cannot compute this model deterministically: {str(error).split(', but you')[0]}. Set "
            "training.deterministic to false; results will then differ in the last digits from run to run."
        ) from error
