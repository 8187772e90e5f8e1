"""Chance-corrected fidelity (method.md, Fidelity)."""


def corrected_fidelity(mean_fidelity: float, mean_chance: float) -> float:
    """Chance-corrected fidelity (F − C) / (1 − C): 0 for uniform attention, 1 for all of it inside."""
    return (mean_fidelity - mean_chance) / (1.0 - mean_chance)
