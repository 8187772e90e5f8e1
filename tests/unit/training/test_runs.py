"""A run from input files to output files, and what an interrupted run leaves for the next start."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tiny_models import tiny_model
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import PreTrainedTokenizerFast

from localist.attention.ranks import run_in_processes
from localist.plumbing.interruption import Interrupted
from localist.study.arms import Arm
from localist.tokens.windows import Windows
from localist.training.runs import train_run
from localist.training.settings import (
    BudgetSettings,
    LoraSettings,
    Optimisation,
    ReferenceRun,
    RunInputs,
    RunOutputs,
    TrainingSettings,
)

CONTEXT = 16
WRITTEN = ("model", "history", "settings")


@pytest.fixture
def run(tmp_path):
    """The arguments of a run of nine steps."""
    input_ids = np.random.default_rng(0).integers(1, 60, (13, CONTEXT)).astype(np.int32)
    sentence_ids = np.tile(np.arange(CONTEXT) // 4, (13, 1)).astype(np.int32)
    Windows(input_ids, sentence_ids, np.ones_like(input_ids), np.arange(13, dtype=np.int32)).save(tmp_path / "tokens")
    np.save(tmp_path / "blocks.npy", sentence_ids % 2)
    tiny_model("gpt2").save_pretrained(tmp_path / "model")
    words = Tokenizer(WordLevel({"?": 0}, unk_token="?"))
    PreTrainedTokenizerFast(tokenizer_object=words, unk_token="?").save_pretrained(tmp_path / "model")
    optimisation = Optimisation(
        token_budget=9 * 4 * CONTEXT,
        batch_size=4,
        learning_rate=1e-3,
        warmup_ratio=0.25,
        weight_decay=0.1,
        max_grad_norm=1.0,
    )
    arm = Arm("quintic", "quintic", partition="semantic", penalty="hinge", fidelity_target=0.5, weight=20.0)
    return {
        "inputs": RunInputs(tmp_path / "model", tmp_path / "tokens", tmp_path / "blocks.npy", code=()),
        "arm": arm,
        "seed": 1,
        "settings": TrainingSettings(optimisation, precision="fp32", threads=1, gpus=0),
        "min_locality": 0.01,
        "query_key_rate": 2.0,
        "checkpoints": tmp_path / "checkpoints",
        "checkpoint_steps": 4,
        "outputs": RunOutputs(**{name: tmp_path / "out" / name for name in WRITTEN}),
    }


def as_on_a_processor_for(bf16):
    return lambda precision, gpus=0: bf16 if precision == "auto" else precision == "bf16"


def never():
    return False


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_two_processes_write_the_outputs_once(run, tmp_path):
    """Catches ranks that overwrite each other's files, unpicklable arguments, or checkpoints that are not deleted."""
    run_in_processes(2, train_run, run, never)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(WRITTEN)
    assert json.loads((tmp_path / "out" / "settings").read_text())["device"] == "cpu"
    assert not (tmp_path / "checkpoints").exists()


def test_a_job_ended_while_writing_results_loses_nothing(run, tmp_path):
    """Catches a restart from scratch because checkpoints were deleted before the results were safe."""
    train_run(**run, asked_to_stop=never)
    undisturbed = contents(tmp_path / "out")
    shutil.rmtree(tmp_path / "out")
    with pytest.raises(Interrupted, match="while its results were written"):
        # Asked to stop once the settings, the last of the results, exist.
        train_run(**run, asked_to_stop=(tmp_path / "out" / "settings").exists)
    train_run(**run, asked_to_stop=never)
    assert contents(tmp_path / "out") == undisturbed
    assert not (tmp_path / "checkpoints").exists()


def test_a_resumed_run_keeps_its_precision(run, tmp_path, monkeypatch):
    """Catches a run that restarts, or changes its precision, when it is resumed on another kind of processor."""
    run["settings"] = replace(run["settings"], precision="auto")
    stop_at_once = iter([True]).__next__
    monkeypatch.setattr("localist.training.runs.uses_bf16", as_on_a_processor_for(bf16=True))
    with pytest.raises(Interrupted, match="after step 1 of 9"):
        train_run(**run, asked_to_stop=stop_at_once)
    monkeypatch.setattr("localist.training.runs.uses_bf16", as_on_a_processor_for(bf16=False))
    train_run(**run, asked_to_stop=never)
    assert json.loads((tmp_path / "out" / "settings").read_text())["precision"] == "bf16"
    assert len((tmp_path / "out" / "history").read_text().splitlines()) == 1 + 9


