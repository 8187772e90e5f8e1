"""How much late locality for how much perplexity: by hand."""

import numpy as np

from localist.report.trade_off import trade_off

ROWS = [
    {"arm": "pretrained", "ratio": 0.9, "late_fidelity_corrected": 0.99},
    {"arm": "distributed", "ratio": 1.0, "late_fidelity_corrected": 0.4},
    {"arm": "worse", "ratio": 1.01, "late_fidelity_corrected": 0.3},
    {"arm": "budget", "ratio": 1.049, "late_fidelity_corrected": 0.6},
    {"arm": "strong", "ratio": 1.151, "late_fidelity_corrected": 0.9},
    {"arm": "unknown", "ratio": 1.0, "late_fidelity_corrected": np.nan},
]


def test_the_most_local_arm_within_each_budget():
    """Catches the untuned model among the arms, an arm beyond the budget, and an arm without a value."""
    assert trade_off(ROWS) == [
        ("2%", "distributed", "+0.0 %", "+0.400"),
        ("5%", "budget", "+4.9 %", "+0.600"),
        ("15%", "budget", "+4.9 %", "+0.600"),
    ]


def test_text_of_a_table_is_as_good_as_numbers():
    """Catches a terminal that shows something else than the page."""
    text = [{key: "" if value != value else str(value) for key, value in row.items()} for row in ROWS]
    assert trade_off(text) == trade_off(ROWS)
