"""Loading model folders, and refusing those without a supported model."""

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from tiny_models import COMMON, GROUPED, TINY_MODELS, tiny_model

from localist.attention.models import check_model, load_model
from localist.attention.observed_attention import ATTENTION
from localist.plumbing.errors import UserError
from localist.plumbing.files import read_json, write_json

LEFT_OVERS = [
    {"output_attentions": True},
    {"output_hidden_states": True},
    {"return_dict": False},
    {"attn_implementation": "flash_attention_2", "_attn_implementation": "flash_attention_2"},
]


def test_a_saved_model_loads_in_float32_with_the_observed_attention(tmp_path):
    """Catches loading in the stored half precision, and models whose attention is silently not observed."""
    tiny_model("gpt2").to(torch.bfloat16).save_pretrained(tmp_path)
    model = load_model(tmp_path, context=16)
    assert {weight.dtype for weight in model.parameters()} == {torch.float32}
    assert model.config._attn_implementation == ATTENTION


def test_a_folder_that_is_no_model_is_named(tmp_path):
    """Catches tracebacks from transformers, and advice to delete a folder that no rule has written."""
    with pytest.raises(UserError, match="does not load as a causal language model") as caught:
        load_model(tmp_path, context=16)
    assert "delete the folder" not in str(caught.value)
    (tmp_path / ".snakemake_timestamp").touch()
    with pytest.raises(UserError, match="If it is damaged, delete the folder"):
        load_model(tmp_path, context=16)


def test_pickled_weights_are_not_loaded(tmp_path):
    """Catches loading of pickles, which can run arbitrary code."""
    model = tiny_model("gpt2")
    model.config.save_pretrained(tmp_path)
    torch.save(model.state_dict(), tmp_path / "pytorch_model.bin")
    with pytest.raises(UserError, match="does not load"):
        load_model(tmp_path, context=16)


def changed_weights(folder, change):
    """Save a tiny model with an untied head, with `change` applied to its weights by name."""
    tiny_model("llama").save_pretrained(folder)
    weights = change(load_file(folder / "model.safetensors"))
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.parametrize(
    ("kept", "named"),
    [
        (lambda name: "layers.2." not in name, r"model\.layers\.2\.input_layernorm\.weight, .* and 6 more"),
        (lambda name: name != "lm_head.weight", r"lm_head\.weight\. Get the complete checkpoint"),
    ],
)
def test_missing_weights_are_refused_by_name(kept, named, tmp_path):
    """Catches missing layers, or a missing untied head, filled with random numbers that differ in each job."""
    changed_weights(tmp_path, lambda weights: {name: weight for name, weight in weights.items() if kept(name)})
    with pytest.raises(UserError, match=f"lacks weights: {named}"):
        load_model(tmp_path, context=16)


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod."])
def test_weights_saved_inside_a_wrapper_are_loaded(prefix, tmp_path, caplog):
    """Catches random weights for a model saved inside a wrapper, and a prefix removed without a warning."""
    changed_weights(tmp_path, lambda weights: {prefix + name: weight for name, weight in weights.items()})
    check_model(tmp_path, context=16)
    loaded = load_model(tmp_path, context=16)
    assert all(torch.equal(*pair) for pair in zip(loaded.parameters(), tiny_model("llama").parameters(), strict=True))
    assert f"all weight names begin with {prefix}; the prefix was removed" in caplog.text


@pytest.mark.parametrize("lost", ["lm_head.weight", "model.layers.2.mlp.up_proj.weight"])
def test_missing_weights_of_a_wrapped_model_are_refused(lost, tmp_path):
    """Catches missing weights that go unnoticed after the prefix is removed."""
    changed_weights(
        tmp_path, lambda weights: {f"module.{name}": weight for name, weight in weights.items() if name != lost}
    )
    with pytest.raises(UserError, match=f"lacks weights: {lost}. Get the complete checkpoint"):
        load_model(tmp_path, context=16)


