"""Models for which it is known which blocks they use, and through which layers."""

import numpy as np
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from localist.tokens.windows import Windows

BLOCKS, CONTEXT, LAYERS = 8, 33, 3
# Positions in the hidden state: one per token, then whether it is text, then the output of attention.
TEXT, WRITTEN, WIDTH = BLOCKS + 1, BLOCKS + 2, 16


def planted_model(route: int, shown: int, seed: int = 0) -> GPT2LMHeadModel:
    """Only attention of layer `route` passes information between tokens; layer `shown` may attend to other blocks.

    Token b + 1 is text of block b. `route` prefers some blocks; `shown`, if it is another layer, prefers others, drawn
    with the seed. The more `route` attends to text rather than the sink, the likelier every text token is next.
    """
    config = GPT2Config(
        vocab_size=40, n_positions=CONTEXT, n_embd=WIDTH, n_layer=LAYERS, n_head=1, bos_token_id=0, eos_token_id=0,
        tie_word_embeddings=False,
    )  # fmt: skip
    model = GPT2LMHeadModel(config).eval()
    preferences = {route: np.linspace(-4, 4, BLOCKS)}
    preferences.setdefault(shown, np.random.default_rng(seed).permutation(preferences[route]))
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.fill_(1.0 if name.endswith(("ln_1.weight", "ln_f.weight")) else 0.0)
        for token in range(BLOCKS + 1):
            model.transformer.wte.weight[token, token] = 4.0
            model.transformer.wte.weight[token, TEXT] = 1.0 if token else 0.0
        for number, block in enumerate(model.transformer.h):
            attention = block.attn
            attention.c_attn.bias[0] = WIDTH**0.5  # every query is the same
            for token, score in enumerate([1.0, *preferences.get(number, np.zeros(BLOCKS))]):
                attention.c_attn.weight[token, WIDTH] = score / 4  # keys
            attention.c_attn.weight[TEXT, 2 * WIDTH] = 1.0  # values
            if number == route:
                attention.c_proj.weight[0, WRITTEN] = 20.0
        model.lm_head.weight[1 : BLOCKS + 1, WRITTEN] = 1.0
    return model


def planted_windows(count: int) -> tuple[Windows, np.ndarray]:
    """Windows of eight blocks of four tokens each, in random order, and their blocks."""
    generator = np.random.default_rng(6)
    chosen = [np.repeat(generator.permutation(BLOCKS), 4) for _ in range(count)]
    blocks = np.column_stack([np.full(count, -1), np.stack(chosen)]).astype(np.int32)
    sentence_ids = np.where(blocks < 0, -1, 0).astype(np.int32)
    return Windows(blocks + 1, sentence_ids, sentence_ids + 1, np.arange(count)), blocks
