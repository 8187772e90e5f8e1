"""The passage of the attention maps: which one, and that its attention is attention."""

import numpy as np
import pytest
from tiny_models import tiny_model

from localist.attention.observed_attention import use_observed_attention
from localist.evaluation.passages import passage_attention, passage_window


def test_the_passage_has_the_most_blocks():
    """Catches maps of a passage that lies in a single block, which show nothing."""
    blocks = np.array([[-1, 0, 0, 0, 0, 5], [-1, 0, 1, 2, 0, 0], [-1, 3, 3, 4, 4, 4]])
    assert passage_window(blocks, 4) == 1


@pytest.mark.parametrize("bf16", [False, True])
def test_passage_attention_is_causal_and_sums_to_one(bf16):
    """Catches maps of something other than attention probabilities, and probabilities in bf16 under autocast."""
    model = tiny_model("llama")
    use_observed_attention(model, context=10)
    attention = passage_attention(model, np.arange(10), [0, 2], bf16)
    assert attention.shape == (2, 10, 10)
    np.testing.assert_allclose(attention.sum(-1), 1, rtol=1e-5)
    assert np.triu(attention[0], 1).max() == 0
