"""Tiny random models of several families, in evaluation mode."""

import torch
import transformers

COMMON = {"vocab_size": 60, "bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 0}
LLAMA_LIKE = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
}
TINY_MODELS = {
    "gpt2": ("GPT2", {"n_embd": 32, "n_layer": 3, "n_head": 4, "n_positions": 64}),
    "llama": ("Llama", LLAMA_LIKE),
    "mistral": ("Mistral", LLAMA_LIKE | {"sliding_window": None}),
    "qwen2": ("Qwen2", LLAMA_LIKE),
}
OTHER_MODELS = {"bloom": ("Bloom", {"hidden_size": 32, "n_layer": 3, "n_head": 4})}


def tiny_model(family: str, **changes) -> transformers.PreTrainedModel:
    """A model of `family` with random weights that are always the same."""
    prefix, sizes = (TINY_MODELS | OTHER_MODELS)[family]
    config = getattr(transformers, f"{prefix}Config")(**COMMON | sizes | changes)
    torch.manual_seed(0)
    suffix = "LMHeadModel" if prefix == "GPT2" else "ForCausalLM"
    return getattr(transformers, f"{prefix}{suffix}")(config).eval()
