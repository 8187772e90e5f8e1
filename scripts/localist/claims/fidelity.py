"""Chance-corrected fidelity (method.md, Fidelity)."""

from typing import TypeVar

import numpy as np
import pandas as pd

Values = TypeVar("Values", float, np.ndarray, "pd.Series[float]")


def corrected_fidelity(mean_fidelity: Values, mean_chance: Values) -> Values:
    """Chance-corrected fidelity (F − C) / (1 − C): 0 for uniform attention, 1 for all attention inside the block."""
    return (mean_fidelity - mean_chance) / (1.0 - mean_chance)
