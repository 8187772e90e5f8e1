"""Which precision a run uses."""

import pytest
import torch

from localist.attention.precision import uses_bf16


def test_an_explicit_precision_is_used():
    """Catches an ignored config value."""
    assert uses_bf16("bf16") and not uses_bf16("fp32")


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ({"cpu_name": "Intel(R) Xeon(R)", "avx512_bf16": True, "amx_bf16": True}, True),
        ({"cpu_name": "Intel(R) Xeon(R)", "avx512_bf16": True, "amx_bf16": False}, False),
        ({"cpu_name": "AMD EPYC", "avx512_bf16": True, "amx_bf16": False}, True),
        ({"cpu_name": "AMD EPYC", "avx512_bf16": False}, False),
        ({}, False),
    ],
)
def test_auto_uses_bf16_only_on_cpus_where_it_is_faster(monkeypatch, capabilities, expected):
    """Catches bf16 on processors where it is slower than float32, and float32 where it takes twice the time."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert uses_bf16("auto") is expected
