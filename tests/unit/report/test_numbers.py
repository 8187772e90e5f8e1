"""Numbers for the text: complete, and as shown in the tables."""

import pandas as pd

from localist.report.latex import latex_macros
from localist.report.numbers import numbers

SUMMARY = pd.DataFrame(
    {
        "arm": ["distributed", "quintic"],
        "seeds": [5, 5],
        "sections": [44, 44],
        "perplexity": [28.0, 28.994],
        "perplexity_low": [26.0, 27.0],
        "perplexity_high": [30.0, 31.0],
        "ratio": [1.0, 1.0355],
        "ratio_low": [1.0, 1.02],
        "ratio_high": [1.0, 1.05],
        "late_fidelity_corrected": [0.4, 0.5],
        "late_sink_share": [0.5, 0.51],
    }
)
CLAIMS = pd.DataFrame(
    {
        "claim": ["near_baseline", "robust_across_seeds"],
        "verdict": ["supported", "not tested"],
        "effect": [3.55, None],
        "unit": ["% perplexity", None],
        "ci_low": [2.0, None],
        "ci_high": [5.0, None],
        "p_holm": [0.0123, None],
    }
)


def test_every_arm_and_claim_has_its_numbers():
    """Catches a number of another row, and a missing entry for a claim without a value."""
    found = numbers(SUMMARY, CLAIMS)
    assert (found["test sections"], found["seeds"]) == ("44", "5")
    assert found["arm quintic perplexity"] == "28.99"
    assert found["arm quintic ratio"] == "1.036 (1.020 – 1.050)"
    assert found["claim near baseline verdict"] == "supported"
    assert (found["claim near baseline effect"], found["claim near baseline p holm"]) == ("3.55", "0.012")
    assert found["claim robust across seeds effect"] == "n/a"
    assert len(latex_macros(found).splitlines()) == len(found) == 2 + 2 * 6 + 2 * 5
