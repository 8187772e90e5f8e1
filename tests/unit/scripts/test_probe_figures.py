"""The figures of faithfulness and of the dial, also from empty tables, and what they are computed from."""

import numpy as np
import pandas as pd
import pytest
from uneven_windows import uneven_windows

import plot_dial
import plot_faithfulness
import probe_model
from localist.claims.faithfulness import FAITHFULNESS_COLUMNS
from localist.claims.tables import DIAL_COLUMNS, dial_rows

KNOCKOUTS = pd.DataFrame(
    {
        "knocked_out": [1, 2, -1],
        "attribution": [0.0, 0.3, 0.3],
        "effect_all": [-0.01, 0.5, 0.6],
    }
)


@pytest.mark.parametrize("empty", [False, True])
def test_figures_are_drawn(tmp_path, empty):
    """Catches a crash if no window has several blocks, or if an arm has no ρ."""
    faithfulness, dial, knockouts = (tmp_path / name for name in ("f.csv", "d.csv", "k.parquet"))
    row = {"arm": "distributed"} | ({} if empty else {"rho": 0.5, "rho_low": 0.1, "rho_high": 0.7})
    pd.DataFrame([row, {"arm": "quintic"}], columns=FAITHFULNESS_COLUMNS).to_csv(faithfulness, index=False)
    rows = [("quintic", 1, d, 30 + d, 0.5 + d / 3, 0.1, 99) for d in (0, 0.5, 1)]
    pd.DataFrame([] if empty else rows, columns=DIAL_COLUMNS).to_csv(dial, index=False)
    KNOCKOUTS[: 0 if empty else 3].to_parquet(knockouts)
    for name, draw in {
        "faithfulness": lambda *files: plot_faithfulness.main(faithfulness, {"distributed": knockouts}, *files),
        "dial": lambda *files: plot_dial.main(dial, ["distributed", "quintic"], *files),
    }.items():
        draw(tmp_path / f"{name}.pdf", tmp_path / f"{name}.png")
        assert (tmp_path / f"{name}.png").stat().st_size > 1000


def test_dial_rows_by_hand(tmp_path):
    """Catches losses summed over layers, or fidelity that is not corrected for chance."""
    sums = {"fidelity": [6.0, 8.0], "chance": [4.0, 6.0], "queries": [10, 10], "nll": 30.0, "nll_knockout": 36.0}
    pd.DataFrame(sums | {"layer": [2, 3], "dial": 0.5, "tokens": 12}).to_parquet(tmp_path / "dial.parquet")
    (row,) = dial_rows(tmp_path / "dial.parquet")
    assert row["perplexity"] == pytest.approx(12.182, abs=1e-3)
    assert row["late_fidelity_corrected"] == pytest.approx((0.7 - 0.5) / 0.5)
    assert row["knockout_cost"] == pytest.approx(0.5) and row["tokens"] == 12
    pd.DataFrame().to_parquet(tmp_path / "empty.parquet")
    assert dial_rows(tmp_path / "empty.parquet") == []


def test_a_window_belongs_to_the_section_of_most_of_its_tokens():
    """Catches padding that counts, or the first section taken instead of the main one."""
    section = [7, 7, 8, 9, 7, 8, 0, 0, 0, 0]  # of sentences; window w has the sentences 2 w and 2 w + 1
    found = probe_model.section_of_windows(uneven_windows(), [0, 1, 2], np.array(section))
    # Window 1 ends in its first sentence; in window 2 nine tokens are of the first, three of the second.
    assert found == {0: 7, 1: 8, 2: 7}
