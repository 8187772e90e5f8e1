"""The printed summary."""

import os
import subprocess
import sys

from checkout import ROOT

from localist.report.summary import claims_text, summary_text, trade_off_text

TABLE = """arm,perplexity,perplexity_low,perplexity_high,ratio,late_fidelity_corrected
pretrained,20.125,18,22.5,1.61,0.05
distributed,12.5,11,14,1,0.0501
a_rather_long_name,12.0,10,13.75,0.96,
"""


def test_the_summary_by_hand(tmp_path):
    """Catches wrong columns, signs and rounding in the one table that every user sees."""
    path = tmp_path / "arms.csv"
    path.write_text(TABLE, encoding="utf-8")
    heading, rule, *rows = summary_text(path).splitlines()
    assert "test perplexity" in heading and "late fidelity" in heading
    assert set(rule) == {"-"}
    assert [row.split() for row in rows] == [
        ["pretrained", "20.12", "18.00", "–", "22.50", "+61.0", "%", "0.050"],
        ["distributed", "12.50", "11.00", "–", "14.00", "–", "0.050"],
        ["a_rather_long_name", "12.00", "10.00", "–", "13.75", "-4.0", "%", "n/a"],
    ]


def test_a_study_without_tables_is_reported(tmp_path):
    """Catches a traceback, or no message, for a study that was only planned."""
    command = [sys.executable, "-m", "localist.report.summary", str(tmp_path)]
    done = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT / "scripts")}
    )
    assert done.returncode == 1
    assert done.stderr == f"{tmp_path} has no tables: the study is not finished, so there is nothing to report.\n"


def test_the_columns_are_aligned(tmp_path):
    """Catches misaligned columns, which are hard to read in a terminal."""
    path = tmp_path / "arms.csv"
    path.write_text(TABLE, encoding="utf-8")
    lines = summary_text(path).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert len({line.index("–") for line in lines[2:]}) == 1


def test_the_claims_by_hand(tmp_path):
    """Catches a missing claim, or a column that is cut at a comma in its text."""
    path = tmp_path / "claims.csv"
    path.write_text('claim,reason,verdict\nnear_baseline,"a, b",supported\ndirection,c,not tested\n', encoding="utf-8")
    heading, rule, *rows = claims_text(path).splitlines()
    assert heading == "claim          verdict" and rule == "-" * 25
    assert rows == ["near_baseline  supported", "direction      not tested"]


def test_the_trade_off_is_printed(tmp_path):
    """Catches a wrong trade-off in the printed summary, or an empty table instead of a sentence."""
    path = tmp_path / "arms.csv"
    path.write_text(TABLE + "local,13.0,11,14,1.1,0.8501\n", encoding="utf-8")
    heading, _, *rows = trade_off_text(path).splitlines()
    assert "late fidelity" in heading
    assert [row.split()[:2] for row in rows] == [["+2%", "0.216"], ["+5%", "0.460"]]
    assert all(row.endswith("distributed, local") for row in rows)
    path.write_text(TABLE, encoding="utf-8")
    assert trade_off_text(path).endswith("there is no trade-off to show.")
