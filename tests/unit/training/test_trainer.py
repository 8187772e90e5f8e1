"""Training: plain without a constraint, bit-identical after resuming, and stopped with a clear error."""

import json
import shutil
import subprocess
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from stock_training import train_stock
from tiny_models import tiny_model
from transformers import Trainer, set_seed

from localist.attention.observed_attention import use_observed_attention
from localist.plumbing.errors import UserError
from localist.plumbing.interruption import Interrupted
from localist.tokens.windows import Windows
from localist.training.batches import SimilarLengths, WindowDataset, stack_windows
from localist.training.checkpoints import last_whole_checkpoint
from localist.training.constraint import Constraint
from localist.training.settings import Optimisation
from localist.training.trainer import LocalityTrainer, train_arm

CONTEXT = 16
PLAIN = Constraint(locality=[0.0, 0.0, 0.0])
CONSTRAINED = Constraint(locality=[0.0, 0.5, 1.0], penalty="hinge", target=0.8, weight=20.0)
SHORT = Optimisation(
    token_budget=8 * 28,  # 8 steps: two windows hold 28.8 tokens on average
    batch_size=2,
    learning_rate=1e-2,
    warmup_ratio=0.25,
    weight_decay=0.1,
    max_grad_norm=1.0,
)


@pytest.fixture
def windows():
    generator = np.random.default_rng(0)
    input_ids = generator.integers(1, 60, (12, CONTEXT)).astype(np.int32)
    sentence_ids = np.tile(np.arange(CONTEXT) // 4, (12, 1)).astype(np.int32)
    sentence_ids[:, 0] = -1
    sentence_ids[5, 9:] = -1
    return Windows(input_ids, sentence_ids, np.ones_like(input_ids), np.arange(12, dtype=np.int32))


@pytest.fixture
def blocks(windows):
    return np.where(windows.is_text, windows.sentence_ids % 2, -1)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 4 MB."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", place], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"no right to mount a small file system: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


def trained(windows, blocks, constraint, checkpoints, optimisation=SHORT, dropout=0.1, seed=3, **changes):
    model = tiny_model("gpt2", attn_pdrop=dropout, resid_pdrop=dropout, embd_pdrop=dropout)
    use_observed_attention(model, CONTEXT)
    history = train_arm(
        model,
        windows,
        blocks,
        constraint=constraint,
        optimisation=optimisation,
        seed=seed,
        bf16=False,
        checkpoints=checkpoints,
        **{"checkpoint_steps": 3, "name": "test"} | changes,
    )
    return model.state_dict(), history


def assert_same_weights(first, second):
    assert first.keys() == second.keys()
    for name, weights in first.items():
        assert torch.equal(weights, second[name]), name


def test_without_locality_training_is_stock_fine_tuning_to_the_bit(windows, tmp_path):
    """Catches any trace of the constraint, the attention function or our loss in the distributed baseline."""
    ours, _ = trained(windows, None, PLAIN, tmp_path / "ours")
    model = tiny_model("gpt2", attn_pdrop=0.1, resid_pdrop=0.1, embd_pdrop=0.1)
    train_stock(model, windows, SHORT, tmp_path / "stock", warmup_steps=2, bf16=False)
    assert_same_weights(ours, model.state_dict())


def test_zero_locality_ignores_blocks(windows, blocks, tmp_path):
    """Catches a constraint that acts although every λ is 0."""
    without, _ = trained(windows, None, PLAIN, tmp_path / "a")
    with_blocks, _ = trained(windows, blocks, Constraint([0.0] * 3, "hinge", 0.8, 20.0), tmp_path / "b")
    assert_same_weights(without, with_blocks)


