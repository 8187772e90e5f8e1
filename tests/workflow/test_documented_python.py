"""Documented Python code runs on the smoke study and its model."""

import json
import shutil
from pathlib import Path

import pytest
from documented_blocks import blocks
from safetensors.numpy import load_file, save_file

pytestmark = pytest.mark.slow

# The position embeddings of the smoke study's model, repeated TIMES times for the longer documented texts.
POSITIONS, TIMES = "transformer.wpe.weight", 8


def lengthened(model: Path, copy: Path) -> None:
    """Copy a GPT-2 so that it reads TIMES as many tokens."""
    shutil.copytree(model, copy)
    weights = load_file(copy / "model.safetensors")
    length = TIMES * len(weights[POSITIONS])
    weights[POSITIONS] = weights[POSITIONS].repeat(TIMES, axis=0)
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((copy / "config.json").read_text(encoding="utf-8"))
    (copy / "config.json").write_text(json.dumps(config | {"n_positions": length}), encoding="utf-8")


@pytest.fixture
def readers_folder(smoke, tmp_path, monkeypatch):
    """A folder with the study, the models and the text that the documents mention."""
    study, copy = smoke.folder / "results" / "smoke", tmp_path / "results" / "default"
    copy.mkdir(parents=True)
    (copy.parent / "my_study").symlink_to(copy)
    for part in study.iterdir():
        if part.name != "runs":
            (copy / part.name).symlink_to(part)
    lengthened(study / "runs" / "quintic" / "seed1" / "model", copy / "runs" / "quintic" / "seed1" / "model")
    lengthened(study / "initial_model", tmp_path / "resources" / "models" / "smollm2-135m-instruct")
    (tmp_path / "resources" / "encoders").symlink_to(smoke.folder / "resources" / "encoders")
    (tmp_path / "notes.txt").write_text("A dog is an animal. It barks at the moon. " * 20, encoding="utf-8")
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("document", sorted({path.name for path, _ in blocks("python")}))
def test_documented_python_runs(readers_folder, document):
    """Catches an example with a renamed function or argument. Examples of a document share one namespace."""
    names = {}
    for path, text in blocks("python"):
        if path.name == document:
            exec(compile(text, document, "exec"), names)
