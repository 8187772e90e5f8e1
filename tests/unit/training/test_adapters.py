"""Low-rank adapters: stock peft without locality, bit-identical after resuming, and merged into a plain model."""

import json
from dataclasses import replace

import pytest
import torch
from short_runs import CONSTRAINTS, LORA, OPTIMISATION, PLAIN, SEED, assert_same_weights, short_run
from short_runs import windows_of_all_lengths as windows
from stock_training import train_stock
from tiny_models import TINY_MODELS, tiny_model
from transformers import AutoModelForCausalLM, set_seed

from localist.attention.observed_attention import use_observed_attention
from localist.plumbing.errors import UserError
from localist.plumbing.interruption import Interrupted
from localist.training.adapters import merged, merged_again, with_adapters
from localist.training.next_token_loss import next_token_loss
from localist.training.trainer import LocalityTrainer

peft = pytest.importorskip("peft")


def with_changed_adapters(family, lora=LORA, **changes):
    """A model with adapters that change its output, unlike new ones."""
    adapted = with_adapters(tiny_model(family, **changes), lora, seed=1).eval()
    for name, weight in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.1)
    return adapted


@pytest.mark.parametrize(("family", "dropout"), [("gpt2", 0.1), ("llama", 0.0)])
def test_without_locality_training_is_bit_identical_to_stock_peft(family, dropout, tmp_path):
    """Catches adapters, initial values, scaling or trained weights that differ from those of plain peft and Trainer."""
    ours, _ = short_run(tmp_path / "ours", PLAIN, family=family, dropout=dropout, lora=LORA)
    drop = {"attn_pdrop": dropout, "resid_pdrop": dropout, "embd_pdrop": dropout} if dropout else {}
    config = peft.LoraConfig(task_type="CAUSAL_LM", r=LORA.rank, lora_alpha=LORA.alpha, target_modules="all-linear")
    model = tiny_model(family, **drop)
    set_seed(SEED)
    adapted = peft.get_peft_model(model, config)
    warmup = round(OPTIMISATION.warmup_ratio * OPTIMISATION.steps(windows()))
    train_stock(adapted, windows(), OPTIMISATION, tmp_path, warmup_steps=warmup, bf16=False)
    assert_same_weights(ours, adapted.merge_and_unload().state_dict())


@pytest.mark.parametrize("constraint", ["plain", "hinge"])
def test_a_repeatedly_interrupted_run_ends_like_an_uninterrupted_one(constraint, tmp_path):
    """Catches adapters, optimiser moments or dropout state lost on resuming, or checkpoints of the whole model."""
    options = {"lora": LORA, "dropout": 0.1, "optimisation": replace(OPTIMISATION, token_budget=6 * 4 * 9)}
    whole, whole_history = short_run(tmp_path / "whole", CONSTRAINTS[constraint], **options)
    for step in range(1, len(whole_history)):
        with pytest.raises(Interrupted, match=f"after step {step} of {len(whole_history)}"):
            short_run(tmp_path / "cut", CONSTRAINTS[constraint], **options, asked_to_stop=lambda: True)
        set_seed(99)
    assert list((tmp_path / "cut").glob("checkpoint-*/adapter_model.safetensors"))
    assert not list((tmp_path / "cut").glob("*/model.safetensors"))
    resumed, resumed_history = short_run(tmp_path / "cut", CONSTRAINTS[constraint], **options)
    assert_same_weights(whole, resumed)
    assert resumed_history == whole_history


def test_the_constraint_reaches_the_adapters(tmp_path):
    """Catches a penalty without a gradient if the weights themselves are not trained."""
    longer = replace(OPTIMISATION, token_budget=40 * 4 * 9, learning_rate=1e-2)
    _, history = short_run(tmp_path, CONSTRAINTS["hinge"], lora=LORA, optimisation=longer, checkpoint_steps=0)
    late = [json.loads(row["fidelity"])["2"] for row in history]
    assert sum(late[-5:]) / 5 > sum(late[:5]) / 5 + 0.05


