"""Which arithmetic a run uses."""

import pytest
import torch

from localist.precision import uses_bf16


def test_what_is_asked_for_is_used():
    """Catches a config value that is ignored."""
    assert uses_bf16("bf16") and not uses_bf16("fp32")


@pytest.mark.parametrize("matrix_units", [True, False])
def test_a_cpu_takes_bf16_only_with_matrix_units(monkeypatch, matrix_units):
    """Catches bf16 on processors where it is slower than float32."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True, "amx_bf16": matrix_units})
    assert uses_bf16("auto") is matrix_units
