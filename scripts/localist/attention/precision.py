"""The floating-point precision of the forward pass."""

import torch


def uses_bf16(precision: str, gpus: int = 0) -> bool:
    """Whether to autocast to bf16. precision: auto, bf16 or fp32; auto uses bf16 if the GPU supports it or the CPU is
    faster with it.

    CPUs with matrix units for bf16 (AMX), and AMD CPUs with bf16 vector instructions, are faster: a measured training
    step takes 0.55 to 0.6 of the time. Intel CPUs with only vector instructions are slower than in float32.
    """
    if precision != "auto":
        return precision == "bf16"
    if gpus:
        return torch.cuda.is_bf16_supported()
    cpu = torch.cpu.get_capabilities()
    return bool(cpu.get("amx_bf16") or (cpu.get("avx512_bf16") and str(cpu.get("cpu_name")).startswith("AMD")))
