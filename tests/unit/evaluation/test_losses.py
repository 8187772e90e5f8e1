"""Losses of exactly the predicted tokens, batches, samples, and the metrics of a split."""

import numpy as np
import pytest
import torch
from pandas.testing import assert_frame_equal
from tiny_models import TINY_MODELS, tiny_model
from uneven_windows import CONTEXT, uneven_windows

from localist.attention.observed_attention import use_observed_attention
from localist.evaluation.knockout import Knockout
from localist.evaluation.layer_sums import LayerSums
from localist.evaluation.losses import sample_rows, split_metrics, token_losses, watched_losses


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


def test_every_text_token_is_predicted_once_from_its_predecessor(model, windows):
    """Catches losses of the sink or padding, an off-by-one error, and batching that changes the result."""
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


def test_metrics_by_hand(windows, model):
    """Catches perplexity per window instead of per token, and bits per byte with the wrong logarithm."""
    table = losses_of(model, windows)
    metrics = split_metrics(table, byte_count=200)
    total = table["nll"].sum()
    assert metrics["tokens"] == windows.is_text.sum()
    assert metrics["perplexity"] == pytest.approx(np.exp(total / metrics["tokens"]), rel=1e-5)
    assert metrics["bits_per_byte"] == pytest.approx(total / np.log(2) / 200, rel=1e-5)


def test_train_sample_is_reproducible_and_has_the_requested_size(windows):
    """Catches a sample that differs between arms, which would make their train losses incomparable."""
    rows = sample_rows(windows, 30, seed=4)
    assert rows.tolist() == sample_rows(windows, 30, seed=4).tolist()
    assert 30 <= windows.take(rows).is_text.sum() < 30 + CONTEXT
    assert sample_rows(windows, 10_000, seed=4).tolist() == list(range(5))


def test_bf16_changes_losses_only_by_rounding(model, windows):
    """Catches losses summed in bf16, and a bf16 forward pass that computes something else."""
    rounded, exact = losses_of(model, windows, bf16=True), losses_of(model, windows)
    assert rounded["nll"].dtype == np.float32
    np.testing.assert_allclose(rounded["nll"], exact["nll"], atol=0.1)


@pytest.mark.parametrize("family", sorted(TINY_MODELS))
def test_a_shared_pass_equals_one_pass_per_intervention(family, windows):
    """Catches lower layers of another batch, watchers that see a knockout, and interventions that affect each other."""
    model = tiny_model(family)
    use_observed_attention(model, CONTEXT)
    blocks = np.where(windows.is_text, windows.input_ids % 3, -1)
    knockouts = {"upper": Knockout(blocks, [2]), "middle": Knockout(blocks, [1, 2]), "all": Knockout(blocks, range(3))}
    settings = {"batch_size": 2, "bf16": False, "description": "test"}
    sums, alone = LayerSums(windows, {"blocks": blocks}), LayerSums(windows, {"blocks": blocks})
    together = {name: knockouts[name] for name in ("upper", "middle")}
    plain, changed = watched_losses(model, windows, watchers=[sums], interventions=together, **settings)
    watched_losses(model, windows, watchers=[alone], **settings)
    section = np.zeros(10, dtype=int)
    assert_frame_equal(sums.table("blocks", section), alone.table("blocks", section))
    assert_frame_equal(plain, token_losses(model, windows, **settings))
    for name, found in changed.items():
        # With a knockout of all layers in the same pass, no layers are shared.
        _, whole = watched_losses(
            model, windows, interventions={name: knockouts[name], "all": knockouts["all"]}, **settings
        )
        assert_frame_equal(found, whole[name])
        assert not np.allclose(found["nll"], plain["nll"])
