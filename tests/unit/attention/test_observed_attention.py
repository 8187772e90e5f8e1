"""The observed attention function on real architectures: logits of stock attention, block mass of eager attention."""

import pytest
import tiny_models
import torch
import transformers
from tiny_models import BLOCKS, CONTEXT, tiny_model

from localist.attention.observed_attention import check_causality, use_observed_attention
from localist.attention.visibility import key_groups, visible_blocks
from localist.plumbing.errors import UserError
from localist.training.constraint import Constraint, ConstraintObserver, counted_mean, hinge

model, batch = tiny_models.model, tiny_models.batch  # fixtures
CONSTRAINT = Constraint(locality=[0.0, 0.5, 1.0], penalty="hinge", target=0.9, weight=3.0)


def observer_of(blocks, constraint=CONSTRAINT):
    return ConstraintObserver(constraint, blocks, BLOCKS)


def eager_attentions(model, input_ids, **inputs):
    model.set_attn_implementation("eager")
    return model(input_ids, output_attentions=True, use_cache=False, **inputs)


def eager_penalties(attentions, blocks, constraint=CONSTRAINT):
    """P_l of each constrained layer from T × T attentions; V(i) is where attention is above 0."""
    found = {}
    for layer in constraint.layers:
        attention = attentions[layer]
        seen = (attention > 0).any(dim=1, keepdim=True)
        mass = attention.tril(-1) @ key_groups(blocks, BLOCKS)[:, None]
        visible = visible_blocks(key_groups(blocks, BLOCKS), seen)
        found[layer] = counted_mean(hinge(mass[..., 1:], visible, constraint.target), visible.counted)
    return found


def constrained_loss(model, input_ids, blocks, **inputs):
    """Next-token loss plus constraint, as training computes it, and the observer."""
    observer = observer_of(blocks)
    loss = model(input_ids, labels=input_ids, observer=observer, use_cache=False, **inputs).loss
    return observer.add_to(loss, 3.0), observer


def gradients(model, loss):
    model.zero_grad()
    loss.backward()
    return {name: weight.grad.clone() for name, weight in model.named_parameters() if weight.grad is not None}


def assert_equals_eager(model, input_ids, blocks, **inputs):
    loss, observer = constrained_loss(model, input_ids, blocks, **inputs)
    ours = gradients(model, loss)
    eager = eager_attentions(model, input_ids, labels=input_ids, **inputs)
    penalties = eager_penalties(eager.attentions, blocks)
    assert all(penalty > 0.01 for penalty in penalties.values())
    for layer, penalty in penalties.items():
        torch.testing.assert_close(observer.layers[layer].penalty, penalty.detach(), rtol=1e-5, atol=1e-6)
    locality = CONSTRAINT.locality
    total = eager.loss + 3.0 * sum(locality[layer] * penalty for layer, penalty in penalties.items()) / len(locality)
    torch.testing.assert_close(loss.detach(), total.detach())
    theirs = gradients(model, total)
    assert ours.keys() == theirs.keys() and len(ours) > 10
    for name in ours:
        torch.testing.assert_close(ours[name], theirs[name], rtol=1e-3, atol=1e-5, msg=name)


def test_logits_are_those_of_stock_attention(model, batch):
    """Catches an attention function registered without its mask function: the model would see the future."""
    input_ids, blocks = batch
    stock = model(input_ids).logits
    use_observed_attention(model, CONTEXT)
    assert torch.equal(model(input_ids).logits, stock)
    observed = model(input_ids, observer=observer_of(blocks)).logits
    torch.testing.assert_close(observed, stock, rtol=1e-5, atol=1e-5)


def test_layers_without_locality_equal_stock_attention_bitwise(model, batch):
    """Catches unconstrained layers that are computed in another way."""
    input_ids, blocks = batch
    stock = model(input_ids).logits
    use_observed_attention(model, CONTEXT)
    observer = observer_of(blocks, Constraint(locality=[0.0, 0.0, 0.0]))
    assert torch.equal(model(input_ids, observer=observer).logits, stock)
    assert observer.layers == {}


def test_a_later_token_changes_no_earlier_logit(model, batch):
    """Catches lost causality, with and without an attention mask."""
    input_ids, blocks = batch
    use_observed_attention(model, CONTEXT)
    changed = input_ids.clone()
    changed[:, 12] = (changed[:, 12] + 1) % 60
    for inputs in ({}, {"attention_mask": torch.ones_like(input_ids)}):
        before, after = (model(ids, observer=observer_of(blocks), **inputs).logits for ids in (input_ids, changed))
        assert torch.equal(before[:, :12], after[:, :12])
        assert not torch.equal(before[:, 12:], after[:, 12:])


