"""Loading a causal language model from a local folder: safetensors only, no remote code."""

import inspect
import logging
import re
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch._subclasses.fake_tensor import FakeTensorMode
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedConfig, PreTrainedModel
from transformers.utils import logging as transformers_logging

from localist.attention.observed_attention import check_causality, use_observed_attention
from localist.attention.ranks import rank
from localist.plumbing.errors import UserError
from localist.plumbing.files import unusable
from localist.plumbing.provenance import processor

logger = logging.getLogger(__name__)

# How models are built; attention is then replaced with the observed function.
LOADING: dict[str, Any] = {"dtype": torch.float32, "attn_implementation": "eager"}
# For FakeTensorMode: other implementations of experts depend on which tokens each expert gets.
WITHOUT_NUMBERS = {"experts_implementation": "batched_mm"}
# Output options that a config may have kept from earlier use. With router logits, some families would add a
# load-balancing loss to the cross-entropy (method.md, The constraint).
OVERRULED = {
    "output_attentions": False,
    "output_hidden_states": False,
    "output_router_logits": False,
    "return_dict": True,
}
# Prefixes of weight names if a model was saved inside a wrapper (data parallel, compiled).
WRAPPERS = re.compile(r"(module\.|_orig_mod\.)+")


def check_model(folder: Path, context: int) -> None:
    """Check that a model has all its weights, and that its attention can be observed over `context` tokens.

    Raises UserError. Reads only the names and shapes of the weights, so that even a large model is checked quickly.
    Architectures that cannot run without weights are left to `load_model`.
    """
    try:
        config = _config(folder)
        with FakeTensorMode():  # shapes without numbers
            model = AutoModelForCausalLM.from_config(config, trust_remote_code=False, **WITHOUT_NUMBERS, **LOADING)
            use_observed_attention(model, context)
    except (OSError, ValueError) as error:
        raise UserError(f"{folder} is not a causal language model: {str(error).splitlines()[0]}") from error
    except (NotImplementedError, RuntimeError) as error:
        logger.info("%s will be checked when its weights are loaded: %s", folder, str(error).splitlines()[0])
    _load(folder, device_map="meta")


def shape_of_model(folder: Path) -> PreTrainedModel:
    """A model built from its config on the device `meta`: layers and shapes, without weights."""
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(_config(folder), trust_remote_code=False, **LOADING)


def load_model(folder: Path, context: int, gpus: int = 0) -> PreTrainedModel:
    """The model in float32, on the GPU if `gpus` is not 0, with the observed attention function.

    Raises UserError if the folder does not contain such a model, if weights are missing or not finite, if attention
    cannot be observed, or if fewer GPUs are visible than requested: there is no silent fallback to the CPU.
    """
    device = _device(gpus)
    model = _load(folder)
    _refuse_infinite_weights(folder, model)
    model = model.to(device)  # pyright: ignore[reportArgumentType]  # a decorator of transformers hides `self`
    use_observed_attention(model, context)
    check_causality(model)
    return model


def _load(folder: Path, **where: Any) -> PreTrainedModel:
    """The model with stock attention. Raises UserError if weights are missing or have another shape."""
    transformers_logging.disable_progress_bar()
    try:
        wrapper = _wrapper(folder)
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            folder,
            config=_config(folder),
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # they are refused below, by name
            key_mapping={f"^{re.escape(wrapper)}": ""} if wrapper else None,
            **LOADING,
            **where,
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        reason = f"{folder} does not load as a causal language model: {str(error).splitlines()[0]}"
        raise unusable(folder, reason) from error
    model, loading = loaded
    _refuse_gaps(folder, loading)
    if wrapper:
        logger.warning("%s: all weight names begin with %s; the prefix was removed.", folder, wrapper)
    return model


def _config(folder: Path) -> PreTrainedConfig:
    config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    for part in (config, config.get_text_config()):
        for key, value in OVERRULED.items():
            if hasattr(part, key):
                setattr(part, key, value)
    return config


def _wrapper(folder: Path) -> str:
    """The prefix of all weight names if the model was saved inside a wrapper, else an empty string."""
    names: list[str] = []
    for file in sorted(folder.glob("*.safetensors")):
        with safe_open(file, "pt") as weights:
            names += weights.keys()
    found = WRAPPERS.match(min(names, default=""))
    return found[0] if found and all(name.startswith(found[0]) for name in names) else ""


def _refuse_gaps(folder: Path, loading: Mapping[str, Any]) -> None:
    """Raises UserError for missing weights, which transformers fills with random numbers; logs unexpected ones.

    loading: what transformers found (`output_loading_info`).
    """
    missing, unexpected = sorted(loading["missing_keys"]), sorted(loading["unexpected_keys"])
    if loading["mismatched_keys"]:
        name, found, needed = sorted(loading["mismatched_keys"])[0]
        raise UserError(
            f"{folder}: the weight {name} has the shape {list(found)}, but config.json requires {list(needed)}. Use "
            "the config that belongs to the weights."
        )
    if missing:
        there = f" Unexpected: {_some(unexpected)}." if unexpected else ""
        raise UserError(f"{folder} lacks weights: {_some(missing)}.{there} Get the complete checkpoint.")
    if unexpected:
        logger.warning("%s has weights that the model does not use: %s.", folder, _some(unexpected))


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _refuse_infinite_weights(folder: Path, model: PreTrainedModel) -> None:
    for name, weight in model.named_parameters():
        if not weight.isfinite().all():
            raise UserError(
                f"{folder}: the weight {name} is not finite (NaN or infinite). Get an undamaged checkpoint."
            )


def cache_argument(model: PreTrainedModel) -> str:
    """The name of the argument of `forward` that takes a cache; before transformers 5.24 it was past_key_values."""
    return "cache" if "cache" in inspect.signature(model.forward).parameters else "past_key_values"


def processor_of(device: torch.device) -> str:
    """The model name of this GPU, or of the machine's CPU."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else processor()


def _device(gpus: int) -> torch.device:
    """This process's GPU if `gpus` is not 0, else the CPU; logs which. Raises UserError if too few GPUs are visible."""
    visible = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if gpus > visible:
        raise UserError(
            f"training.gpus is {gpus}, but the job on {socket.gethostname()} sees {visible or 'no'} GPU (torch "
            f"{torch.__version__}). Request that many from the cluster, install torch with CUDA, or set training.gpus "
            "to 0 to compute on the CPU."
        )
    if gpus:
        logger.info("Computing on %d GPU: %s.", gpus, torch.cuda.get_device_name())
        torch.cuda.set_device(rank())
        return torch.device("cuda", rank())
    unused = f"; {visible} visible, unused" if visible else ""
    logger.info("Computing on the CPU (training.gpus is 0%s).", unused)
    return torch.device("cpu")