@pytest.mark.parametrize("constraint", [PLAIN, CONSTRAINED], ids=["plain", "constrained"])
@pytest.mark.parametrize(("stopped_at", "goes_on_from"), [(5, 3), (8, 6)], ids=["first_epoch", "second_epoch"])
def test_a_resumed_run_ends_like_an_uninterrupted_one(
    windows, blocks, tmp_path, constraint, stopped_at, goes_on_from, monkeypatch
):
    """Catches lost optimiser state, data order or dropout state on resuming: weights and history must be equal."""
    windows, blocks = windows.take(np.arange(10)), blocks[:10]
    whole, whole_history = trained(windows, blocks, constraint, tmp_path / "whole")

    steps = []

    def stop(self, *args, **kwargs):
        steps.append(1)
        if len(steps) == stopped_at:
            raise KeyboardInterrupt
        return plain_step(self, *args, **kwargs)

    plain_step = Trainer.training_step
    monkeypatch.setattr(Trainer, "training_step", stop)
    with pytest.raises(KeyboardInterrupt):
        trained(windows, blocks, constraint, tmp_path / "cut")
    monkeypatch.undo()
    assert last_whole_checkpoint(tmp_path / "cut").name == f"checkpoint-{goes_on_from}"
    set_seed(99)
    resumed, resumed_history = trained(windows, blocks, constraint, tmp_path / "cut")
    assert_same_weights(whole, resumed)
    assert resumed_history == whole_history


def test_a_repeatedly_interrupted_run_ends_like_an_uninterrupted_one(windows, blocks, tmp_path):
    """Catches anything missing from a checkpoint between the regular ones: weights and history must be equal."""
    windows, blocks = windows.take(np.arange(10)), blocks[:10]
    whole, whole_history = trained(windows, blocks, CONSTRAINED, tmp_path / "whole")
    for step in range(1, 8):
        with pytest.raises(Interrupted, match=f"was asked to end after step {step} of 8"):
            trained(windows, blocks, CONSTRAINED, tmp_path / "cut", asked_to_stop=lambda: True)
        assert last_whole_checkpoint(tmp_path / "cut").name == f"checkpoint-{step}"
        set_seed(99)
    # Asked to end in its last step, it finishes normally.
    resumed, resumed_history = trained(windows, blocks, CONSTRAINED, tmp_path / "cut", asked_to_stop=lambda: True)
    assert_same_weights(whole, resumed)
    assert resumed_history == whole_history
    assert len(list((tmp_path / "cut").glob("checkpoint-*"))) <= 2


def test_a_run_interrupted_after_its_last_step_trains_no_further(windows, blocks, tmp_path):
    """Catches a step beyond the last, or an empty history, if only the checkpoint of the last step is left."""
    windows, blocks = windows.take(np.arange(10)), blocks[:10]
    whole, whole_history = trained(windows, blocks, CONSTRAINED, tmp_path / "run")
    again, history_again = trained(windows, blocks, CONSTRAINED, tmp_path / "run")
    assert_same_weights(whole, again)
    assert history_again == whole_history


def test_a_resumed_run_uses_the_new_checkpoint_interval(windows, blocks, tmp_path):
    """Catches a new number of steps between checkpoints that is overridden by the one in the checkpoint."""
    with pytest.raises(Interrupted):
        trained(windows, blocks, CONSTRAINED, tmp_path / "run", asked_to_stop=lambda: True)
    trained(windows, blocks, CONSTRAINED, tmp_path / "run", checkpoint_steps=7)
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["checkpoint-7", "checkpoint-8"]