def test_a_prefix_of_only_some_names_is_not_removed(tmp_path):
    """Catches a prefix removed although it is not common to all weight names."""
    changed_weights(
        tmp_path,
        lambda weights: {name if "norm" in name else f"module.{name}": weight for name, weight in weights.items()},
    )
    with pytest.raises(UserError, match=r"lacks weights: lm_head\.weight, .* Unexpected: module\.lm_head\.weight, "):
        load_model(tmp_path, context=16)


def test_weights_of_the_wrong_shape_are_named(tmp_path):
    """Catches a config that does not fit the weights, and an error that does not name the weight."""
    changed_weights(tmp_path, lambda weights: weights | {"lm_head.weight": torch.zeros(61, 32)})
    with pytest.raises(UserError, match=r"lm_head\.weight has the shape \[61, 32\], but config\.json requires \[60"):
        load_model(tmp_path, context=16)


@pytest.mark.parametrize("change", [{"lm_head.weight": None}, {"lm_head.weight": torch.zeros(61, 32)}])
def test_missing_or_misshapen_weights_are_found_before_any_is_read(change, tmp_path):
    """Catches a damaged checkpoint that is noticed only when a later job loads it."""
    changed_weights(
        tmp_path, lambda weights: {name: weight for name, weight in (weights | change).items() if weight is not None}
    )
    with pytest.raises(UserError, match=r"lm_head\.weight"):
        check_model(tmp_path, context=16)


def test_unused_weights_are_named(tmp_path, caplog):
    """Catches a deeper model truncated without a warning, and a model refused because of a leftover weight."""
    changed_weights(tmp_path, lambda weights: weights | {"model.layers.3.mlp.up_proj.weight": torch.zeros(48, 32)})
    load_model(tmp_path, context=16)
    assert "weights that the model does not use: model.layers.3.mlp.up_proj.weight" in caplog.text


def test_a_nan_weight_is_named(tmp_path):
    """Catches a NaN weight reported as lost causality, or accepted for training."""
    name = "model.layers.1.mlp.up_proj.weight"
    changed_weights(tmp_path, lambda weights: weights | {name: weights[name].clone().fill_(float("nan"))})
    with pytest.raises(UserError, match=f"the weight {name} is not finite"):
        load_model(tmp_path, context=16)


@pytest.mark.parametrize("left_over", LEFT_OVERS)
def test_leftover_options_in_the_config_are_overruled(left_over, tmp_path):
    """Catches crashes in the first forward pass, and leftover options that are saved again."""
    model = tiny_model("llama")
    model.save_pretrained(tmp_path / "before")
    write_json(tmp_path / "before/config.json", read_json(tmp_path / "before/config.json") | left_over)
    check_model(tmp_path / "before", context=16)
    loaded = load_model(tmp_path / "before", context=16)
    input_ids = torch.arange(8)[None]
    torch.testing.assert_close(loaded(input_ids).logits, model(input_ids).logits)
    loaded.save_pretrained(tmp_path / "after")
    saved = read_json(tmp_path / "after/config.json")
    assert not {key: value for key, value in left_over.items() if saved.get(key) == value}


@pytest.mark.parametrize("left_over", LEFT_OVERS)
def test_leftover_options_in_the_text_config_are_overruled(left_over, tmp_path):
    """Catches leftover options of a multimodal model, whose text part has its own config."""
    model = model_that_sees()
    model.save_pretrained(tmp_path / "before")
    config = read_json(tmp_path / "before/config.json")
    write_json(tmp_path / "before/config.json", config | {"text_config": config["text_config"] | left_over})
    check_model(tmp_path / "before", context=16)
    loaded = load_model(tmp_path / "before", context=16)
    input_ids = torch.arange(8)[None]
    torch.testing.assert_close(loaded(input_ids).logits, model(input_ids).logits)
    loaded.save_pretrained(tmp_path / "after")
    saved = read_json(tmp_path / "after/config.json")["text_config"]
    assert not {key: value for key, value in left_over.items() if saved.get(key) == value}


