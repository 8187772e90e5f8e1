"""Low-rank adapters (LoRA, arXiv 2106.09685; library peft) that are trained instead of a model's weights.

peft is imported where it is used, so that runs without adapters do not need it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from transformers import PreTrainedModel, set_seed
from transformers.pytorch_utils import Conv1D

from localist.plumbing.errors import UserError
from localist.training.settings import LoraSettings

if TYPE_CHECKING:
    from peft import PeftModel

ALL_LINEAR = "all-linear"


def with_adapters(model: PreTrainedModel, lora: LoraSettings, seed: int) -> PeftModel:
    """The model with trainable adapters and frozen weights; `seed` initialises the adapters.

    Raises UserError if no layer has the names given in `lora`, or if one shares its weights with the embedding, which
    could not be merged.
    """
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        task_type="CAUSAL_LM",
        r=lora.rank,
        lora_alpha=lora.alpha,  # pyright: ignore[reportArgumentType]  # any number, not only integers
        target_modules=list(lora.target_modules) if lora.target_modules else ALL_LINEAR,
        # GPT-2 stores its matrices transposed; peft would detect this with a warning.
        fan_in_fan_out=any(isinstance(module, Conv1D) for module in model.modules()),
    )
    embedding, head = model.get_input_embeddings(), model.get_output_embeddings()
    tied = head is not None and head.weight is embedding.weight
    set_seed(seed)
    try:
        adapted = get_peft_model(model, config)
    except (ValueError, RuntimeError) as error:
        raise UserError(f"training.lora.target_modules: {str(error).splitlines()[0]}") from error
    if tied and any(hasattr(one, "lora_A") for one in (model.get_input_embeddings(), model.get_output_embeddings())):
        raise UserError(
            "training.lora.target_modules: the head of this model shares its weights with the embedding, so neither "
            "can have an adapter. Leave them out."
        )
    return adapted


def merged(adapted: PeftModel) -> PreTrainedModel:
    """The underlying model with the adapters merged into its weights."""
    return adapted.merge_and_unload()  # pyright: ignore[reportCallIssue]  # of the model inside


def merged_again(model: PreTrainedModel, adapters: Path) -> PreTrainedModel:
    """Merge adapters saved in a folder; model: the model for which they were trained, without adapters."""
    from peft import PeftModel

    return merged(PeftModel.from_pretrained(model, adapters))