def test_a_full_disk_during_a_checkpoint_loses_nothing(windows, blocks, small_disk):
    """Catches a partial checkpoint that is kept, an error without a remedy, or a run that cannot resume afterwards."""
    whole, _ = trained(windows, blocks, CONSTRAINED, small_disk.parent / "whole")
    with pytest.raises(Interrupted):
        trained(windows, blocks, CONSTRAINED, small_disk / "run", asked_to_stop=lambda: True)
    free = shutil.disk_usage(small_disk).free
    one = sum(path.stat().st_size for path in small_disk.rglob("*") if path.is_file())
    (small_disk / "others").write_bytes(b"x" * (free - one // 2))
    with pytest.raises(UserError, match=r"checkpoint-2 cannot be written: .*Free disk space and run again") as stopped:
        trained(windows, blocks, CONSTRAINED, small_disk / "run", asked_to_stop=lambda: True)
    assert "GB free there" in str(stopped.value)
    assert [path.name for path in (small_disk / "run").iterdir()] == ["checkpoint-1"]
    (small_disk / "others").unlink()
    resumed, _ = trained(windows, blocks, CONSTRAINED, small_disk / "run")
    assert_same_weights(whole, resumed)


def test_the_constraint_raises_fidelity(windows, blocks, tmp_path):
    """Catches a penalty with the wrong sign, or one that never reaches the weights."""
    longer = Optimisation(**{**SHORT.__dict__, "token_budget": 40 * 28})
    _, history = trained(windows, blocks, CONSTRAINED, tmp_path / "constrained", longer, dropout=0.0)
    fidelity = [json.loads(row["fidelity"])["2"] for row in history]
    assert np.mean(fidelity[-5:]) > np.mean(fidelity[:5]) + 0.1
    assert np.mean([row["penalty"] for row in history[-5:]]) < np.mean([row["penalty"] for row in history[:5]])


def test_history_has_a_row_per_step_with_the_parts_of_the_loss(windows, blocks, tmp_path):
    """Catches lost steps, or layers with λ = 0 that are measured needlessly."""
    _, history = trained(windows, blocks, CONSTRAINED, tmp_path / "run")
    assert [row["step"] for row in history] == list(range(1, 9))
    tokens = [row["tokens"] for row in history]
    assert 20 <= tokens[0] <= 30 and all(20 <= later - now <= 30 for now, later in pairwise(tokens))
    assert all(set(json.loads(row["fidelity"])) == {"1", "2"} for row in history)
    assert history[0]["weight"] < history[-1]["weight"] == 20.0
    _, plain = trained(windows, None, PLAIN, tmp_path / "plain")
    assert all(row["penalty"] is None and row["cross_entropy"] > 0 for row in plain)


def test_seeds_determine_the_weights(windows, tmp_path):
    """Catches a seed without effect, or runs that differ for reasons other than the seed."""
    first, again, other = (trained(windows, None, PLAIN, tmp_path / str(n), seed=s)[0] for n, s in enumerate([1, 1, 2]))
    assert_same_weights(first, again)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def run(model, windows, blocks, constraint, checkpoints, **changes):
    settings = {"optimisation": SHORT, "seed": 0, "bf16": False, "checkpoint_steps": 3, "name": "arm seed 0"}
    return train_arm(model, windows, blocks, constraint=constraint, checkpoints=checkpoints, **settings | changes)


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("transformer.wte.weight", "step 5: the weight transformer.wte.weight is not finite"),
        ("transformer.h.1.mlp.c_fc.bias", "step 5: the weight transformer.h.1.mlp.c_fc.bias is not finite"),
    ],
)
def test_a_nan_loss_stops_the_run_and_keeps_the_last_checkpoint(where, message, windows, blocks, tmp_path):
    """Catches runs that keep training a broken model, or broken checkpoints that a rerun would resume from."""
    model = tiny_model("gpt2")
    use_observed_attention(model, CONTEXT)
    steps = []

    def break_in_step_five(module, inputs):
        steps.append(module.training)
        if sum(steps) == 5:
            with torch.no_grad():
                model.get_parameter(where)[..., 0] = torch.nan

    model.register_forward_pre_hook(break_in_step_five)
    with pytest.raises(UserError, match=message) as stopped:
        run(model, windows, blocks, CONSTRAINED, tmp_path)
    assert "Lower training.learning_rate or constraint.weight" in str(stopped.value)
    assert last_whole_checkpoint(tmp_path).name == "checkpoint-3"


