"""Losses of exactly the predicted tokens, batches, samples, and the metrics of a split."""

import numpy as np
import pytest
import torch
from tiny_models import tiny_model
from uneven_windows import CONTEXT, uneven_windows

from localist.attention.observed_attention import use_observed_attention
from localist.evaluation.losses import batches_by_length, sample_windows, split_metrics, token_losses


@pytest.fixture
def windows():
    return uneven_windows()


@pytest.fixture
def model():
    model = tiny_model("llama")
    use_observed_attention(model, CONTEXT)
    return model


def losses_of(model, windows, bf16=False):
    return token_losses(model, windows, batch_size=2, bf16=bf16, description="test")


def test_every_text_token_is_predicted_once_from_the_one_before(model, windows):
    """Catches losses of the sink or padding, an offset by one, and batching that changes the result."""
    table = losses_of(model, windows)
    rows, places = np.nonzero(windows.is_text)
    assert table[["window", "position"]].to_numpy().tolist() == np.stack([rows, places], 1).tolist()
    assert (table["sentence"] == windows.sentence_ids[rows, places]).all()
    with torch.no_grad():
        logits = model(torch.as_tensor(windows.input_ids[1:2].astype(np.int64))).logits[0]
    for position in range(1, 7):
        target = int(windows.input_ids[1, position])
        expected = -logits[position - 1].log_softmax(-1)[target].item()
        found = table[(table["window"] == 1) & (table["position"] == position)].iloc[0]
        assert found["nll"] == pytest.approx(expected, rel=1e-4)
        assert found["correct"] == (logits[position - 1].argmax().item() == target)


def test_batches_cover_all_windows_longest_first(windows):
    """Catches windows lost in the last batch, and text cut off by trimming."""
    lengths = windows.is_text.sum(axis=1) + 1
    batches = list(batches_by_length(windows, 2))
    assert sorted(np.concatenate([rows for rows, _ in batches]).tolist()) == list(range(5))
    assert all(length == lengths[rows].max() for rows, length in batches)


def test_metrics_by_hand(windows, model):
    """Catches perplexity per window instead of per token, and bits per byte with the wrong logarithm."""
    table = losses_of(model, windows)
    metrics = split_metrics(table, byte_count=200)
    total = table["nll"].sum()
    assert metrics["tokens"] == windows.is_text.sum()
    assert metrics["perplexity"] == pytest.approx(np.exp(total / metrics["tokens"]), rel=1e-5)
    assert metrics["bits_per_byte"] == pytest.approx(total / np.log(2) / 200, rel=1e-5)


def test_train_sample_is_fixed_and_of_the_size_asked_for(windows):
    """Catches a sample that differs between arms, which would make their train losses incomparable."""
    first, second = sample_windows(windows, 30, seed=4), sample_windows(windows, 30, seed=4)
    assert np.array_equal(first.input_ids, second.input_ids)
    assert 30 <= first.is_text.sum() < 30 + CONTEXT
    assert len(sample_windows(windows, 10_000, seed=4).input_ids) == 5


def test_bf16_changes_losses_by_rounding_alone(model, windows):
    """Catches a loss that is summed in bf16, and a bf16 forward pass that computes something else."""
    rounded, exact = losses_of(model, windows, bf16=True), losses_of(model, windows)
    assert rounded["nll"].dtype == np.float32
    np.testing.assert_allclose(rounded["nll"], exact["nll"], atol=0.1)
