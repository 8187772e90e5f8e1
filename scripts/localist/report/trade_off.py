"""How much late locality for how much perplexity: the first thing that a study is asked."""

from collections.abc import Iterable, Mapping
from typing import Any

from localist.study.arms import PRETRAINED

# Rises of perplexity over the distributed arm's, as shares.
BUDGETS = (0.02, 0.05, 0.15)
HEADINGS = ("for at most", "most local arm", "perplexity against distributed", "late fidelity, chance-corrected")


def trade_off(arms: Iterable[Mapping[Any, Any]]) -> list[tuple[str, ...]]:
    """One row of cells per budget: the arm with the highest late fidelity whose perplexity lies within it.

    arms: rows as in arms.csv, as numbers or text. Without an arm within a budget (distributed always is, if its late
    fidelity is known) there is no row for it.
    """
    trained = [row for row in arms if row["arm"] != PRETRAINED and _number(row["late_fidelity_corrected"]) is not None]
    rows = []
    for budget in BUDGETS:
        within = [row for row in trained if float(row["ratio"]) <= 1 + budget]
        if within:
            best = max(within, key=lambda row: float(row["late_fidelity_corrected"]))
            cost = f"{100 * (float(best['ratio']) - 1):+.1f} %"
            rows.append((f"{budget:.0%}", str(best["arm"]), cost, f"{float(best['late_fidelity_corrected']):+.3f}"))
    return rows


def _number(value: Any) -> float | None:
    """None for an empty cell and for NaN."""
    return None if value == "" or value != value else float(value)
