"""The observed attention function: the same model as stock, and fidelity equal to eager attention's."""

import pytest
import torch
from tiny_models import TINY_MODELS, tiny_model

from localist.attention import FidelityObserver, block_fidelity, use_observed_attention
from localist.attention_statistics import StatisticsObserver
from localist.errors import UserError

CONTEXT = 24


@pytest.fixture(params=sorted(TINY_MODELS))
def model(request):
    return tiny_model(request.param)


@pytest.fixture
def batch():
    """Two windows with a sink at 0, several blocks, and padding at the end of the second."""
    generator = torch.Generator().manual_seed(0)
    blocks = torch.randint(0, 4, (2, CONTEXT), generator=generator)
    blocks[:, 0] = -1
    blocks[1, 17:] = -1
    return torch.randint(0, 60, (2, CONTEXT), generator=generator), blocks


def eager_attentions(model, input_ids, **inputs):
    model.set_attn_implementation("eager")
    return model(input_ids, output_attentions=True, **inputs)


def eager_fidelity(attention, blocks):
    """F by its definition, from the T × T attention [batch, heads, T, T]; and where it is defined."""
    position = torch.arange(attention.shape[-1])
    visible = (position[None, :] < position[:, None]) & (position[None, :] > 0)
    same = blocks[:, None, :, None] == blocks[:, None, None, :]
    own = (attention * (visible & same)).sum(-1)
    both = (attention * visible).sum(-1)
    defined = ((blocks >= 0) & (position >= 2))[:, None, :].expand_as(own)
    return own / both.clamp(min=1e-30), defined


def test_logits_are_those_of_stock_attention(model, batch):
    """Catches an attention function registered without its mask function: the model would see the future."""
    input_ids, blocks = batch
    stock = model(input_ids).logits
    use_observed_attention(model, CONTEXT)
    observed = model(input_ids, observer=FidelityObserver(blocks, [0, 2])).logits
    torch.testing.assert_close(observed, stock, rtol=0, atol=0)


def test_a_later_token_changes_no_earlier_logit(model, batch):
    """Catches lost causality, with and without an attention mask."""
    input_ids, blocks = batch
    use_observed_attention(model, CONTEXT)
    changed = input_ids.clone()
    changed[:, 12] = (changed[:, 12] + 1) % 60
    for inputs in ({}, {"attention_mask": torch.ones_like(input_ids)}):
        before, after = (
            model(ids, observer=FidelityObserver(blocks, [0, 1, 2]), **inputs).logits for ids in (input_ids, changed)
        )
        assert torch.equal(before[:, :12], after[:, :12])
        assert not torch.equal(before[:, 12:], after[:, 12:])


def test_fidelity_equals_eager_attention(model, batch):
    """Catches a wrong shift by one key, sinks or selves counted, and key heads repeated in the wrong order."""
    input_ids, blocks = batch
    use_observed_attention(model, CONTEXT)
    observer = FidelityObserver(blocks, [0, 2])
    model(input_ids, observer=observer)
    assert set(observer.fidelity) == {0, 2}
    eager = eager_attentions(model, input_ids)
    for layer, fidelity in observer.fidelity.items():
        expected, defined = eager_fidelity(eager.attentions[layer], blocks)
        torch.testing.assert_close(fidelity[defined], expected[defined], rtol=1e-5, atol=1e-6)


def test_padding_does_not_reach_text(model, batch):
    """Catches padding keys counted as attention: text must give the same F whatever the padding holds."""
    input_ids, blocks = batch
    use_observed_attention(model, CONTEXT)
    other = torch.where(blocks == -1, 7, input_ids)
    other[:, 0] = input_ids[:, 0]
    first, second = FidelityObserver(blocks, [1]), FidelityObserver(blocks, [1])
    model(input_ids, observer=first)
    model(other, observer=second)
    text = (blocks >= 0)[:, None, :].expand_as(first.fidelity[1])
    assert torch.equal(first.fidelity[1][text], second.fidelity[1][text])


def test_gradients_equal_eager_attention(model, batch):
    """Catches a detached or doubled path from fidelity to the weights."""
    input_ids, blocks = batch
    use_observed_attention(model, CONTEXT)
    observer = FidelityObserver(blocks, [1, 2])
    model(input_ids, observer=observer)
    position = torch.arange(CONTEXT)
    defined = ((blocks >= 0) & (position >= 2))[:, None, :]
    sum((values * defined).sum() for values in observer.fidelity.values()).backward()
    ours = {name: weight.grad.clone() for name, weight in model.named_parameters() if weight.grad is not None}
    model.zero_grad()
    eager = eager_attentions(model, input_ids)
    sum((eager_fidelity(eager.attentions[layer], blocks)[0] * defined).sum() for layer in (1, 2)).backward()
    assert ours
    for name, weight in model.named_parameters():
        if name in ours:
            torch.testing.assert_close(ours[name], weight.grad, rtol=1e-4, atol=1e-5, msg=name)


