"""Settings of a run: read from the config, and the number of steps in the token budget."""

import numpy as np

from localist.tokens.windows import Windows
from localist.training.settings import Optimisation, TrainingSettings

OPTIMISATION = {
    **{"token_budget": 100, "batch_size": 2, "learning_rate": 1e-3, "warmup_ratio": 0.25},
    **{"weight_decay": 0.1, "max_grad_norm": 1.0},
}


def test_settings_are_read_from_the_config():
    """Catches values under the wrong names, or settings that depend on keys that must not cause retraining."""
    section = OPTIMISATION | {
        "precision": "auto",
        "threads": 3,
        "gpus": 2,
        "deterministic": False,
        "memory_mb": 4000,
        "checkpoint_steps": 6,
    }
    settings = TrainingSettings.from_config(section)
    assert settings == TrainingSettings(
        Optimisation(**OPTIMISATION), precision="auto", threads=3, gpus=2, deterministic=False
    )
    assert settings == TrainingSettings.from_config(section | {"memory_mb": 1, "checkpoint_steps": 1})


def test_the_steps_spend_the_token_budget():
    """Catches padding and sinks in the budget, or a last batch that is left out."""
    sentence_ids = np.array([[-1, 0, 0, 0], [-1, 0, -1, -1]])
    windows = Windows(sentence_ids, sentence_ids, sentence_ids, np.arange(2))
    assert Optimisation(**OPTIMISATION).steps(windows) == 25  # four tokens a batch
    assert Optimisation(**OPTIMISATION | {"token_budget": 101}).steps(windows) == 26
    assert Optimisation(**OPTIMISATION | {"token_budget": 1}).steps(windows) == 1


def test_keys_without_effect_equal_missing_ones():
    """Catches adapters without a rank, or retraining because a study states a default."""
    section = OPTIMISATION | {"precision": "auto", "threads": 3, "gpus": 0, "deterministic": True}
    silent = {"trainer": {}, "lora": {"rank": None, "alpha": 16.0, "target_modules": None}}
    settings = TrainingSettings.from_config(section | silent)
    assert settings == TrainingSettings.from_config(section) and settings.of_training() == {}
    said = {"trainer": {"optim": "sgd"}, "lora": {"rank": 8, "alpha": 16.0, "target_modules": ["q_proj"]}}
    assert TrainingSettings.from_config(section | said).of_training() == said