@pytest.fixture
def run_with_budget(run, tmp_path):
    """A run with a perplexity budget relative to a distributed run of the same length, which is trained here."""
    files = {name: tmp_path / "reference" / name for name in WRITTEN}
    plain = {"arm": Arm("distributed", "distributed"), "inputs": replace(run["inputs"], blocks=None)}
    train_run(**run | plain | {"outputs": RunOutputs(**files)}, asked_to_stop=never)
    settings = BudgetSettings(weight=5 / 2 ** (2 / 3), min_weight=0.1, max_weight=1000.0, rate=4.5, smoothing=0.5)
    return run | {
        "arm": replace(run["arm"], name="budget", weight=None, perplexity_budget=0.02),
        "inputs": replace(run["inputs"], reference=ReferenceRun(files["history"], files["settings"])),
        "settings": replace(run["settings"], budget=settings),
    }


def test_a_budget_adapts_the_weight_to_the_reference(run_with_budget, tmp_path):
    """Catches a weight that does not respond to the losses, or a reference with other batches than the run's."""
    train_run(**run_with_budget, asked_to_stop=never)
    own, reference = (pd.read_csv(tmp_path / folder / "history") for folder in ("out", "reference"))
    # Both start from the same weights, so the loss of the first batch must be the same, except for dropout.
    assert own["cross_entropy"][0] == pytest.approx(reference["cross_entropy"][0], rel=1e-3)
    excess = 0.0
    for row, base in zip(own.itertuples(), reference["cross_entropy"], strict=True):
        excess = 0.5 * excess + 0.5 * (row.cross_entropy - base)
        assert row.excess == pytest.approx(excess, abs=1e-9)
    assert own["weight"].nunique() == len(own) and own["weight"][0] == pytest.approx(5 * np.exp(0.5), rel=0.01)


def test_an_interrupted_run_with_a_budget_gives_the_same_bytes(run_with_budget, tmp_path):
    """Catches a weight that is reset by an interruption."""
    train_run(**run_with_budget, asked_to_stop=never)
    undisturbed = contents(tmp_path / "out")
    shutil.rmtree(tmp_path / "out")
    answers = iter([False, False, True])
    with pytest.raises(Interrupted, match="after step 3 of 9"):
        train_run(**run_with_budget, asked_to_stop=lambda: next(answers))
    train_run(**run_with_budget, asked_to_stop=never)
    assert contents(tmp_path / "out") == undisturbed


@pytest.mark.parametrize("lora", [None, LoraSettings(rank=4, alpha=8.0)], ids=["whole", "adapters"])
def test_snapshots_are_complete_models_also_after_an_interruption(lora, run, tmp_path):
    """Catches a snapshot that is lost with the job, of the wrong step, or of adapters instead of a whole model."""
    if lora:
        pytest.importorskip("peft")
    run["settings"] = replace(run["settings"], lora=lora)
    snapshots = {tokens: tmp_path / "out" / f"at-{tokens}" for tokens in (200, 9 * 4 * CONTEXT)}
    run["outputs"] = replace(run["outputs"], snapshots=snapshots)
    answers = iter([False] * 5 + [True])
    with pytest.raises(Interrupted, match="after step 6 of 9"):
        train_run(**run, asked_to_stop=lambda: next(answers))
    assert not (tmp_path / "out").exists()
    train_run(**run, asked_to_stop=never)
    early, last = (contents(folder) for folder in snapshots.values())
    model = contents(tmp_path / "out" / "model")
    assert last == model and early.keys() == model.keys()
    assert early[Path("model.safetensors")] != model[Path("model.safetensors")]
    assert not (tmp_path / "checkpoints").exists()
    names = {path.name for path in (tmp_path / "model").iterdir()}
    assert {path.name for path in model} == names  # the same as in the untrained model's folder


def test_an_interrupted_run_starts_again_if_earlier_states_are_asked_for(run, tmp_path):
    """Catches a run that resumes after the step whose state it should save, and can then never finish."""
    answers = iter([False] * 5 + [True])
    with pytest.raises(Interrupted, match="after step 6 of 9"):
        train_run(**run, asked_to_stop=lambda: next(answers))
    run["outputs"] = replace(run["outputs"], snapshots={200: tmp_path / "out" / "at-200"})
    train_run(**run, asked_to_stop=never)
    assert contents(tmp_path / "out" / "at-200") != contents(tmp_path / "out" / "model")


def test_only_used_settings_are_recorded(run, tmp_path):
    """Catches recorded keys that a run does not use, which would cause retraining, or used ones that are missing."""
    train_run(**run, asked_to_stop=never)
    settings = json.loads((tmp_path / "out" / "settings").read_text())
    assert not {"trainer", "lora"} & set(settings) and "peft" not in settings["versions"]
    run["settings"] = replace(run["settings"], trainer={"gradient_accumulation_steps": 2})
    train_run(**run, asked_to_stop=never)
    assert json.loads((tmp_path / "out" / "settings").read_text())["trainer"] == {"gradient_accumulation_steps": 2}
