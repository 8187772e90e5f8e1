"""Checks a model or encoder folder before anything is loaded from it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from localist.plumbing.errors import UserError
from localist.plumbing.files import check_path, files_in, read_json

_TOKENIZERS = ("tokenizer.json", "vocab.json", "vocab.txt")
# Only the sentencepiece library reads these, and it does not report positions in the text.
_SENTENCEPIECE = {"tokenizer.model", "spiece.model", "sentencepiece.bpe.model"}
_LFS_POINTER = b"version https://git-lfs"
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".h5", ".msgpack", ".ot")
# Leftovers of training, which are not loaded as weights.
_NOT_WEIGHTS = {"training_args.bin", "optimizer.pt", "scheduler.pt", "rng_state.pth"}


def check_folder(folder: Path, kind: str, what: str) -> None:
    """Raises UserError unless `folder` is a complete `model` or `encoder` with safetensors; messages call it `what`."""
    if not folder.is_dir():
        raise UserError(f"{what} is a file; it must be a folder.")
    names = {path.relative_to(folder).as_posix() for path in files_in(folder) if path.is_file()}
    needed = "config.json" if kind == "model" else "modules.json"
    if needed not in names:
        hint = "a Hugging Face model" if kind == "model" else "a sentence-transformers encoder"
        raise UserError(f"{what} has no {needed}, so it is not the folder of {hint}.")
    _refuse_pointers(folder, names, what)
    if kind == "model":
        names = {name for name in names if "/" not in name}
        _refuse_unreadable_weights(folder, what)
    refuse_own_code(folder, what)
    check_weights(names, what)
    _check_shards(folder, names, what)
    files = {name.rpartition("/")[2] for name in names}
    if not files.intersection(_TOKENIZERS):
        if files & _SENTENCEPIECE:
            raise UserError(
                f"{what} has only a sentencepiece tokenizer ({', '.join(sorted(files & _SENTENCEPIECE))}), which does "
                "not map tokens to positions in the text. Convert it to tokenizer.json (load it with transformers and "
                "sentencepiece installed, and call save_pretrained)."
            )
        raise UserError(f"{what} has no tokenizer (one of {', '.join(_TOKENIZERS)}).")


def _refuse_pointers(folder: Path, names: Iterable[str], what: str) -> None:
    """Raises UserError for Git LFS pointers in place of files."""
    for name in sorted(names):
        with (folder / name).open("rb") as file:
            if file.read(len(_LFS_POINTER)) == _LFS_POINTER:
                raise UserError(
                    f"{what} has a Git LFS pointer in place of {name}. Run `git lfs pull` in the folder, or "
                    "download the file."
                )


def _refuse_unreadable_weights(folder: Path, what: str) -> None:
    """Raises UserError for a model that, according to its config, cannot be tuned in float32 as a causal model."""
    config = _settings(folder / "config.json", what)
    quantised = config.get("quantization_config")
    if quantised:
        raise UserError(
            f"{what} is quantised ({quantised.get('quant_method', 'by an unnamed method')}), and quantised weights "
            "cannot be tuned. Use the original checkpoint."
        )
    if config.get("is_encoder_decoder"):
        raise UserError(
            f"{what} is an encoder-decoder ({config.get('model_type', 'of unknown type')}), not a causal language "
            "model. Choose a decoder-only model."
        )
    if "text_config" in config and not _loads_as_text_model(config.get("model_type")):
        raise UserError(
            f"{what} is a {config.get('model_type')}, which transformers cannot load as a causal language model. "
            "Choose the text model that it is based on."
        )


def _loads_as_text_model(model_type: str | None) -> bool:
    """Whether transformers can load the text part of a multimodal model type; importing it takes a second."""
    try:
        from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
    except ImportError:  # with one environment per rule; the model's first job checks again
        return True
    return model_type in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES


def _settings(path: Path, what: str) -> Mapping[str, Any]:
    try:
        return read_json(path)
    except ValueError as error:
        raise UserError(f"{what} has a damaged {path.name}: it is not JSON ({error}).") from error


def refuse_own_code(folder: Path, what: str) -> None:
    """Raises UserError for a tokenizer with custom code: the code is not run, and without it tokens may differ."""
    settings = folder / "tokenizer_config.json"
    if settings.is_file() and "auto_map" in _settings(settings, what):
        raise UserError(
            f"{what} has a tokenizer with custom code (auto_map in tokenizer_config.json), which is not run. If "
            "tokenizer.json contains the complete tokenizer, delete auto_map from a copy; else choose another model."
        )


def check_own_folders(config: Mapping[str, Any]) -> None:
    """Check the model and encoder folders named in the config, before any job starts."""
    for kind in ("model", "encoder"):
        path = config[kind]["source"].get("path")
        if path:
            what = f"{kind}.source.path"
            if "{" in path or "}" in path:
                raise UserError(
                    f"{what}: {path} has braces in its name, which Snakemake would read as a wildcard. Rename it."
                )
            check_folder(check_path(path, what), kind, f"{what}: {path}")


def check_weights(names: Iterable[str], what: str) -> None:
    """Raises UserError if any folder in `names` (paths with /) has only pickled weights, or if none has safetensors."""
    by_folder: defaultdict[str, list[str]] = defaultdict(list)
    for name in sorted(names):
        if name.split("/")[0] not in ("onnx", "openvino"):
            by_folder[name.rpartition("/")[0]].append(name)
    safe = {folder for folder, files in by_folder.items() if any(name.endswith(".safetensors") for name in files)}
    unsafe = [name for folder in by_folder.keys() - safe for name in by_folder[folder] if name.endswith(PICKLES)]
    pickles = sorted(name for name in unsafe if name.rpartition("/")[2] not in _NOT_WEIGHTS)
    remedy = (
        "Use a version with safetensors, or convert it (load the model, call save_pretrained) and set `path` to that."
    )
    if pickles:
        raise UserError(
            f"{what} has only pickled weights ({', '.join(pickles[:3])}), which may run code when loaded, and no "
            f"safetensors. {remedy}"
        )
    if not safe:
        raise UserError(f"{what} has no safetensors weights (*.safetensors). {remedy}")


def _check_shards(folder: Path, names: set[str], what: str) -> None:
    index = "model.safetensors.index.json"
    if index in names and "model.safetensors" not in names:
        absent = sorted(set(read_json(folder / index)["weight_map"].values()) - names)
        if absent:
            raise UserError(f"{what} lacks weight files listed in {index}: {', '.join(absent[:3])}.")
