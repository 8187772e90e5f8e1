"""Draw the cost of late locality: test perplexity, relative to the baseline, against late-layer fidelity, by arm."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from localist.plumbing.rule_log import rule_log
from localist.report.figures import (
    arm_styles,
    figure_style,
    legend_below,
    new_figure,
    place_labels,
    read_table,
    save_figure,
)
from localist.report.trade_off import BUDGETS

# Small prices matter most, but large ones occur, so the scale is the square root of the price.
TICKS = (0.5, 0.8, 0.9, 0.95, 1, 1.02, 1.05, 1.15, 1.5, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000)
# The height of a tick label, as a share of the axis.
LABEL_HEIGHT = 0.04
# With more arms, names would overlap, so points are numbered.
MOST_NAMES = 12


def main(arms: Path, paths: Sequence[Sequence[str]], pdf: Path, png: Path) -> None:
    """Draw one labelled point per arm; vertical lines are 95 % intervals of the ratio to the distributed arm.

    The ratio is used because texts differ far more than arms do, and its interval is paired over texts. arms: table
    with one row per arm; those without ratio or late fidelity are named below the panel. paths: arms joined by a thin
    line, in order: solid for the first path, dashed for the next.
    """
    late, ends = "late_fidelity_corrected", ["ratio", "ratio_low", "ratio_high"]
    table = read_table(arms, text=["arm"], numbers=[late, *ends])
    styles = arm_styles(table["arm"])
    lacking = table[[late, "ratio"]].isna().any(axis=1)
    missing, table = list(table.loc[lacking, "arm"]), table[~lacking]
    with figure_style():
        figure, (axes,) = new_figure(2.8)
        for row in table.to_dict("records"):
            style, x = styles[row["arm"]], row[late]
            axes.plot([x, x], [row["ratio_low"], row["ratio_high"]], color=style.colour)
            axes.plot([x], [row["ratio"]], style.marker, color=style.colour, ms=4.5)
        joined = []
        for names, dashes in zip(paths, ("-", "--"), strict=True):
            path = table.set_index("arm").reindex(index=list(names)).dropna(subset=[late, "ratio"])
            if len(path) > 1:
                curve = np.concatenate([between(*ends) for ends in pairwise(path[[late, "ratio"]].to_numpy())])
                axes.plot(*curve.T, dashes, color=styles[path.index[-1]].colour, lw=0.6, zorder=1)
                joined += [np.stack(ends) for ends in pairwise(curve)]
        axes.set_yscale("function", functions=(root_of_price, ratio_of_root))
        axes.margins(x=0.2, y=0.15)
        limits = axes.get_ylim()
        ticks = legible_ticks(*limits)
        axes.set_yticks(ticks, [f"{tick - 1:+,.0%}" if tick != 1 else "0" for tick in ticks], minor=False)
        axes.set_ylim(limits)
        axes.axhline(1, color="0.8", lw=0.6, zorder=0)
        for price in BUDGETS:
            axes.axhline(1 + price, color="0.8", lw=0.6, ls=(0, (1, 2)), zorder=0)
        axes.set_ylabel("perplexity (test) relative to distributed")
        note = f"\nnot shown (no values): {', '.join(missing)}" if missing else ""
        axes.set_xlabel(f"late-layer chance-corrected fidelity{note}")
        intervals = table.dropna(subset=ends)
        labels = list(table["arm"])
        if len(labels) > MOST_NAMES:
            numbered = {f"{number} {arm}": styles[arm] for number, arm in enumerate(labels, start=1)}
            labels = [entry.split()[0] for entry in numbered]
            legend_below(figure, numbered)
        place_labels(
            axes,
            points=table[[late, "ratio"]].to_numpy(),
            labels=labels,
            colours=[styles[arm].colour for arm in table["arm"]],
            lines=[
                *joined,  # in pieces, since labels avoid the bounding box of each line
                *(
                    np.array([[row[late], row["ratio_low"]], [row[late], row["ratio_high"]]])
                    for row in intervals.to_dict("records")
                ),
            ],
        )
        save_figure(figure, pdf, png)


def root_of_price(ratio: np.ndarray) -> np.ndarray:
    """The axis position of a ratio to the baseline: 0 at a ratio of 1."""
    price = np.asarray(ratio, dtype=float) - 1
    return np.sign(price) * np.sqrt(np.abs(price))


def ratio_of_root(root: np.ndarray) -> np.ndarray:
    """The inverse of `root_of_price`."""
    root = np.asarray(root, dtype=float)
    return 1 + np.sign(root) * root**2


def legible_ticks(low: float, high: float) -> list[float]:
    """The ticks between two ratios whose labels do not overlap, beginning with those closest to a ratio of 1."""
    roots = root_of_price(np.array(TICKS))
    space = LABEL_HEIGHT * np.ptp(root_of_price(np.array([low, high])))
    kept: list[int] = []
    for at in np.argsort(np.abs(roots)):
        if low <= TICKS[at] <= high and all(abs(roots[at] - roots[other]) >= space for other in kept):
            kept.append(int(at))
    return [TICKS[at] for at in sorted(kept)]


def between(start: np.ndarray, end: np.ndarray, count: int = 60) -> np.ndarray:
    """Points from start to end, each (fidelity, ratio), [count + 1, 2], along which the trade-off is interpolated.

    Fidelity is linear in the logarithm of the ratio, as in the first table of the report.
    """
    (first, low), (last, high) = start, end
    return np.column_stack([np.linspace(first, last, count + 1), np.geomspace(low, high, count + 1)])


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(
            arms=Path(snakemake.input.arms),
            paths=snakemake.params.paths,
            pdf=Path(snakemake.output.pdf),
            png=Path(snakemake.output.png),
        )
