"""What is said where a GPU cannot compute, and how it is set up. (tests/gpu holds what needs a GPU.)"""

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
def test_float32_is_float32_where_it_must_be(exact, precision):
    """Catches an evaluation in TF32, which has no more digits than bf16 rounding leaves of small effects."""
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
def test_errors_of_the_gpu_name_the_key_to_change(error, message):
    """Catches a traceback for what a smaller batch, or one key, would mend."""
    with pytest.raises(UserError, match=message) as explained, explained_gpu_errors("training.batch_size"):
        raise error
    assert "training." in str(explained.value)


def test_other_errors_pass():
    """Catches a programming error that is shown as the user's."""
    with pytest.raises(RuntimeError, match="shapes"), explained_gpu_errors("training.batch_size"):
        raise RuntimeError("shapes do not fit")
