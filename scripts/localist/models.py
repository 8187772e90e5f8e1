"""Loading a causal language model from a local folder: safetensors only, no remote code."""

from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, PreTrainedModel
from transformers.utils import logging as transformers_logging

from localist.attention import use_observed_attention
from localist.errors import UserError


def load_model(folder: Path, context: int) -> PreTrainedModel:
    """The model in float32 on the GPU if there is one, with the observed attention function.

    Raises UserError where the folder holds no such model, or one whose attention cannot be observed.
    """
    transformers_logging.disable_progress_bar()
    try:
        model = AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, use_safetensors=True, local_files_only=True, trust_remote_code=False
        )
    except (OSError, ValueError) as error:
        raise UserError(f"{folder} does not load as a causal language model: {str(error).splitlines()[0]}") from error
    model = model.to("cuda" if torch.cuda.is_available() else "cpu")
    use_observed_attention(model, context)
    return model
