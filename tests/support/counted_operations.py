"""Counts what a GPU would be asked to do: kernel launches, and waits of the program for results."""

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

# They launch no kernel: no element is computed or moved.
NO_KERNEL = frozenset(
    {"empty", "empty_like", "empty_strided", "new_empty", "detach", "_unsafe_view", "lift_fresh", "promote_types"}
)
# The program waits for their results, or for the sizes of these.
WAITS = frozenset({"_local_scalar_dense", "nonzero", "masked_select", "_unique2", "unique_dim", "equal", "is_nonzero"})


class CountedOperations(TorchDispatchMode):
    """Counts kernels that would be launched, by name, and operations that the program would wait for, by place."""

    def __init__(self):
        super().__init__()
        self.launches: Counter[str] = Counter()
        self.waits: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        by_boolean = name in ("index", "index_put", "index_put_") and any(
            index is not None and index.dtype in (torch.bool, torch.uint8) for index in args[1]
        )
        if name in WAITS or by_boolean:
            self.waits[f"{name} in {_caller()}"] += 1
        if not func.is_view and name not in NO_KERNEL:
            self.launches[name] += 1
        return func(*args, **(kwargs or {}))


def _caller() -> str:
    """The file and line, outside torch, that called the operation."""
    frame = sys._getframe(2)
    while "torch" in Path(frame.f_code.co_filename).parts and frame.f_back:
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