def test_the_first_layer_that_overflows_is_reported(windows, tmp_path):
    """Catches a diagnosis that blames the last layer, or the weights, for an overflow."""
    model = tiny_model("gpt2")
    use_observed_attention(model, CONTEXT)
    with torch.no_grad():
        model.transformer.h[1].mlp.c_proj.bias.fill_(3e38)
        model.transformer.h[2].mlp.c_proj.bias.fill_(3e38)
    with pytest.raises(UserError, match=r"step 1: layer 2 is the first whose output is not finite"):
        run(model, windows, None, PLAIN, tmp_path)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda blocks: blocks[:-1], r"arm seed 0: the blocks have type int\d+ and shape \(11, 16\); they must"),
        (lambda blocks: blocks.astype(float), "the blocks have type float64"),
        (lambda blocks: np.where(blocks == 1, -3, blocks), "the block id of window 0, position 4, is -3"),
        (lambda blocks: np.where(blocks == 1, 173, blocks), "the block id of window 0, position 4, is 173"),
        (lambda blocks: np.maximum(blocks, 0), "the block id of window 0, position 0, is 0; it must be -1"),
    ],
)
def test_invalid_blocks_are_reported(damage, message, windows, blocks, tmp_path):
    """Catches damaged blocks, or those of other windows, that are not reported before the first step."""
    model = tiny_model("gpt2")
    use_observed_attention(model, CONTEXT)
    with pytest.raises(UserError, match=message):
        run(model, windows, damage(blocks), CONSTRAINED, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_schedule_of_another_length_is_refused(windows, blocks, tmp_path):
    """Catches a schedule made for another model, whose localities would apply to the wrong layers."""
    model = tiny_model("gpt2")
    use_observed_attention(model, CONTEXT)
    four = Constraint([0.0, 0.0, 0.5, 1.0], "hinge", 0.8, 20.0)
    with pytest.raises(UserError, match="the schedule has 4 values, the model 3 layers"):
        run(model, windows, blocks, four, tmp_path)


def test_every_epoch_has_each_window_once_in_its_own_order():
    """Catches windows left out or repeated, or epochs or seeds that share an order."""
    lengths = np.random.default_rng(0).integers(1, 50, 67)
    orders = []
    for seed, epoch in ((1, 0), (1, 1), (2, 0)):
        sampler = SimilarLengths(lengths, 4, seed)
        sampler.set_epoch(epoch)
        orders.append(list(sampler))
        assert sorted(orders[-1]) == list(range(67)) and list(sampler) == orders[-1]
    assert orders[0] != orders[1] and orders[0] != orders[2]


def test_batches_have_similar_lengths_in_random_order():
    """Catches batches with much padding, or epochs that begin with all the long windows."""
    lengths = np.random.default_rng(0).integers(1, 257, 4000)
    batches = lengths[list(SimilarLengths(lengths, 4, 1))].reshape(-1, 4)
    in_random_order = np.random.default_rng(1).permutation(lengths).reshape(-1, 4)
    padding = [1 - b.sum() / (b.max(axis=1).sum() * 4) for b in (batches, in_random_order)]
    assert padding[0] < 0.3 * padding[1]
    means = batches.mean(axis=1)
    assert abs(np.corrcoef(np.arange(len(means)), means)[0, 1]) < 0.1


def test_sink_and_padding_are_never_targets(windows):
    """Catches training on the sink token or padding, or batches that keep padding common to all their windows."""
    dataset = WindowDataset(windows, None)
    assert all(dataset[row]["labels"][0] == -100 for row in range(len(dataset)))
    padded = stack_windows([dataset[5]])
    assert padded["input_ids"].shape == (1, 9) and (padded["labels"][0, 1:] != -100).all()
    assert stack_windows([dataset[5], dataset[0]])["input_ids"].shape == (2, CONTEXT)


def test_the_saved_model_is_a_plain_hugging_face_model(windows, blocks, tmp_path):
    """Catches traces of our attention function in the saved model."""
    model = tiny_model("gpt2")
    use_observed_attention(model, CONTEXT)
    model.save_pretrained(tmp_path)
    assert "localist" not in Path(tmp_path / "config.json").read_text(encoding="utf-8")
    assert not list(tmp_path.glob("*.py"))


@pytest.mark.slow
def test_queries_and_keys_of_constrained_layers_learn_faster(windows, blocks, tmp_path, monkeypatch):
    """Catches a rate that applies to other weights or layers, or that changes plain fine-tuning."""
    rates = {}
    own = LocalityTrainer.create_optimizer

    def recorded(self, *args, **kwargs):
        optimizer = own(self, *args, **kwargs)
        names = {id(parameter): name for name, parameter in self.model.named_parameters()}
        for group in optimizer.param_groups:
            rates.update({names[id(parameter)]: group["lr"] for parameter in group["params"]})
        return optimizer

    monkeypatch.setattr(LocalityTrainer, "create_optimizer", recorded)
    trained(windows, blocks, replace(CONSTRAINED, query_key_rate=4.0), tmp_path / "constrained")
    faster = {name for name, rate in rates.items() if rate == pytest.approx(4 * SHORT.learning_rate)}
    projections = [f"transformer.h.{layer}.attn.c_attn" for layer in (1, 2)]
    assert faster == {f"{name}.{part}" for name in projections for part in ("weight", "bias")}
    assert len(rates) > len(faster)
    trained(windows, None, replace(PLAIN, query_key_rate=4.0), tmp_path / "plain")
    assert set(rates.values()) == {SHORT.learning_rate}
