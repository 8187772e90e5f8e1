"""Low-rank adapters (LoRA, arXiv 2106.09685; library peft) that are trained in place of a model's weights.

peft is imported where it is used: a run without adapters does without it.
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
    """The model with adapters that are trained and weights that are not; the seed draws the adapters' first values.

    Raises UserError where no layer has the names that `lora` gives, or where one shares its weights with the embedding,
    which could not be merged.
    """
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        task_type="CAUSAL_LM",
        r=lora.rank,
        lora_alpha=lora.alpha,  # pyright: ignore[reportArgumentType]  # a number, which need not be whole
        target_modules=list(lora.target_modules) if lora.target_modules else ALL_LINEAR,
        # How GPT-2 keeps its matrices; peft would find out, with a warning.
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
    """The model inside, which now computes what the adapted one did: the adapters are added to its weights."""
    return adapted.merge_and_unload()  # pyright: ignore[reportCallIssue]  # of the model inside


def merged_again(model: PreTrainedModel, adapters: Path) -> PreTrainedModel:
    """The same for adapters that were saved in a folder; model: the one that they were trained for, without any."""
    from peft import PeftModel

    return merged(PeftModel.from_pretrained(model, adapters))
