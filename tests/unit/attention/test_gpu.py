"""GPU set-up and error messages (tests that need a GPU are in tests/gpu)."""

import pytest
import torch

from localist.attention.gpu import explained_gpu_errors, set_up_gpu
from localist.plumbing.errors import UserError


@pytest.fixture
def restored():
    yield
    torch.set_float32_matmul_precision("highest")
    torch.use_deterministic_algorithms(False)


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize(("exact", "precision"), [(True, "highest"), (False, "high")])
def test_exact_set_up_multiplies_float32_without_tf32(exact, precision):
    """Catches an evaluation in TF32, whose rounding may hide small effects."""
    set_up_gpu(exact=exact, deterministic=True)
    assert torch.get_float32_matmul_precision() == precision and torch.are_deterministic_algorithms_enabled()


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (torch.OutOfMemoryError("Tried to allocate 2 GiB. Of the allocated memory …"), "2 GiB. Lower"),
        (
            RuntimeError("cumsum_cuda_kernel does not have a deterministic implementation, but you set …"),
            "cumsum_cuda_kernel .* Set training.deterministic to false",
        ),
    ],
)  # fmt: skip
def test_gpu_errors_name_the_key_to_change(error, message):
    """Catches a traceback instead of a message that names the config key to change."""
    with pytest.raises(UserError, match=message) as explained, explained_gpu_errors("training.batch_size"):
        raise error
    assert "training." in str(explained.value)


def test_other_errors_pass_through():
    """Catches programming errors reported as user errors."""
    with pytest.raises(RuntimeError, match="shapes"), explained_gpu_errors("training.batch_size"):
        raise RuntimeError("shapes do not fit")
