"""The model hub: resources fetched from a real local server that speaks the hub's protocol."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import resource_servers
from checkout import SCRIPTS
from resource_servers import ENCODER, MODEL, REVISION, a_resource, files_of, hub_pages, nothing_left

from localist.plumbing.errors import UserError
from localist.resources import hub
from localist.resources.fetching import fetch

place, serve = resource_servers.place, resource_servers.serve  # fixtures
GPT2_EXTRAS = {
    ".gitattributes": b"*.bin filter=lfs\n",
    "README.md": b"# GPT-2\n",
    "64.tflite": b"T" * 100,
    "flax_model.msgpack": b"F" * 100,
    "merges.txt": b"#version: 0.2\n",
    "onnx/config.json": b"{}",
    "onnx/decoder_model.onnx": b"O" * 100,
    "pytorch_model.bin": b"P" * 100,
    "rust_model.ot": b"R" * 100,
    "tf_model.h5": b"H" * 100,
    "modeling_x.py": b"raise SystemExit\n",
}


@pytest.fixture
def online(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], dict]:
    """Point the hub client to an address and away from the user's cache and login."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_TOKEN", "")
    # Otherwise the client waits half a minute before it gives up.
    monkeypatch.setattr("huggingface_hub.utils._http.time", SimpleNamespace(sleep=lambda seconds: None))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    def point(endpoint: str, repository: str = "org/good", revision: str = REVISION) -> dict:
        monkeypatch.setenv("HF_ENDPOINT", endpoint)
        return a_resource({"hub": {"id": repository, "revision": revision}})

    return point


def test_only_needed_files_of_a_hub_model_are_fetched(serve: Callable, online: Callable, place: Path) -> None:
    """Catches downloaded pickles, code or other frameworks' weights, or the client's bookkeeping left inside."""
    resource = online(serve(hub_pages(MODEL | GPT2_EXTRAS)))
    fetch("model", resource, place / "thing", place / "thing.json")
    assert files_of(place / "thing") == MODEL | {"merges.txt": GPT2_EXTRAS["merges.txt"]}
    assert sorted(path.name for path in (place / "thing").iterdir()) == sorted([*MODEL, "merges.txt"])
    record = json.loads((place / "thing.json").read_text())
    assert record["source"] == resource["source"] and record["kind"] == "model"
    assert record["sha256"]["config.json"] == hashlib.sha256(MODEL["config.json"]).hexdigest()
    assert sorted(path.name for path in place.iterdir()) == ["thing", "thing.json"]


def test_a_hub_encoder_keeps_its_subfolders(serve: Callable, online: Callable, place: Path) -> None:
    """Catches an encoder without its pooling, or with copies in other formats."""
    extras = {"onnx/model.onnx": b"O", "onnx/config.json": b"{}", "openvino/openvino_model.bin": b"V", "train.py": b"x"}
    resource = online(serve(hub_pages(ENCODER | extras | {"pytorch_model.bin": b"P"})))
    fetch("encoder", resource, place / "thing", place / "thing.json")
    assert files_of(place / "thing") == ENCODER


DATA_SET = {
    "README.md": b"# Texts\n",
    ".gitattributes": b"*.parquet filter=lfs\n",
    "load.py": b"raise SystemExit\n",
    "data/train-00000-of-00001.parquet": b"PAR1" * 600,
    "data/test-00000-of-00001.parquet": b"PAR1",
    "more/lines [1].jsonl": b'{"text": "a"}\n',
}


@pytest.mark.parametrize(
    ("patterns", "taken"),
    [
        (None, {"data/train-00000-of-00001.parquet", "data/test-00000-of-00001.parquet", "more/lines [1].jsonl"}),
        (["data/train-*"], {"data/train-00000-of-00001.parquet"}),
    ],
)
def test_only_data_files_are_fetched(serve: Callable, online: Callable, place: Path, patterns, taken) -> None:
    """Catches a loading script or dataset card taken for data, or patterns that select nothing or too much."""
    resource = online(serve(hub_pages(DATA_SET)))
    resource["source"]["hub"]["files"] = patterns
    fetch("corpus", resource, place / "thing", place / "thing.json")
    assert files_of(place / "thing") == {name: DATA_SET[name] for name in taken}
    assert set(json.loads((place / "thing.json").read_text())["sha256"]) == taken


def test_a_data_set_without_data_is_refused(serve: Callable, online: Callable, place: Path) -> None:
    """Catches an empty corpus, from patterns that match nothing or a repository of scripts."""
    for files, patterns in ((DATA_SET, ["dev/*"]), ({"load.py": b"x"}, None)):
        resource = online(serve(hub_pages(files)))
        resource["source"]["hub"]["files"] = patterns
        with pytest.raises(UserError, match=r"org/good has no file .*corpus\.source\.hub\.files"):
            fetch("corpus", resource, place / "thing", place / "thing.json")
    assert nothing_left(place)


def test_a_tampered_data_file_is_refused(serve: Callable, online: Callable, place: Path) -> None:
    """Catches accepted data that differs from the hub's listing."""
    name = "data/train-00000-of-00001.parquet"
    resource = online(serve(hub_pages(DATA_SET, tampered=(name,))))
    with pytest.raises(UserError, match=f"the checksum of {name} does not match"):
        fetch("corpus", resource, place / "thing", place / "thing.json")
    assert nothing_left(place)


