"""The trade-off between late locality and perplexity, a study's main question."""

import math
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

from localist.study.arms import PRETRAINED

# Rises in perplexity over the distributed arm, as shares.
BUDGETS = (0.02, 0.05, 0.15)
NO_TRADE_OFF = "No arm that costs 2 % or more is more local than every cheaper arm, so there is no trade-off to show."
HEADINGS = ("perplexity against distributed", "late fidelity, chance-corrected", "interpolated between")


def trade_off(arms: Iterable[Mapping[Any, Any]]) -> list[tuple[str, ...]]:
    """One row of cells per budget that lies between two arms of the frontier: the late fidelity at that budget.

    arms: rows as in arms.csv, as numbers or text. An arm is on the frontier if no cheaper arm is more local; between
    two such arms, fidelity is interpolated linearly in the logarithm of the ratio.
    """
    frontier = _frontier(arms)
    rows = []
    for budget in BUDGETS:
        cost = math.log1p(budget)
        for (low, one, less), (high, other, more) in pairwise(frontier):
            if low <= cost < high:
                fidelity = less + (more - less) * (cost - low) / (high - low)
                rows.append((f"+{budget:.0%}", f"{fidelity:z.3f}", f"{one}, {other}"))
    return rows


def _frontier(arms: Iterable[Mapping[Any, Any]]) -> list[tuple[float, str, float]]:
    """(log ratio, arm, late fidelity) of the arms on the frontier, cheapest first."""
    known = [
        (math.log(float(row["ratio"])), str(row["arm"]), float(row["late_fidelity_corrected"]))
        for row in arms
        if row["arm"] != PRETRAINED and _is_known(row["late_fidelity_corrected"])
    ]
    frontier: list[tuple[float, str, float]] = []
    for cost, arm, fidelity in sorted(known):
        if not frontier or fidelity > frontier[-1][2]:
            frontier.append((cost, arm, fidelity))
    return frontier


def _is_known(value: Any) -> bool:
    return value != "" and not math.isnan(float(value))
