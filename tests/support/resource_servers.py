"""Helpers for tests of resources: fixtures (loopback servers, a package index, a folder), hub pages, wheels, files."""

import base64
import hashlib
import io
import json
import os
import re
import threading
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest

REVISION = "0123456789abcdef0123456789abcdef01234567"
CORPUS = b"<mediawiki>not really</mediawiki>\n"
MODEL = {
    "config.json": b'{"model_type": "gpt2"}',
    "model.safetensors": bytes(range(256)) * 40,
    "tokenizer.json": b"{}",
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
    """Start loopback servers that answer a path with a function's result; all stop with the test."""
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
    """Serve one wheel from an index that pip is set to use; returns the `package` mapping that pins it."""
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


def hub_pages(files: dict[str, bytes], tampered: tuple[str, ...] = ()) -> Callable[[str], Answer]:
    """Answer like a hub with one repository, org/good, at one revision; `tampered` files are served changed."""

    def error(status: int, code: str) -> Answer:
        return status, {"X-Error-Code": code, "X-Error-Message": code}, b"{}"

    def entry(name: str, body: bytes) -> dict:
        file = {"type": "file", "path": name, "size": len(body)}
        if len(body) > 1000:  # as the hub does with large files
            lfs = {"oid": hashlib.sha256(body).hexdigest(), "size": len(body), "pointerSize": 130}
            return file | {"oid": "f" * 40, "lfs": lfs}
        return file | {"oid": hashlib.sha1(b"blob %d\0" % len(body) + body).hexdigest()}

    def answer(path: str) -> Answer:
        path = unquote(path)
        match = re.fullmatch(r"/api/(?:models|datasets)/org/(\w+)/tree/(\w+)\?recursive=true&expand=false", path)
        if match:
            if match[1] == "gated":
                return error(403, "GatedRepo")
            if match[1] == "broken":
                return 500, {}, b"oh no"
            if match[1] != "good":
                return error(404, "RepoNotFound")
            if match[2] != REVISION:
                return error(404, "RevisionNotFound")
            folder = {"type": "directory", "path": "1_Pooling", "oid": "e" * 40}
            tree = [folder, *(entry(*item) for item in files.items())]
            return 200, {"Content-Type": "application/json"}, json.dumps(tree).encode()
        match = re.fullmatch(rf"(?:/datasets)?/org/good/resolve/{REVISION}/(.+)", path)
        if not match or match[1] not in files:
            return error(404, "EntryNotFound")
        body = files[match[1]]
        if match[1] in tampered:
            body = body[:-1] + b"!"
        etag = hashlib.md5(body).hexdigest()
        return 200, {"X-Repo-Commit": REVISION, "ETag": f'"{etag}"', "Content-Type": "text/plain"}, body

    return answer