@pytest.mark.parametrize("family", sorted(TINY_MODELS))
def test_the_merged_model_is_plain_and_equivalent(family, tmp_path):
    """Catches a merge that is transposed, scaled twice or left out, or traces of peft in the saved folder."""
    adapted = with_changed_adapters(family)
    ids = torch.randint(0, 60, (2, 16), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        before = adapted(input_ids=ids).logits
        plain = tiny_model(family)
        assert (plain(input_ids=ids).logits - before).abs().max() > 1e-3
        adapted.save_pretrained(tmp_path / "adapters")
        model = merged(adapted)
        assert (model(input_ids=ids).logits - before).abs().max() < 1e-5
    assert_same_weights(model.state_dict(), merged_again(tiny_model(family), tmp_path / "adapters").state_dict())
    model.save_pretrained(tmp_path / "merged")
    plain.save_pretrained(tmp_path / "plain")
    names = [sorted(path.name for path in (tmp_path / place).iterdir()) for place in ("merged", "plain")]
    configs = [json.loads((tmp_path / place / "config.json").read_text()) for place in ("merged", "plain")]
    assert names[0] == names[1] and configs[0] == configs[1]
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path / "merged")
    assert_same_weights(loaded.state_dict(), model.state_dict())


def test_only_adapted_layers_change(tmp_path):
    """Catches adapters on a head that is tied to the embedding, or frozen weights that change."""
    before = tiny_model("gpt2").state_dict()
    after, _ = short_run(tmp_path, CONSTRAINTS["hinge"], lora=LORA)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed and all(name.endswith(("c_attn.weight", "c_proj.weight", "c_fc.weight")) for name in changed)


@pytest.mark.parametrize(
    ("modules", "message"),
    [
        (["q_proj", "lm_head"], "the head of this model shares its weights with the embedding"),
        (["qproj"], "training.lora.target_modules: .*qproj"),
    ],
)
def test_layers_that_cannot_have_adapters_are_reported(modules, message):
    """Catches a head whose adapter is lost in the merge, or a traceback for module names that do not exist."""
    with pytest.raises(UserError, match=message):
        with_adapters(tiny_model("llama", tie_word_embeddings=True), replace(LORA, target_modules=modules), seed=1)


def test_adapters_of_queries_and_keys_learn_faster(tmp_path, monkeypatch):
    """Catches a rate that applies to other layers or adapters, or to none."""
    rates = {}
    own = LocalityTrainer.create_optimizer

    def recorded(self, *args, **kwargs):
        optimizer = own(self, *args, **kwargs)
        names = {id(parameter): name for name, parameter in self.model.named_parameters()}
        for group in optimizer.param_groups:
            rates.update({names[id(parameter)]: group["lr"] for parameter in group["params"]})
        return optimizer

    monkeypatch.setattr(LocalityTrainer, "create_optimizer", recorded)
    faster = replace(CONSTRAINTS["hinge"], query_key_rate=4.0)
    short_run(tmp_path / "all", faster, family="llama", lora=LORA)
    found = {name for name, rate in rates.items() if rate == pytest.approx(4e-3)}
    places = [f"layers.{layer}.self_attn.{part}_proj.lora_{end}." for layer in (1, 2) for part in "qk" for end in "AB"]
    assert len(found) == len(places) and all(any(place in name for name in found) for place in places)
    assert all("lora_" in name for name in rates) and len(rates) > len(found)
    with pytest.raises(UserError, match=r"constraint\.query_key_rate"):
        short_run(tmp_path / "values", faster, family="llama", lora=replace(LORA, target_modules=["v_proj"]))


def test_the_gradient_of_a_frozen_head_is_not_computed(monkeypatch):
    """Catches a needless vocabulary-sized gradient, or hidden states that lose their gradient with it."""
    gradients = []
    for trained in (True, False):
        model = tiny_model("llama")
        use_observed_attention(model, 16)
        head = model.get_output_embeddings()
        head.weight.requires_grad_(trained)
        ids = torch.randint(0, 60, (2, 16), generator=torch.Generator().manual_seed(0))
        loss, _ = next_token_loss(model, head, ids, ids)
        saved = [value for value in loss.grad_fn.saved_tensors if value is not None]
        assert len(saved) == (2 if trained else 1)
        loss.backward()
        assert (head.weight.grad is None) is not trained
        gradients.append(model.model.layers[0].mlp.up_proj.weight.grad)
    assert torch.equal(*gradients)