def model_that_sees():
    text = transformers.Gemma3TextConfig(**COMMON, **GROUPED, head_dim=8, sliding_window=8)
    sizes = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 1, "num_attention_heads": 2}
    vision = transformers.SiglipVisionConfig(**sizes, image_size=28, patch_size=14)
    torch.manual_seed(0)
    return transformers.Gemma3ForConditionalGeneration(
        transformers.Gemma3Config(text_config=text, vision_config=vision, mm_tokens_per_image=4)
    ).eval()


def test_the_router_loss_is_not_part_of_the_objective(tmp_path):
    """Catches a load-balancing loss of the experts that is added in small batches but not in large ones."""
    config = transformers.MixtralConfig(**COMMON, **GROUPED, num_local_experts=4, output_router_logits=True)
    transformers.MixtralForCausalLM(config).save_pretrained(tmp_path)
    input_ids = torch.arange(8)[None]
    outputs = load_model(tmp_path, context=16)(input_ids, labels=input_ids)
    cross_entropy = torch.nn.functional.cross_entropy(outputs.logits[0, :-1], input_ids[0, 1:])
    torch.testing.assert_close(outputs.loss, cross_entropy)


def test_an_encoder_decoder_model_is_refused_by_name(tmp_path):
    """Catches a traceback for a model that is not a causal language model."""
    transformers.T5Config(d_model=32, d_ff=32, num_layers=1, num_heads=2).save_pretrained(tmp_path)
    with pytest.raises(UserError, match=r"is not a causal language model: .*T5Config"):
        check_model(tmp_path, context=16)


def test_a_missing_gpu_stops_the_job(tmp_path, monkeypatch):
    """Catches days of training on the CPU although a GPU was requested."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match=r"training\.gpus is 1, but the job on .* sees no GPU"):
        load_model(tmp_path, context=16, gpus=1)


@pytest.mark.parametrize("family", sorted(TINY_MODELS))
def test_supported_models_pass_the_check_without_weights(family, tmp_path, caplog):
    """Catches a check that refuses supported models, or that is postponed until their weights are loaded."""
    tiny_model(family).save_pretrained(tmp_path)
    with caplog.at_level("INFO"):
        check_model(tmp_path, context=16)
    assert not caplog.messages


def test_a_mixture_of_experts_passes_the_check_without_weights(tmp_path, caplog):
    """Catches a mixture of experts that is checked only when a job loads its weights."""
    config = transformers.Qwen3MoeConfig(**COMMON, **GROUPED, num_experts=9, moe_intermediate_size=8, head_dim=8)
    transformers.Qwen3MoeForCausalLM(config).save_pretrained(tmp_path)
    with caplog.at_level("INFO"):
        check_model(tmp_path, context=16)
    assert not caplog.messages


@pytest.mark.parametrize(
    ("family", "reason"),
    [
        ("bloom", "BloomForCausalLM computes attention with its own code"),
        ("gemma2", "Gemma2ForCausalLM caps its attention scores"),
        ("gpt_oss", "GptOssForCausalLM has no SDPA attention"),
    ],
)
def test_unsupported_models_are_refused_before_any_weight_is_read(family, reason, tmp_path):
    """Catches an unsupported model refused only after a book was extracted, embedded and clustered."""
    tiny_model(family).config.save_pretrained(tmp_path)
    with pytest.raises(UserError, match=reason):
        check_model(tmp_path, context=16)


def test_a_context_beyond_the_positions_is_refused_before_any_weight_is_read(tmp_path):
    """Catches an index error in the first training step."""
    tiny_model("gpt2").config.save_pretrained(tmp_path)
    with pytest.raises(UserError, match=r"has 64 positions: set tokens\.context to at most 64"):
        check_model(tmp_path, context=65)
