"""The trade-off between late locality and perplexity, by hand."""

import numpy as np
import pytest

from localist.report.trade_off import BUDGETS, trade_off
from plot_frontier import between

ROWS = [
    {"arm": "pretrained", "ratio": 0.9, "late_fidelity_corrected": 0.99},
    {"arm": "strong", "ratio": 1.1, "late_fidelity_corrected": 0.8},
    {"arm": "distributed", "ratio": 1.0, "late_fidelity_corrected": 0.4},
    {"arm": "no better", "ratio": 1.03, "late_fidelity_corrected": 0.3},
    {"arm": "unknown", "ratio": 1.01, "late_fidelity_corrected": np.nan},
]


def test_late_fidelity_at_each_budget():
    """Catches the untuned model or a dominated arm on the frontier, and a value beyond the most expensive arm."""
    rows = trade_off(ROWS)
    assert [(budget, arms) for budget, _, arms in rows] == [
        ("+2%", "distributed, strong"),
        ("+5%", "distributed, strong"),
    ]
    expected = [0.4 + 0.4 * np.log(ratio) / np.log(1.1) for ratio in (1.02, 1.05)]
    assert [float(fidelity) for _, fidelity, _ in rows] == pytest.approx(expected, abs=5e-4)


def test_text_cells_give_the_same_result_as_numbers():
    """Catches terminal output that differs from the page."""
    text = [{key: "" if value != value else str(value) for key, value in row.items()} for row in ROWS]
    assert trade_off(text) == trade_off(ROWS)


def test_the_line_of_the_figure_matches_the_table():
    """Catches a figure that shows another locality at a budget than the table."""
    rows = [
        {"arm": "distributed", "ratio": 1.0, "late_fidelity_corrected": 0.4},
        {"arm": "quintic", "ratio": 1.2, "late_fidelity_corrected": 0.9},
    ]
    fidelity, ratio = between(np.array([0.4, 1.0]), np.array([0.9, 1.2]), count=10_000).T
    assert [float(cells[1]) for cells in trade_off(rows)] == pytest.approx(
        [np.interp(1 + budget, ratio, fidelity) for budget in BUDGETS], abs=1e-3
    )