@pytest.mark.parametrize("tampered", ["model.safetensors", "config.json"])
def test_a_tampered_hub_file_is_refused(serve: Callable, online: Callable, place: Path, tampered: str) -> None:
    """Catches accepted large (sha256) or small (git id) files that differ from the hub's listing."""
    resource = online(serve(hub_pages(MODEL, tampered=(tampered,))))
    with pytest.raises(UserError, match=f"the checksum of {tampered} does not match.*expected .*got .*Try again"):
        fetch("model", resource, place / "thing", place / "thing.json")
    assert nothing_left(place)


@pytest.mark.parametrize(
    ("repository", "revision", "message"),
    [
        ("org/nobody", REVISION, r"has no repository 'org/nobody'.*hub\.id"),
        ("org/good", "f" * 40, r"org/good has no revision f{40}.*hub\.revision"),
        ("org/good", "main", r"hub\.revision of org/good is 'main'.*40 hexadecimal"),
        ("org/good", None, r"hub\.revision of org/good is None"),
        ("org/gated", REVISION, r"org/gated is gated.*accept.*hf auth login"),
        ("org/broken", REVISION, r"answered 500 for org/broken"),
        ("a/b/c", REVISION, r"'a/b/c' is not a valid repository name"),
    ],
)
def test_wrong_hub_settings_are_reported(
    serve: Callable, online: Callable, place: Path, repository: str, revision: str, message: str
) -> None:
    """Catches a traceback from the hub library instead of the key to change."""
    resource = online(serve(hub_pages(MODEL)), repository, revision)
    with pytest.raises(UserError, match=message):
        fetch("model", resource, place / "thing", place / "thing.json")
    assert nothing_left(place)


def test_an_unreachable_hub_is_reported(online: Callable, place: Path) -> None:
    """Catches a traceback or a long wait if there is no network."""
    resource = online("http://127.0.0.1:9")
    with pytest.raises(UserError, match=r"127\.0\.0\.1:9 could not be reached.*network and HF_ENDPOINT"):
        fetch("model", resource, place / "thing", place / "thing.json")
    assert nothing_left(place)


def test_a_hub_repository_with_only_pickled_weights_is_refused(serve: Callable, online: Callable, place: Path) -> None:
    """Catches weights that may run code, of a whole model or of one part of an encoder."""
    files = {name: body for name, body in (MODEL | GPT2_EXTRAS).items() if name != "model.safetensors"}
    resource = online(serve(hub_pages(files)))
    with pytest.raises(UserError, match=r"only pickled weights.*pytorch_model\.bin.*convert"):
        fetch("model", resource, place / "thing", place / "thing.json")
    dense = {"2_Dense/config.json": b"{}", "2_Dense/pytorch_model.bin": b"P"}
    resource = online(serve(hub_pages(ENCODER | dense)))
    with pytest.raises(UserError, match=r"only pickled weights.*2_Dense/pytorch_model\.bin.*convert"):
        fetch("encoder", resource, place / "thing", place / "thing.json")
    assert nothing_left(place)


def test_shards_are_fetched_only_without_a_single_weights_file() -> None:
    """Catches weights downloaded twice, or files with hidden or misleading names that are fetched."""
    shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json"]
    assert hub.wanted_files(["config.json", *shards], nested=False) == ["config.json", *shards]
    assert hub.wanted_files(["config.json", "model.safetensors", *shards], nested=False) == [
        "config.json",
        "model.safetensors",
    ]
    others = ["model.fp16.safetensors", "adapter_model.safetensors", "../config.json", ".x/config.json", "a/../b.json"]
    assert hub.wanted_files(others, nested=True) == []


@pytest.mark.parametrize(("kind", "as_rule"), [("model", True), ("corpus", True), ("model", False)])
def test_the_fetch_rule_ignores_offline_mode(serve: Callable, place: Path, kind: str, as_rule: bool) -> None:
    """Catches HF_HUB_OFFLINE=1, set for all jobs, blocking the one rule that must download."""
    files = {"model": MODEL, "corpus": {"lines.jsonl": b'{"text": "a"}\n'}}[kind]
    resource = a_resource({"hub": {"id": "org/good", "revision": REVISION}})
    output = {"content": str(place / "thing"), "record": str(place / "thing.json")}
    code = f"""
import runpy
from pathlib import Path
from types import SimpleNamespace
from types import SimpleNamespace
from localist.plumbing.rule_log import rule_log
if {as_rule}:
    params = SimpleNamespace(kind="{kind}", resource={resource!r})
    job = SimpleNamespace(
        params=params, output=SimpleNamespace(**{output!r}), log=["{place.parent}/log"]
    )
    runpy.run_path("{SCRIPTS}/fetch_resource.py", {{"snakemake": job}}, "__main__")
else:
    import fetch_resource
    with rule_log("{place.parent}/log"):
        fetch_resource.main("{kind}", {resource!r}, Path("{output["content"]}"), Path("{output["record"]}"))
"""
    settings = {"HF_ENDPOINT": serve(hub_pages(files)), "HF_HUB_OFFLINE": "1", "HF_HOME": str(place.parent / "home")}
    environment = os.environ | settings | {"PYTHONPATH": str(SCRIPTS), "NO_PROXY": "127.0.0.1", "HF_TOKEN": ""}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    if as_rule:
        assert done.returncode == 0, done.stderr
        assert files_of(place / "thing") == files
        assert "%|" not in done.stderr  # no progress bars in logs
    else:
        assert done.returncode == 1 and "HF_HUB_OFFLINE" in done.stderr and "Traceback" not in done.stderr
        assert nothing_left(place)
