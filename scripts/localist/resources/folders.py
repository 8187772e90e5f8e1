"""Checks of a model's or encoder's folder, before anything is loaded from it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from localist.plumbing.errors import UserError
from localist.plumbing.files import check_path, files_in, read_json
from localist.resources.hub import PICKLES

_TOKENIZERS = (
    "tokenizer.json",
    "tokenizer.model",
    "vocab.json",
    "vocab.txt",
    "spiece.model",
    "sentencepiece.bpe.model",
)
# Training leftovers, which nothing loads as weights.
_NOT_WEIGHTS = {"training_args.bin", "optimizer.pt", "scheduler.pt", "rng_state.pth"}


def check_folder(folder: Path, kind: str, what: str) -> None:
    """Refuse a folder that is no whole `model` or `encoder` with safetensors weights; `what` names it in messages."""
    if not folder.is_dir():
        raise UserError(f"{what} is a file; it must be a folder.")
    names = {path.relative_to(folder).as_posix() for path in files_in(folder) if path.is_file()}
    needed = "config.json" if kind == "model" else "modules.json"
    if needed not in names:
        hint = "a Hugging Face model" if kind == "model" else "a sentence-transformers encoder"
        raise UserError(f"{what} has no {needed}, so it is not the folder of {hint}.")
    if kind == "model":
        names = {name for name in names if "/" not in name}
    _check_weights(folder, names, what)
    if not {name.rpartition("/")[2] for name in names}.intersection(_TOKENIZERS):
        raise UserError(f"{what} has no tokenizer (one of {', '.join(_TOKENIZERS)}).")


def check_own_folders(config: Mapping[str, Any]) -> None:
    """Refuse a model or encoder folder of the user's that cannot be one, before any job starts."""
    for kind in ("model", "encoder"):
        path = config[kind]["source"].get("path")
        if path:
            what = f"{kind}.source.path"
            check_folder(check_path(path, what), kind, f"{what}: {path}")


def _check_weights(folder: Path, names: set[str], what: str) -> None:
    by_folder: dict[str, list[str]] = {}
    for name in sorted(names):
        by_folder.setdefault(name.rpartition("/")[0], []).append(name)
    found = False
    for parent, files in by_folder.items():
        if parent.split("/")[0] in ("onnx", "openvino"):
            continue
        if any(name.endswith(".safetensors") for name in files):
            found = True
            continue
        pickles = [n for n in files if n.endswith(PICKLES) and n.rpartition("/")[2] not in _NOT_WEIGHTS]
        if pickles:
            raise UserError(
                f"{what} has pickled weights only ({', '.join(pickles[:3])}), which may run code when loaded. "
                "Convert them to safetensors (load the model and call save_pretrained) and use that folder."
            )
    if not found:
        raise UserError(f"{what} has no safetensors weights (*.safetensors).")
    index = "model.safetensors.index.json"
    if index in names and "model.safetensors" not in names:
        absent = sorted(set(read_json(folder / index)["weight_map"].values()) - names)
        if absent:
            raise UserError(f"{what} lacks weight files that {index} lists: {', '.join(absent[:3])}.")
