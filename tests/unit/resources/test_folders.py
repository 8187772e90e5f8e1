"""Folders of models and encoders: incomplete or unsafe ones are refused."""

from pathlib import Path

import pytest
from resource_servers import ENCODER, MODEL, write_files

from localist.plumbing.errors import UserError
from localist.resources.folders import check_folder, check_own_folders

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 269060552\n"
T5 = b'{"is_encoder_decoder": true, "model_type": "t5"}'


@pytest.mark.parametrize(
    ("kind", "files", "message"),
    [
        ("model", {**MODEL, "model.safetensors": None, "pytorch_model.bin": b"P"}, "pytorch_model.bin.*safetensors"),
        ("model", {**MODEL, "model.safetensors": None}, "no safetensors weights"),
        ("model", {**MODEL, "config.json": None}, "no config.json"),
        ("model", MODEL | {"config.json": b"{"}, "damaged config.json: it is not JSON"),
        ("model", {**MODEL, "tokenizer.json": None}, "no tokenizer"),
        (
            "model",
            {**MODEL, "tokenizer.json": None, "tokenizer.model": b"S"},
            "only a sentencepiece tokenizer.*tokenizer.model",
        ),
        *(
            ("model", MODEL | {"config.json": b'{"quantization_config": {"quant_method": "%s"}}' % method}, reason)
            for method, reason in (
                (b"bitsandbytes", r"quantised \(bitsandbytes\)"),
                (b"gptq", r"quantised \(gptq\)"),
                (b"awq", r"quantised \(awq\)"),
            )
        ),
        ("model", MODEL | {"config.json": T5}, r"encoder-decoder \(t5\), not a causal"),
        (
            "model",
            MODEL | {"config.json": b'{"model_type": "llava", "text_config": {}}'},
            "is a llava, which transformers cannot load",
        ),
        (
            "model",
            MODEL | {"model.safetensors": POINTER},
            "Git LFS pointer in place of model.safetensors.*git lfs pull",
        ),
        ("encoder", ENCODER | {"tokenizer.json": POINTER}, "Git LFS pointer in place of tokenizer.json"),
        (
            "model",
            {**MODEL, "model.safetensors": None, "model-00001-of-00002.safetensors": b"S"}
            | {"model.safetensors.index.json": b'{"weight_map": {"w": "model-00002-of-00002.safetensors"}}'},
            "lacks weight files.*model-00002-of-00002",
        ),
        ("model", {**MODEL, "tokenizer_config.json": b'{"auto_map": {}}'}, "custom code.*auto_map"),
        ("encoder", {**ENCODER, "modules.json": None}, "no modules.json.*sentence-transformers"),
        ("encoder", {**ENCODER, "2_Dense/pytorch_model.bin": b"P"}, "2_Dense/pytorch_model.bin.*save_pretrained"),
    ],
)
def test_incomplete_and_pickled_folders_are_refused(tmp_path: Path, kind: str, files: dict, message: str) -> None:
    """Catches a folder that would fail only hours later, or weights that may run code."""
    write_files(tmp_path, {name: body for name, body in files.items() if body is not None})
    with pytest.raises(UserError, match=f"The folder .*{message}"):
        check_folder(tmp_path, kind, "The folder")


def test_pickled_files_that_nothing_loads_are_accepted(tmp_path: Path) -> None:
    """Catches a good folder refused for training leftovers or other formats, which nothing loads."""
    write_files(tmp_path, {**ENCODER, "onnx/model.bin": b"", "openvino/m.bin": b"", "x/training_args.bin": b""})
    check_folder(tmp_path, "encoder", "The encoder")


def test_multimodal_models_with_a_loadable_text_model_are_accepted(tmp_path: Path) -> None:
    """Catches a good model refused because it also takes images."""
    write_files(tmp_path, MODEL | {"config.json": b'{"model_type": "gemma3", "text_config": {}}'})
    check_folder(tmp_path, "model", "The folder")


def own_paths(**paths):
    return {kind: {"source": {"path": paths.get(kind)}} for kind in ("model", "encoder")}


def test_unusable_own_folders_are_refused_before_any_job(tmp_path):
    """Catches a wrong path that is noticed only after an hour of other work."""
    file = tmp_path / "book.txt"
    file.write_text("text", encoding="utf-8")
    for kind, path, expected in (
        ("model", file, "model.source.path: .* is a file; it must be a folder"),
        ("model", tmp_path, "has no config.json"),
        ("encoder", tmp_path / "a{b}", r"encoder.source.path: .*a\{b\} has braces in its name"),
        ("encoder", tmp_path, "has no modules.json"),
    ):
        with pytest.raises(UserError, match=expected):
            check_own_folders(own_paths(**{kind: str(path)}))
