"""Draw the price of locality by tokens trained: perplexity relative to the baseline at equal late fidelity."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from localist.plumbing.rule_log import rule_log
from localist.report.figures import (
    arm_styles,
    figure_style,
    legend_below,
    log_axis,
    new_figure,
    read_table,
    save_figure,
)
from localist.study.arms import DISTRIBUTED

LEVELS = (0.5, 0.6, 0.7, 0.8, 0.9)


def main(at_tokens: Path, arms: Sequence[str], pdf: Path, png: Path) -> None:
    """Draw one line per level of late fidelity reached by arms with different weights.

    at_tokens: table with one row per arm, seed and number of training tokens. arms: distributed, and those that differ
    only in weight.
    """
    late = "late_fidelity_corrected"
    table = read_table(at_tokens, text=["arm"], numbers=["seed", "tokens", "perplexity", late])
    prices = prices_by_level(table[table["arm"].isin(arms)], LEVELS)
    styles = arm_styles([f"late fidelity {level:g}" for level in prices])
    with figure_style():
        figure, (axes,) = new_figure(2.4)
        for line, style in zip(prices.values(), styles.values(), strict=True):
            axes.plot(line["tokens"], line["ratio"], **style.line_style(), marker=style.marker, ms=4.5)
        if not prices:
            nothing = "no level of late fidelity is reached"
            axes.text(0.02, 0.97, nothing, transform=axes.transAxes, va="top", color="0.35")
        axes.axhline(1, color="0.8", lw=0.6, zorder=0)
        axes.set(xlabel="training tokens", ylabel="perplexity (test), × distributed")
        log_axis(axes, "x")
        legend_below(figure, styles)
        save_figure(figure, pdf, png)


def prices_by_level(table: pd.DataFrame, levels: Sequence[float]) -> dict[float, pd.DataFrame]:
    """Level of late fidelity → tokens and ratio to distributed at that level, for the levels reached.

    table: arm, seed, tokens, perplexity, late_fidelity_corrected. Between two arms, the logarithm of the ratio is
    interpolated linearly in fidelity; there is no extrapolation beyond the most local arm.
    """
    losses = table.assign(loss=np.log(table["perplexity"]))
    mean = losses.groupby(["tokens", "arm"], as_index=False)[["loss", "late_fidelity_corrected"]].mean()
    rows: dict[float, list[tuple[float, float]]] = {}
    for tokens, arms in mean.groupby("tokens"):
        base = arms.loc[arms["arm"] == DISTRIBUTED, "loss"]
        frontier = arms.dropna(subset=["late_fidelity_corrected"]).sort_values("late_fidelity_corrected")
        fidelity = frontier["late_fidelity_corrected"].to_numpy()
        for level in levels:
            if len(base) and len(fidelity) and fidelity[0] <= level <= fidelity[-1]:
                loss = np.interp(level, fidelity, frontier["loss"] - base.item())
                rows.setdefault(level, []).append((float(str(tokens)), float(np.exp(loss))))
    return {level: pd.DataFrame(line, columns=["tokens", "ratio"]) for level, line in sorted(rows.items())}


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(
            at_tokens=Path(snakemake.input.at_tokens),
            arms=snakemake.params.arms,
            pdf=Path(snakemake.output.pdf),
            png=Path(snakemake.output.png),
        )
