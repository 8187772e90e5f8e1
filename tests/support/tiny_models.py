"""Tiny random models of several families, in evaluation mode, and a batch of tokens with blocks for them."""

import pytest
import torch
import transformers

COMMON = {"vocab_size": 60, "bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 0}
SIZES = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "max_position_embeddings": 64,
}
GROUPED = SIZES | {"num_key_value_heads": 2}
TINY_MODELS = {
    "gpt2": ("GPT2", {"n_embd": 32, "n_layer": 3, "n_head": 4, "n_positions": 64}),
    "llama": ("Llama", GROUPED),
    "mistral": ("Mistral", GROUPED | {"sliding_window": None}),
    "qwen2": ("Qwen2", GROUPED),
    "gemma": ("Gemma", GROUPED | {"head_dim": 8}),
    "gpt_neox": ("GPTNeoX", SIZES),
    "opt": ("OPT", SIZES | {"ffn_dim": 48, "word_embed_proj_dim": 32}),
    "phi": ("Phi", GROUPED),
}
OTHER_MODELS = {
    "bloom": ("Bloom", {"hidden_size": 32, "n_layer": 3, "n_head": 4}),
    "mpt": ("Mpt", {"d_model": 32, "n_layers": 3, "n_heads": 4}),
    "gpt_neo": (
        "GPTNeo",
        {"hidden_size": 32, "num_layers": 2, "num_heads": 4, "attention_types": [[["global", "local"], 1]]},
    ),
    "gemma2": ("Gemma2", GROUPED | {"head_dim": 8}),
    "gpt_oss": ("GptOss", GROUPED | {"head_dim": 8, "num_local_experts": 2, "num_experts_per_tok": 1}),
    "bert": ("Bert", SIZES),
}
MODEL_CLASSES = {"gpt2": "GPT2LMHeadModel", "bert": "BertLMHeadModel"}


def tiny_model(family: str, **changes) -> transformers.PreTrainedModel:
    """A model of `family` with fixed random weights, large enough for attention to be far from uniform."""
    prefix, sizes = (TINY_MODELS | OTHER_MODELS)[family]
    config = getattr(transformers, f"{prefix}Config")(**COMMON | sizes | changes)
    torch.manual_seed(0)
    model = getattr(transformers, MODEL_CLASSES.get(family, f"{prefix}ForCausalLM"))(config).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() == 2 and not any(part in name for part in ("emb", "wte", "wpe", "lm_head")):
                weight.mul_(6)
    return model


# Of the batch: tokens per window, and number of blocks.
CONTEXT = 24
BLOCKS = 4


@pytest.fixture(params=sorted(TINY_MODELS))
def model(request):
    return tiny_model(request.param)


@pytest.fixture
def batch():
    """Two windows with a sink at 0, several blocks, and padding at the end of the second."""
    generator = torch.Generator().manual_seed(0)
    blocks = torch.randint(0, BLOCKS, (2, CONTEXT), generator=generator)
    blocks[:, 0] = -1
    blocks[1, 17:] = -1
    return torch.randint(0, 60, (2, CONTEXT), generator=generator), blocks
