"""Keys of training.trainer: names and types come from transformers; keys that the pipeline sets are refused."""

import re
import subprocess
import sys
from dataclasses import fields

import pytest
from checkout import SCRIPTS
from transformers import TrainingArguments
from whole_studies import changed, mistakes, resolved

from localist.study import trainer_keys
from localist.study.trainer_keys import OWNED, trainer_schema


def test_key_names_match_transformers():
    """Catches names misread from the source, or refused keys that are no longer arguments."""
    known = {field.name for field in fields(TrainingArguments) if field.init}
    assert set(trainer_schema()["properties"]) == known - set(OWNED)
    assert set(OWNED) - known == {"warmup_ratio"}  # an argument of earlier versions


@pytest.mark.parametrize("key", sorted(OWNED))
def test_keys_that_the_pipeline_sets_are_refused_with_the_reason(key):
    """Catches an argument that overrides the pipeline's own setting."""
    (line,) = mistakes(changed("training.trainer", {key: 1}))
    assert line.startswith(f"training.trainer.{key}: is set by the pipeline; ") and OWNED[key] in line


@pytest.mark.parametrize("name", [name for name in OWNED.values() if ": use " in name or name.startswith("use ")])
def test_the_key_to_use_instead_exists(name):
    """Catches a suggested replacement that is not a key of the config."""
    config = resolved({})
    for part in name.rpartition("use ")[2].split("."):
        assert part in config
        config = config[part]


@pytest.mark.parametrize(
    ("trainer", "expected"),
    [
        ({"gradient_acumulation_steps": 2}, "unknown key: .*Did you mean gradient_accumulation_steps"),
        ({"gradient_checkpointing": "always"}, "'always' is not of type boolean or null"),
        ({"adam_epsilon": "tiny"}, "'tiny' is not of type number"),
        ({"optim": 3}, "3 is not of type string"),
        ({"gradient_accumulation_steps": 0}, "must be at least 1"),
        ({"gradient_checkpointing_kwargs": {"use_reentrant": True}}, "would give the constraint no gradient"),
        ({"report_to": "all"}, "all means different tools on different machines"),
    ],
)
def test_mistakes_are_reported(trainer, expected):
    """Catches names and values that would fail only in a run, hours later."""
    (line,) = mistakes(changed("training.trainer", trainer))
    (key,) = trainer
    assert line.startswith(f"training.trainer.{key}: ")
    assert re.search(expected, line)


def test_batches_must_divide_into_equal_micro_batches():
    """Catches micro-batches of unequal size, which Trainer does not support."""
    study = changed("training.trainer", {"gradient_accumulation_steps": 2})
    study["training"] |= {"batch_size": 6, "gpus": 2}
    (line,) = mistakes(study)
    assert line.startswith(
        "training.batch_size: 6 windows cannot be divided evenly by training.gpus, 2 times training.tr"
    )
    study["training"]["batch_size"] = 8
    resolved(study)


def test_numbers_that_yaml_reads_as_text_are_converted():
    """Catches 1e-6 that reaches the optimiser as text."""
    study = resolved(changed("training.trainer", {"adam_epsilon": "1e-6", "gradient_checkpointing": "true"}))
    assert study["training"]["trainer"] == {"adam_epsilon": 1e-6, "gradient_checkpointing": True}


@pytest.mark.parametrize("installed", [(), ("tensorboard",), ("tensorboardX",)])
def test_a_missing_tensorboard_package_is_reported(installed, monkeypatch):
    """Catches a missing TensorBoard package that is noticed only after training."""
    find = trainer_keys.find_spec
    monkeypatch.setattr(
        trainer_keys, "find_spec", lambda name: name in installed if name.startswith("tensorboard") else find(name)
    )
    study = changed("training.trainer", {"report_to": ["tensorboard"]})
    if installed:
        resolved(study)
    else:
        (line,) = mistakes(study)
        assert "report_to: tensorboard needs the package tensorboard or tensorboardX, which is not installed" in line


def test_without_transformers_keys_are_left_to_the_jobs(monkeypatch):
    """Catches a Snakemake installed without transformers that refuses every argument."""
    monkeypatch.setattr(trainer_keys, "find_spec", lambda name: None)
    assert trainer_schema.__wrapped__() == {"type": "object"}


def test_the_check_does_not_import_torch():
    """Catches an import that would slow down every Snakemake call by seconds."""
    code = "import sys; from localist.study.trainer_keys import trainer_schema as s; s(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=SCRIPTS, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
