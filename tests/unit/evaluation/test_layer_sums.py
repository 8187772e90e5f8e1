"""Sums by layer and section: they equal direct sums, and are not rounded."""

import numpy as np
import pytest
import torch
from tiny_models import tiny_model
from uneven_windows import CONTEXT, uneven_windows

from localist.attention.observed_attention import use_observed_attention
from localist.blocks.chance import chance_table
from localist.evaluation.attention_statistics import StatisticsObserver
from localist.evaluation.layer_sums import LayerSums
from localist.evaluation.losses import watched_losses


@pytest.fixture
def windows():
    return uneven_windows()


@pytest.fixture
def model():
    model = tiny_model("llama")
    use_observed_attention(model, CONTEXT)
    return model


@pytest.fixture
def blocks(windows):
    return {"semantic": np.where(windows.is_text, windows.input_ids % 3, -1)}


def sums_of(model, windows, blocks, bf16=False):
    """The sums of attention statistics under `blocks`."""
    sums = LayerSums(windows, blocks)
    watched_losses(model, windows, batch_size=2, bf16=bf16, description="test", watchers=[sums])
    return sums


def test_sums_by_section_equal_direct_sums(model, windows, blocks):
    """Catches queries counted twice, in the wrong section, or although the definition excludes them."""
    sums = sums_of(model, windows, blocks)
    section_of_sentence = np.arange(10) // 4
    table = sums.table("semantic", section_of_sentence)
    chance, counted = chance_table(blocks["semantic"])
    is_text = torch.as_tensor(windows.is_text)
    observer = StatisticsObserver({"semantic": torch.as_tensor(blocks["semantic"])}, is_text)
    with torch.no_grad():
        model(torch.as_tensor(windows.input_ids.astype(np.int64)), observer=observer)
    sections = np.where(windows.is_text, section_of_sentence[windows.sentence_ids], -1)
    assert set(table["layer"]) == {0, 1, 2} and set(table["section"]) == {0, 1, 2}
    for row in table.itertuples():
        here = sections == row.section
        statistics = dict(zip(observer.names, observer.layers[row.layer].numpy(), strict=True))
        fidelity, sink = statistics["fidelity:semantic"], statistics["sink_share"]
        assert row.queries == (here & counted).sum()
        assert row.queries_all == here.sum()
        assert row.fidelity == pytest.approx(fidelity[here & counted].sum(), rel=1e-4)
        assert row.chance == pytest.approx(chance[here & counted].sum(), rel=1e-5)
        assert row.sink_share == pytest.approx(sink[here].sum(), rel=1e-4)


@pytest.mark.parametrize("bf16", [False, True])
def test_uniform_attention_has_chance_fidelity(bf16, model, windows, blocks):
    """Catches a biased measure, and bf16 statistics under autocast: with equal scores, F must equal C."""
    for layer in model.model.layers:
        torch.nn.init.zeros_(layer.self_attn.q_proj.weight)
    table = sums_of(model, windows, blocks, bf16).table("semantic", np.zeros(10, dtype=int))
    assert table["queries"].min() > 0
    np.testing.assert_allclose(table["fidelity"], table["chance"], rtol=1e-5)
