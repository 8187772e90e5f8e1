"""Passages for display: their selection, their attention, and the text of their tokens."""

import numpy as np
import pytest
import torch
from tiny_models import tiny_model

from localist.attention.observed_attention import use_observed_attention
from localist.evaluation.passages import passage_attention, passage_rows, pieces_of_text


def test_passages_have_the_most_blocks_and_come_from_several_stretches():
    """Catches uninformative passages with few blocks, and passages all from one stretch of text."""
    blocks = np.array([[-1, 0, 0, 0, 5], [-1, 0, 1, 2, 3], [-1, 3, 1, 2, 2], [-1, 4, 5, 6, 6], [-1, 0, 1, 1, -1]])
    stretches = np.array([0, 0, 0, 1, 1])
    assert passage_rows(blocks, stretches, tokens=5, count=2) == [1, 3]
    assert passage_rows(blocks, stretches, tokens=5, count=9) == [1, 3, 2]
    assert passage_rows(blocks, stretches, tokens=3, count=9) == [1]  # none has three blocks: the one with the most


@pytest.mark.parametrize("bf16", [False, True])
def test_attention_is_that_of_the_model(bf16):
    """Catches maps of something other than attention, a wrong order of layers, and bf16 probabilities."""
    model = tiny_model("llama")
    use_observed_attention(model, context=10)
    attention = passage_attention(model, np.arange(10), bf16)
    assert attention.dtype == np.float32 and attention.shape[0] == 3 and attention.shape[2:] == (10, 10)
    np.testing.assert_allclose(attention.sum(-1), 1, rtol=1e-5)
    assert np.triu(attention[0, 0], 1).max() == 0
    if not bf16:
        model.set_attn_implementation("eager")
        with torch.no_grad():
            eager = model(input_ids=torch.arange(10)[None], output_attentions=True).attentions
        np.testing.assert_allclose(attention, torch.stack(eager)[:, 0].numpy(), atol=1e-6)


def test_characters_split_over_tokens_stay_whole():
    """Catches replacement characters for an emoji or a Chinese character that spans several tokens."""
    letters = "a", "a\N{REPLACEMENT CHARACTER}", "a\N{REPLACEMENT CHARACTER}", "a語", "a語 b"
    assert pieces_of_text(letters) == ["a", "", "", "語", " b"]
