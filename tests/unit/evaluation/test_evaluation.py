"""Evaluation: losses of exactly the predicted tokens, and sums that give back the averages."""

import numpy as np
import pytest
import torch
from tiny_models import tiny_model

from localist.attention.observed_attention import use_observed_attention
from localist.blocks.chance import chance_table
from localist.evaluation.attention_statistics import StatisticsObserver
from localist.evaluation.evaluation import (
    LayerSums,
    batches_by_length,
    passage_attention,
    passage_window,
    sample_windows,
    split_metrics,
    token_losses,
)
from localist.tokens.windows import Windows

CONTEXT = 20


@pytest.fixture
def windows():
    generator = np.random.default_rng(1)
    input_ids = generator.integers(1, 60, (5, CONTEXT)).astype(np.int32)
    sentence_ids = np.repeat(np.arange(5), CONTEXT).reshape(5, CONTEXT).astype(np.int32) * 2
    sentence_ids[:, CONTEXT // 2 :] += 1
    sentence_ids[:, 0] = -1
    for row, length in enumerate((20, 7, 13, 20, 4)):
        sentence_ids[row, length:] = -1
    return Windows(input_ids, sentence_ids, np.where(sentence_ids >= 0, 2, 0), np.arange(5, dtype=np.int32))


@pytest.fixture
def model():
    model = tiny_model("llama")
    use_observed_attention(model, CONTEXT)
    return model


def losses_of(model, windows, bf16=False, blocks=None):
    """Losses by token, and the sums of attention statistics under `blocks`."""
    sums = LayerSums(windows, blocks) if blocks else None
    return token_losses(model, windows, batch_size=2, bf16=bf16, description="test", watcher=sums), sums


def test_every_text_token_is_predicted_once_from_the_one_before(model, windows):
    """Catches losses of the sink or padding, an offset by one, and batching that changes the result."""
    table, _ = losses_of(model, windows)
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


def test_sums_by_section_give_back_the_averages(model, windows):
    """Catches queries counted twice, in the wrong section, or where the definition leaves them out."""
    blocks = {"semantic": np.where(windows.is_text, windows.input_ids % 3, -1)}
    _, sums = losses_of(model, windows, blocks=blocks)
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
        fidelity = observer.layers[row.layer]["fidelity:semantic"].numpy()
        sink = observer.layers[row.layer]["sink_share"].numpy()
        assert row.queries == (here & counted).sum()
        assert row.queries_all == here.sum()
        assert row.fidelity == pytest.approx(fidelity[here & counted].sum(), rel=1e-4)
        assert row.chance == pytest.approx(chance[here & counted].sum(), rel=1e-5)
        assert row.sink_share == pytest.approx(sink[here].sum(), rel=1e-4)


def test_uniform_attention_has_no_chance_corrected_fidelity(model, windows):
    """Catches a bias of the measure itself: with all scores equal, F must be C exactly."""
    for layer in model.model.layers:
        torch.nn.init.zeros_(layer.self_attn.q_proj.weight)
    blocks = {"semantic": np.where(windows.is_text, windows.input_ids % 3, -1)}
    _, sums = losses_of(model, windows, blocks=blocks)
    table = sums.table("semantic", np.zeros(10, dtype=int))
    assert table["queries"].min() > 0
    np.testing.assert_allclose(table["fidelity"], table["chance"], rtol=1e-5)


def test_metrics_by_hand(windows, model):
    """Catches perplexity per window instead of per token, and bits per byte with the wrong logarithm."""
    table, _ = losses_of(model, windows)
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


def test_the_passage_has_the_most_blocks():
    """Catches maps of a passage that lies in a single block, which show nothing."""
    blocks = np.array([[-1, 0, 0, 0, 0, 5], [-1, 0, 1, 2, 0, 0], [-1, 3, 3, 4, 4, 4]])
    assert passage_window(blocks, 4) == 1


def test_passage_attention_is_causal_and_sums_to_one(model):
    """Catches maps of something other than attention probabilities."""
    attention = passage_attention(model, np.arange(10), [0, 2], bf16=False)
    assert attention.shape == (2, 10, 10)
    np.testing.assert_allclose(attention.sum(-1), 1, rtol=1e-5)
    assert np.triu(attention[0], 1).max() == 0


def test_bf16_rounds_the_model_but_not_the_statistics(model, windows):
    """Catches statistics computed in bf16 under autocast: with uniform attention F must still be C to float32."""
    for layer in model.model.layers:
        torch.nn.init.zeros_(layer.self_attn.q_proj.weight)
    blocks = {"semantic": np.where(windows.is_text, windows.input_ids % 3, -1)}
    rounded, sums = losses_of(model, windows, bf16=True, blocks=blocks)
    exact, _ = losses_of(model, windows)
    table = sums.table("semantic", np.zeros(10, dtype=int))
    np.testing.assert_allclose(table["fidelity"], table["chance"], rtol=1e-5)
    np.testing.assert_allclose(rounded["nll"], exact["nll"], atol=0.1)
    attention = passage_attention(model, np.arange(10), [0, 2], bf16=True)
    np.testing.assert_allclose(attention.sum(-1), 1, rtol=1e-5)
