"""Evaluation: the record of its precision, and snapshots taken during a run."""

import numpy as np
import pytest
from tiny_models import tiny_model
from uneven_windows import CONTEXT, uneven_windows

from evaluate_model import precision_record, snapshot_sums
from localist.attention.observed_attention import use_observed_attention
from localist.evaluation.losses import sample_rows, split_metrics, token_losses
from localist.evaluation.settings import EvaluationSettings

SETTINGS = EvaluationSettings(
    batch_size=2,
    precision="auto",
    threads=1,
    gpus=0,
    deterministic=True,
    seed=0,
    sample_tokens=20,
    divergence_tokens=None,
)


@pytest.fixture
def model():
    model = tiny_model("llama")
    use_observed_attention(model, CONTEXT)
    return model


def test_float32_is_its_own_reference(model):
    """Catches a needless second pass."""
    record = precision_record(model, uneven_windows(), None, SETTINGS, bf16=False, name="test")
    assert record == {"precision": "fp32", "shift_nats": 0.0}


def test_rounding_is_measured_on_the_same_tokens(model):
    """Catches a shift between different windows, or one with the wrong sign."""
    windows = uneven_windows()
    rounded = token_losses(model, windows, batch_size=2, bf16=True, description="test")
    record = precision_record(model, windows, rounded, SETTINGS, bf16=True, name="test")
    exact = token_losses(model, windows, batch_size=2, bf16=False, description="test")
    chosen = rounded["window"].isin(sample_rows(windows, 20, seed=0))
    assert 0 < chosen.sum() < len(rounded)
    expected = (rounded["nll"] - exact["nll"])[chosen].to_numpy(np.float64).mean()
    assert record["precision"] == "bf16" and record["shift_nats"] == pytest.approx(expected, abs=1e-6)
    assert record["shift_nats"] != 0


def test_a_snapshot_is_evaluated_like_a_run(model, tmp_path):
    """Catches losses summed over layers, or tokens other than those of the test split."""
    windows = uneven_windows()
    model.save_pretrained(tmp_path)
    blocks = np.where(windows.is_text, windows.input_ids % 3, -1)
    sums = snapshot_sums(tmp_path, windows, blocks, SETTINGS, bf16=False, name="test")
    losses = token_losses(model, windows, batch_size=2, bf16=False, description="test")
    metrics = split_metrics(losses, byte_count=1)
    assert sums["layer"].tolist() == [0, 1, 2]
    assert sums["nll"].tolist() == pytest.approx([metrics["nll"]] * 3)
    assert set(sums["predicted"]) == {metrics["tokens"]}
