"""The short summary of a finished study on the terminal: python -m localist.report.summary results/{study}."""

import csv
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from localist.report.trade_off import HEADINGS as TRADE_OFF_HEADINGS
from localist.report.trade_off import NO_TRADE_OFF, trade_off

HEADINGS = ("arm", "test perplexity", "95 % interval", "against distributed", "late fidelity")


def summary_text(arms_csv: Path) -> str:
    """tables/arms.csv as aligned text, one line per arm."""
    return _aligned(HEADINGS, map(_cells, _rows(arms_csv)))


def trade_off_text(arms_csv: Path) -> str:
    """The late fidelity that the arms reach at each rise in perplexity, as aligned text."""
    rows = trade_off(_rows(arms_csv))
    return _aligned(TRADE_OFF_HEADINGS, rows) if rows else NO_TRADE_OFF


def claims_text(claims_csv: Path) -> str:
    """tables/claims.csv as aligned text, one line per claim."""
    return _aligned(("claim", "verdict"), ((row["claim"], row["verdict"]) for row in _rows(claims_csv)), numbers=False)


def _rows(path: Path) -> list[dict[str, str]]:
    with Path(path).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _aligned(headings: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: bool = True) -> str:
    """Columns of equal width under their headings; with `numbers`, all but the first are right-aligned."""
    table = [headings, *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = [
        "  ".join(
            cell.rjust(width) if numbers and place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    ]
    return "\n".join([lines[0], "-" * (sum(widths) + 2 * (len(widths) - 1)), *lines[1:]])


def _cells(row: dict[str, str]) -> tuple[str, ...]:
    change = "–" if row["arm"] == "distributed" else f"{100 * (float(row['ratio']) - 1):+z.1f} %"
    late = row["late_fidelity_corrected"]
    return (
        row["arm"],
        f"{float(row['perplexity']):.2f}",
        f"{float(row['perplexity_low']):.2f} – {float(row['perplexity_high']):.2f}",
        change,
        f"{float(late):z.3f}" if late else "n/a",
    )


if __name__ == "__main__":
    results = Path(sys.argv[1])
    if not (results / "tables" / "claims.csv").exists():
        sys.exit(f"{results} has no tables: the study is not finished, so there is nothing to report.")
    print(trade_off_text(results / "tables" / "arms.csv"), end="\n\n")
    print(summary_text(results / "tables" / "arms.csv"), end="\n\n")
    print(claims_text(results / "tables" / "claims.csv"), end="\n\n")
    print(
        f"Open {results / 'index.html'} for the results, {results / 'explorer.html'} to see what each token attends to."
    )
