"""The small table that a finished study prints: python -m localist.summary results/{study}."""

import csv
import sys
from pathlib import Path

HEADINGS = ("arm", "test perplexity", "95 % interval", "against distributed", "late-layer Fadj")


def summary_text(arms_csv: Path) -> str:
    """tables/arms.csv as aligned text, one line per arm."""
    with Path(arms_csv).open(encoding="utf-8", newline="") as stream:
        rows = [HEADINGS, *(_cells(row) for row in csv.DictReader(stream))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = ["  ".join(map(_align, row, widths, range(len(row)))) for row in rows]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def _cells(row: dict[str, str]) -> tuple[str, ...]:
    change = "–" if row["arm"] == "distributed" else f"{100 * (float(row['ratio']) - 1):+.1f} %"
    late = row["late_fidelity_adjusted"]
    return (
        row["arm"],
        f"{float(row['perplexity']):.2f}",
        f"{float(row['perplexity_low']):.2f} – {float(row['perplexity_high']):.2f}",
        change,
        f"{float(late):+.3f}" if late else "n/a",
    )


def _align(cell: str, width: int, column: int) -> str:
    return cell.ljust(width) if column == 0 else cell.rjust(width)


if __name__ == "__main__":
    results = Path(sys.argv[1])
    print(summary_text(results / "tables" / "arms.csv"))
    print(f"Report: {results / 'report.html'}")
