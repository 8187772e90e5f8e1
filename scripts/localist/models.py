"""Loading a causal language model from a local folder: safetensors only, no remote code."""

from pathlib import Path

import torch
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, PreTrainedModel
from transformers.utils import logging as transformers_logging

from localist.attention import use_observed_attention
from localist.errors import UserError


def load_model(folder: Path, context: int, gpus: int = 0) -> PreTrainedModel:
    """The model in float32, on the GPU if `gpus` is not 0, with the observed attention function.

    Raises UserError where the folder holds no such model, or one whose attention cannot be observed, and where a GPU is
    asked for and none is there: training for days on a CPU by mistake helps nobody.
    """
    if gpus and not torch.cuda.is_available():
        raise UserError(f"training.gpus is {gpus}, but this job sees no GPU: set it to 0 to train on the CPU.")
    transformers_logging.disable_progress_bar()
    try:
        model = AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, use_safetensors=True, local_files_only=True, trust_remote_code=False
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise UserError(f"{folder} does not load as a causal language model: {str(error).splitlines()[0]}") from error
    model = model.to("cuda" if gpus else "cpu")
    use_observed_attention(model, context)
    return model
