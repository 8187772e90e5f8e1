"""Tables for display: rounded numbers in their columns, and no number for a missing value."""

import numpy as np
import pandas as pd
from judged_claims import CLAIMS

from localist.report.shown_tables import shown_arms, shown_checks, shown_claims, shown_published

SUMMARY = pd.DataFrame(
    {
        "arm": ["distributed", "quintic"],
        "seeds": [3, 3],
        "sections": [21, 21],
        "perplexity": [7.754, 14.64],
        "perplexity_low": [7.0, 13.0],
        "perplexity_high": [8.0, 16.0],
        "ratio": [1.0, 1.8881],
        "ratio_low": [1.0, 1.7],
        "ratio_high": [1.0, 2.1],
        "late_fidelity_corrected": [-0.0123, 0.5],
        "late_sink_share": [0.4, 0.25],
    }
)


def test_untested_claims_show_no_numbers():
    """Catches NaN on a page."""
    shown = shown_claims(CLAIMS)
    assert not shown.astype(str).isin(["nan", "<NA>", "None"]).any(axis=None)
    assert shown.iloc[1].tolist() == ["robust across seeds", "not tested", "n/a", "", "n/a", "n/a"]


def test_arms_are_shown_with_rounded_numbers():
    """Catches swapped bounds and unreadable numbers."""
    shown = shown_arms(SUMMARY)
    assert shown.iloc[1].tolist() == [
        "quintic",
        "14.64",
        "13.00 – 16.00",
        "1.888 (1.700 – 2.100)",
        "0.500",
        "n/a",
        "0.250",
        "3",
        "21",
    ]
    assert shown.iloc[0]["late fidelity, chance-corrected"] == "-0.012"
    control = shown_arms(SUMMARY.assign(late_fidelity_corrected_shifted=[0.1, 0.25]))
    assert control["under shifted blocks"].tolist() == ["0.100", "0.250"]


def test_unmeasured_values_are_not_shown_as_numbers():
    """Catches “+nan” in the report if no query of the late layers was counted."""
    missing = SUMMARY.assign(late_fidelity_corrected=np.nan, late_sink_share=np.nan)
    assert not shown_arms(missing).map(lambda cell: "nan" in cell).any(axis=None)


def test_checks_are_shown_with_their_interval():
    """Catches a failed check shown as passed, and NaN if a run has no penalty."""
    row = {"arm": "uniform", "partition": "semantic", "gain": 0.04, "gain_low": 0.03, "gain_high": 0.05}
    checks = pd.DataFrame([row | {"minimum": 0.05, "passed": False, "active_first": 0.974, "active_last": np.nan}])
    assert shown_checks(checks).iloc[0].tolist() == [
        *("uniform", "semantic", "+0.040 (+0.030 to +0.050)", "no", "97%", "n/a"),
    ]


def test_published_figures_keep_their_digits():
    """Catches 6.6 shown as 6.60, and an interval for an arm that the study lacks."""
    rows = [("a", 6.6, np.nan, np.nan, np.nan), ("b", 14.64, 29.4, 29.3, 29.5)]
    table = pd.DataFrame(rows, columns=["quantity", "paper", "study", "study_low", "study_high"])
    assert shown_published(table).to_numpy().tolist() == [
        ["a", "6.6", "n/a", "n/a"],
        ["b", "14.64", "29.400", "29.300 – 29.500"],
    ]