def test_penalty_and_gradients_equal_eager_attention(model, batch):
    """Catches off-by-one keys, counted sinks or own keys, key heads in the wrong order, and detached gradients."""
    input_ids, blocks = batch
    use_observed_attention(model, CONTEXT)
    assert_equals_eager(model, input_ids, blocks)


EXPERTS = {"num_experts": 8, "num_local_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 48}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("family", ["Mixtral", "Qwen3Moe", "Olmoe", "GraniteMoe"])
def test_mixtures_of_experts_pass_as_causal(family, seed):
    """Catches rounding in experts, whose batches depend on all tokens, mistaken for attention to later tokens."""
    sizes = tiny_models.COMMON | tiny_models.GROUPED | EXPERTS | {"head_dim": 8}
    torch.manual_seed(seed)
    model = getattr(transformers, f"{family}ForCausalLM")(getattr(transformers, f"{family}Config")(**sizes)).eval()
    use_observed_attention(model, CONTEXT)
    check_causality(model)


@pytest.mark.parametrize("zero_padding", [False, True])
@pytest.mark.parametrize("scale", [1.0, 6.0])
@pytest.mark.parametrize("family", ["llama", "mixtral"])
def test_a_model_that_sees_later_tokens_is_refused(family, scale, zero_padding):
    """Catches undetected attention to later tokens, even if it is weak or the padding embedding is zero."""
    if family == "llama":
        model = tiny_model("llama")
    else:
        sizes = tiny_models.COMMON | tiny_models.GROUPED | EXPERTS
        torch.manual_seed(0)
        model = transformers.MixtralForCausalLM(transformers.MixtralConfig(**sizes)).eval()
    with torch.no_grad():
        for layer in model.model.layers:
            for weight in layer.self_attn.parameters():
                weight.mul_(scale / 6 if family == "llama" else scale)
        if zero_padding:
            model.get_input_embeddings().weight[0] = 0
    check_causality(model)
    mask = torch.ones(1, 1, 4, 4, dtype=torch.bool)
    model.register_forward_pre_hook(
        lambda module, args, kwargs: (args, kwargs | {"attention_mask": mask}), with_kwargs=True
    )
    with pytest.raises(UserError, match="ForCausalLM lets tokens attend to later ones"):
        check_causality(model)


def test_nan_logits_are_reported_as_such():
    """Catches NaN logits that pass the comparison, or are reported as lost causality."""
    model = tiny_model("llama")
    torch.nn.init.constant_(model.lm_head.weight, float("nan"))
    with pytest.raises(UserError, match="logits that are not finite"):
        check_causality(model)


@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_equals_eager_attention(model, batch, side):
    """Catches masked padding, on either side, that enters the penalty, and gradients that are not finite."""
    input_ids, blocks = batch
    real = torch.ones_like(input_ids)
    real[1, 17:] = 0
    if side == "left":
        blocks, real = blocks.clone(), real.flip(-1)
        blocks[1] = torch.roll(blocks[1], CONTEXT - 17)
    use_observed_attention(model, CONTEXT)
    loss, observer = constrained_loss(model, input_ids, blocks, attention_mask=real)
    eager = eager_attentions(model, input_ids, attention_mask=real)
    shown = [attention * real[:, None, :, None] for attention in eager.attentions]
    for layer, penalty in eager_penalties(shown, blocks).items():
        torch.testing.assert_close(observer.layers[layer].penalty, penalty.detach(), rtol=1e-5, atol=1e-6)
    assert all(gradient.isfinite().all() for gradient in gradients(model, loss).values())


@pytest.mark.parametrize("family", ["llama", "qwen2"])
def test_packed_windows_equal_eager_attention(family, batch):
    """Catches attention across documents packed into one window: positions and V(i) restart with each document."""
    input_ids, blocks = (tensor[:1] for tensor in batch)
    blocks = blocks.clone()
    blocks[0, 10] = -1  # the second document's sink
    model = tiny_model(family)
    use_observed_attention(model, CONTEXT)
    positions = torch.cat([torch.arange(10), torch.arange(CONTEXT - 10)])[None]
    assert_equals_eager(model, input_ids, blocks, position_ids=positions)
    unpacked, _ = constrained_loss(model, input_ids, blocks)
    packed, _ = constrained_loss(model, input_ids, blocks, position_ids=positions)
    assert unpacked != packed


@pytest.mark.parametrize(
    ("family", "changes"),
    [
        ("mistral", {"sliding_window": 5}),
        ("qwen2", {"sliding_window": 5, "use_sliding_window": True, "max_window_layers": 2}),
    ],
)
def test_sliding_windows_equal_eager_attention(family, changes, batch):
    """Catches keys outside a layer's window counted in V(i); in the second model, only one layer has a window."""
    model = tiny_model(family, **changes)
    use_observed_attention(model, CONTEXT)
    assert_equals_eager(model, *batch)


def test_attention_dropout_does_not_affect_the_penalty(batch):
    """Catches a penalty computed after dropout, and constrained layers without dropout."""
    input_ids, blocks = batch
    model = tiny_model("llama", attention_dropout=0.5)
    use_observed_attention(model, CONTEXT)
    only_first = Constraint(locality=[1.0, 0.0, 0.0], penalty="hinge", target=0.9, weight=1.0)
    penalties, logits = [], []
    for training in (False, True):
        model.train(training)
        observer = observer_of(blocks, only_first)
        logits.append(model(input_ids, observer=observer).logits)
        penalties.append(observer.layers[0].penalty)
    assert penalties[0] == penalties[1]
    assert not torch.allclose(*logits)


def test_the_upstream_gradient_scales_the_penalty_too(batch):
    """Catches a penalty that is not scaled with the loss, as in gradient accumulation."""
    input_ids, blocks = batch
    model = tiny_model("llama")
    use_observed_attention(model, CONTEXT)
    once = gradients(model, constrained_loss(model, input_ids, blocks)[0])
    halved = gradients(model, constrained_loss(model, input_ids, blocks)[0] / 2)
    for name, gradient in once.items():
        torch.testing.assert_close(halved[name], gradient / 2, msg=name)


def test_blocks_of_the_wrong_length_are_refused(batch):
    """Catches blocks of other windows, which would make the constraint random."""
    input_ids, blocks = batch
    model = tiny_model("llama")
    use_observed_attention(model, CONTEXT)
    with pytest.raises(UserError, match="Layer 1 has 24 tokens, the blocks 23"):
        model(input_ids, observer=observer_of(blocks[:, 1:]))


@pytest.mark.parametrize(
    ("family", "changes", "reason"),
    [
        ("bloom", {}, "BloomForCausalLM computes attention with its own code"),
        ("mpt", {}, "MptForCausalLM computes attention with its own code"),
        ("gpt_neo", {}, "GPTNeoForCausalLM computes attention with its own code"),
        ("gemma2", {}, "Gemma2ForCausalLM caps its attention scores"),
        ("gpt_oss", {}, "GptOssForCausalLM has no SDPA attention in transformers"),
        ("bert", {"is_decoder": False}, "lets tokens attend to later ones"),
        (
            "llama",
            {"max_position_embeddings": 16},
            r"LlamaForCausalLM has 16 positions: set tokens\.context to at most 16",
        ),
    ],
)
def test_unsupported_models_are_refused_by_name(family, changes, reason):
    """Catches models accepted at start-up although their statistics would be missing or wrong."""
    with pytest.raises(UserError, match=reason):
        use_observed_attention(tiny_model(family, **changes), CONTEXT)


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ({"s_aux": torch.zeros(4)}, "LlamaAttention adds s_aux to its attention scores"),
        ({"attention_mask": torch.zeros(2, 1, CONTEXT, CONTEXT)}, "LlamaAttention has a mask that is added"),
    ],
)
def test_modified_scores_are_refused_by_name(inputs, reason, batch):
    """Catches scores that the observer does not see completely: learned sinks and additive masks."""
    input_ids, blocks = batch
    model = tiny_model("llama")
    use_observed_attention(model, CONTEXT)
    with pytest.raises(UserError, match=reason):
        model(input_ids, observer=observer_of(blocks), **inputs)


def test_cached_keys_of_an_earlier_call_are_refused(batch):
    """Catches statistics of only part of a text if a call continues from a cache."""
    input_ids, blocks = batch
    model = tiny_model("llama")
    use_observed_attention(model, CONTEXT)
    cache = model(input_ids, use_cache=True).cache
    with pytest.raises(UserError, match="48 keys from 24 queries: call it with use_cache=False"):
        model(input_ids, cache=cache, observer=observer_of(blocks))
