"""The device that these tests run on: a GPU, or the CPU in a rehearsal."""

import os

# As in every job (`localist.plumbing.job_environment`); read when torch first multiplies on a GPU.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")

import pytest
import torch

from localist.attention.gpu import set_up_gpu

REHEARSED = os.environ.get("LOCALIST_REHEARSAL") == "1"


@pytest.fixture
def device():
    """The GPU, set up as in a job whose precision is fp32."""
    if torch.cuda.is_available():
        set_up_gpu(exact=True, deterministic=True)
        yield torch.device("cuda", 0)
        set_up_gpu(exact=True, deterministic=False)
    elif REHEARSED:
        yield torch.device("cpu")
    else:
        pytest.skip("no GPU is visible to torch")


@pytest.fixture
def gpu(device):
    """Like `device`, for tests that are meaningless on a CPU."""
    if device.type != "cuda":
        pytest.skip("a rehearsal on the CPU")
    return device
