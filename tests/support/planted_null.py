"""Two arms that differ only by chance."""

import numpy as np

from localist.claims.bootstrap import Resampled, paired, resample
from localist.claims.tables import loss_difference


def null_effect(rng: np.random.Generator, seeds: int, sections: int, seed_spread: float) -> Resampled:
    """Their difference, resampled, with noise over seeds and over sections, and sections of various lengths."""
    tokens = rng.integers(60, 260, sections).astype(float)

    def losses() -> np.ndarray:
        nats = 3 + rng.normal(0, 0.03, sections) + rng.normal(0, seed_spread, (seeds, 1))
        nats = nats + rng.normal(0, 0.01, (seeds, sections))
        return np.stack([nats * tokens, np.broadcast_to(tokens, nats.shape)], axis=-1)

    return resample([paired(losses(), losses())], loss_difference, resamples=300, seed=int(rng.integers(2**31)))
