"""Training runs of a few steps on tiny models, and windows and blocks for them."""

from pathlib import Path

import numpy as np
import torch
from tiny_models import tiny_model

from localist.attention.observed_attention import use_observed_attention
from localist.tokens.windows import Windows
from localist.training.adapters import merged, with_adapters
from localist.training.constraint import Constraint
from localist.training.settings import LoraSettings, Optimisation
from localist.training.trainer import train_arm

CONTEXT = 16
PLAIN = Constraint([0.0, 0.0, 0.0])
CONSTRAINTS = {
    "plain": PLAIN,
    "hinge": Constraint([0.0, 0.5, 1.0], "hinge", 0.8, 20.0),
    "group_sparsity": Constraint([0.0, 0.5, 1.0], "group_sparsity", None, 20.0),
}
# Thirteen windows in batches of four: the last batch of an epoch has one window.
OPTIMISATION = Optimisation(
    token_budget=9 * 4 * 9, batch_size=4, learning_rate=1e-3, warmup_ratio=0.25, weight_decay=0.1, max_grad_norm=1.0
)
LORA = LoraSettings(rank=4, alpha=8.0)
SEED = 3


def windows_of_all_lengths() -> Windows:
    """Thirteen windows, with 5 to 15 tokens of text."""
    input_ids = np.random.default_rng(0).integers(1, 60, (13, CONTEXT)).astype(np.int32)
    sentence_ids = np.tile(np.arange(CONTEXT) // 4, (13, 1)).astype(np.int32)
    sentence_ids[:, 0] = -1
    for window in range(13):
        sentence_ids[window, 6 + window % 11 :] = -1
    return Windows(input_ids, sentence_ids, np.ones_like(input_ids), np.arange(13, dtype=np.int32))


def short_run(folder: Path, constraint: Constraint, *, family="gpt2", dropout=0.0, lora=None, **changes):
    """Weights and history of a run of nine steps; adapters, if any, are merged into the weights."""
    torch.set_num_threads(1)
    drop = {"attn_pdrop": dropout, "resid_pdrop": dropout, "embd_pdrop": dropout} if family == "gpt2" else {}
    model = tiny_model(family, **drop)
    use_observed_attention(model, CONTEXT)
    trained = with_adapters(model, lora, SEED) if lora else model
    windows = windows_of_all_lengths()
    history = train_arm(
        trained,
        windows,
        np.where(windows.is_text, windows.sentence_ids % 2, -1),
        constraint=constraint,
        seed=SEED,
        bf16=False,
        checkpoints=folder,
        **{"optimisation": OPTIMISATION, "checkpoint_steps": 4, "name": "test"} | changes,
    )
    return (merged(trained) if lora else model).state_dict(), history


def assert_same_weights(first, second):
    assert first.keys() == second.keys()
    for name, weights in first.items():
        assert torch.equal(weights, second[name]), name