def test_more_blocks_than_the_head_is_wide():
    """Catches blocks lost when the one-hot values need more than one pass."""
    torch.manual_seed(0)
    query, key = torch.randn(2, 1, 2, 40, 4, dtype=torch.float64)
    blocks = torch.arange(40)[None] // 2
    blocks[:, 0] = -1
    scores = (query @ key.transpose(-1, -2)).masked_fill(torch.ones(40, 40).triu(1).bool(), -torch.inf)
    expected, defined = eager_fidelity(scores.softmax(-1), blocks)
    torch.testing.assert_close(block_fidelity(query, key, blocks, 1.0)[defined], expected[defined])


def test_fidelity_by_hand():
    """Catches a change of definition: with equal scores, F is chance, and sink and self do not count."""
    query = key = torch.zeros(1, 1, 6, 2)
    blocks = torch.tensor([[-1, 0, 1, 0, 0, 1]])
    fidelity = block_fidelity(query, key, blocks, 1.0)[0, 0]
    torch.testing.assert_close(fidelity, torch.tensor([0, 0, 0, 1 / 2, 2 / 3, 1 / 4]))


def test_statistics_equal_eager_attention(model, batch):
    """Catches entropies, shares or distances that count the sink or padding where they must not."""
    input_ids, blocks = batch
    use_observed_attention(model, CONTEXT)
    observer = StatisticsObserver({"semantic": blocks}, blocks >= 0)
    model(input_ids, observer=observer)
    eager = eager_attentions(model, input_ids)
    text = observer.counted["plain"]
    spread = observer.counted["spread"]
    position = torch.arange(CONTEXT)
    visible = (position[None, :] < position[:, None]) & (position[None, :] > 0)
    for layer, attention in enumerate(eager.attentions):
        found = observer.layers[layer]
        restricted = attention * visible / (attention * visible).sum(-1, keepdim=True).clamp(min=1e-30)
        distance = (restricted * (position[:, None] - position[None, :])).sum(-1).mean(1)
        expected = {
            "sink_share": attention[..., 0].mean(1),
            "self_share": attention.diagonal(dim1=-2, dim2=-1).mean(1),
            "entropy_bits": entropy_bits(attention).mean(1),
            "entropy_normalised": entropy_bits(attention).mean(1) / (position + 1).log2(),
            "entropy_no_sink_bits": entropy_bits(restricted).mean(1),
            "distance_tokens": distance,
            "fidelity:semantic": eager_fidelity(attention, blocks)[0].mean(1),
        }
        for name, values in expected.items():
            where = spread if name in ("entropy_no_sink_bits", "distance_tokens", "fidelity:semantic") else text
            torch.testing.assert_close(found[name][where], values[where], rtol=1e-4, atol=1e-5, msg=name)


def entropy_bits(probability):
    return torch.special.entr(probability).sum(-1) / torch.log(torch.tensor(2.0))


def test_a_capped_model_is_refused_by_name():
    """Catches models whose scores the measures would misread, at start-up rather than in a run."""
    model = tiny_model("llama")
    model.config.attn_logit_softcapping = 50.0
    with pytest.raises(UserError, match="LlamaForCausalLM caps its attention"):
        use_observed_attention(model, CONTEXT)


def test_a_short_sliding_window_is_refused_with_the_remedy():
    """Catches a window of text longer than what a layer sees."""
    with pytest.raises(UserError, match=r"tokens\.context to at most 8"):
        use_observed_attention(tiny_model("mistral", sliding_window=8), CONTEXT)


def test_a_model_with_its_own_attention_code_is_refused_by_name():
    """Catches a model that never calls the attention interface: its statistics would silently be missing."""
    with pytest.raises(UserError, match="BloomForCausalLM"):
        use_observed_attention(tiny_model("bloom"), CONTEXT)


def test_scores_with_a_bias_are_refused_by_name(model, batch):
    """Catches attention that the observer does not see whole: biases, learned sinks or capping of the scores."""
    input_ids, blocks = batch
    use_observed_attention(model, CONTEXT)
    with pytest.raises(UserError, match="adds s_aux to its attention scores"):
        model(input_ids, observer=FidelityObserver(blocks, [0]), s_aux=torch.zeros(4))


@pytest.mark.parametrize("length", [1, 2, 3])
def test_windows_of_a_token_or_two_have_no_fidelity_and_no_error(length):
    """Catches a crash on the last, very short window of a stretch."""
    query = key = torch.randn(1, 2, length, 4)
    blocks = torch.tensor([[-1, 0, 0]])[:, :length]
    fidelity = block_fidelity(query, key, blocks, 1.0)
    assert fidelity.shape == (1, 2, length) and (fidelity[..., :2] == 0).all()
