"""Jensen–Shannon divergence of attention: by hand, against explicit sums, and its properties."""

import numpy as np
import pytest
import torch
from pandas.testing import assert_frame_equal
from tiny_models import TINY_MODELS, tiny_model

from localist.attention.observed_attention import use_observed_attention
from localist.evaluation.divergence import Divergence, jensen_shannon_bits, no_divergence
from localist.evaluation.losses import watched_losses
from localist.plumbing.errors import UserError
from localist.tokens.windows import Windows

CONTEXT = 20


@pytest.fixture
def windows():
    generator = np.random.default_rng(1)
    input_ids = generator.integers(1, 60, (5, CONTEXT)).astype(np.int32)
    sentence_ids = np.repeat(np.arange(5), CONTEXT).reshape(5, CONTEXT).astype(np.int32)
    sentence_ids[:, 0] = -1
    for row, length in enumerate((20, 7, 13, 20, 4)):
        sentence_ids[row, length:] = -1
    return Windows(input_ids, sentence_ids, np.where(sentence_ids >= 0, 2, 0), np.arange(5, dtype=np.int32))


def variants(family, **changes):
    """Two models of a family that differ in the queries of every layer."""
    pair = []
    for number in range(2):
        model = tiny_model(family, **changes)
        use_observed_attention(model, CONTEXT)
        generator = torch.Generator().manual_seed(number)
        with torch.no_grad():
            for name, weight in model.named_parameters():
                if weight.dim() == 2 and any(part in name for part in ("q_proj", "c_attn", "query_key_value")):
                    weight.add_(0.3 * number * torch.randn(weight.shape, generator=generator))
        pair.append(model)
    return pair


def divergence(one, other, windows, sections=(0, 0, 0, 0, 0), sample=range(5)):
    watcher = Divergence(other, windows, np.array(sample))
    watched_losses(one, windows, batch_size=2, bf16=False, description="test", watchers=[watcher])
    return watcher.table(np.array(sections))


@pytest.mark.parametrize(
    ("one", "other", "bits"),
    [
        ([1.0, 0.0], [0.0, 1.0], 1.0),
        ([0.5, 0.5], [0.5, 0.5], 0.0),
        # m = (3/4, 1/4): H(m) = 0.8113, mean of the entropies 1 and 0: 0.5.
        ([0.5, 0.5], [1.0, 0.0], 0.311278),
    ],
)
def test_two_keys_by_hand(one, other, bits):
    """Catches nats instead of bits, a missing factor of one half, and an asymmetric divergence."""
    one, other = torch.tensor(one), torch.tensor(other)
    assert jensen_shannon_bits(one, other).item() == pytest.approx(bits, abs=1e-6)
    assert jensen_shannon_bits(other, one).item() == pytest.approx(bits, abs=1e-6)


@pytest.mark.parametrize("family", sorted(TINY_MODELS))
def test_divergence_equals_that_of_explicit_attention(family, windows):
    """Catches mixed-up heads, counted padding, and tokens of another section, in every family."""
    one, other = variants(family)
    sections = np.array([0, 0, 1, 2, 2])
    table = divergence(one, other, windows, sections)
    assert list(table.columns) == ["layer", "section", "divergence", "queries"]
    input_ids = torch.as_tensor(windows.input_ids.astype(np.int64))
    attentions = []
    for model in (one, other):
        model.set_attn_implementation("eager")
        with torch.no_grad():
            attentions.append(model(input_ids, output_attentions=True, use_cache=False).attentions)
    section = np.where(windows.is_text, sections[windows.sentence_ids], -1)
    for row in table.itertuples():
        p, q = (layers[row.layer].double() for layers in attentions)
        mean = (p + q) / 2
        kl = [torch.where(x > 0, x * (x / mean).log2(), 0.0).sum(-1) for x in (p, q)]
        bits = ((kl[0] + kl[1]) / 2).mean(1).numpy()  # [windows, T]
        here = section == row.section
        assert row.queries == here.sum()
        assert row.divergence == pytest.approx(bits[here].sum(), rel=1e-3, abs=1e-4)
    assert table["divergence"].sum() > 0.05


def test_divergence_is_symmetric_and_zero_for_equal_models(windows):
    """Catches rounding that looks like a difference, asymmetry, and more than one bit per query."""
    one, other = variants("llama")
    same = divergence(one, one, windows)
    assert (same["divergence"] / same["queries"]).max() < 1e-6
    forth, back = divergence(one, other, windows), divergence(other, one, windows)
    np.testing.assert_allclose(forth["divergence"], back["divergence"], rtol=1e-5)
    assert (forth["divergence"] <= forth["queries"]).all()


@pytest.mark.parametrize("changes", [{"num_hidden_layers": 2}, {"num_attention_heads": 2, "head_dim": 8}])
def test_models_of_different_shapes_are_refused(changes, windows):
    """Catches a comparison of heads or layers without a counterpart."""
    one, other = variants("llama")[0], variants("llama", **changes)[0]
    for pair in ((one, other), (other, one)):
        with pytest.raises(UserError, match="no counterpart"):
            divergence(*pair, windows)


def test_only_sampled_windows_are_compared(windows):
    """Catches a comparison of different windows if only part of a batch is in the sample."""
    one, other = variants("llama")
    sections = np.arange(5)
    whole = divergence(one, other, windows, sections)
    part = divergence(one, other, windows, sections, sample=[1, 3])
    chosen = whole[whole["section"].isin([1, 3])].reset_index(drop=True)
    assert_frame_equal(part, chosen, rtol=1e-5)


def test_an_empty_comparison_has_the_same_columns(windows):
    """Catches an unreadable table if there is nothing to compare with."""
    one, other = variants("llama")
    assert list(no_divergence().columns) == list(divergence(one, other, windows).columns)
