"""Which arithmetic the forward pass uses."""

import torch


def uses_bf16(precision: str, gpus: int = 0) -> bool:
    """Whether to autocast to bf16: `auto` does so on a GPU that has it, and on a CPU with matrix units for it (AMX).

    A CPU with bf16 vector instructions alone computes bf16 matrix products more slowly than float32 ones.
    """
    if precision == "auto":
        if gpus:
            return torch.cuda.is_bf16_supported()
        return bool(torch.cpu.get_capabilities().get("amx_bf16", False))
    return precision == "bf16"
