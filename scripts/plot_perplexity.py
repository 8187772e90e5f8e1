"""Draw the test perplexity of each arm with its interval."""

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from localist.plumbing.rule_log import rule_log
from localist.report.figures import arm_styles, figure_style, new_figure, only, perplexity_axis, read_table, save_figure


def main(arms: Path, metrics: Path, pdf: Path, png: Path) -> None:
    """Draw a point per seed of each arm, their mean with a 95 % interval, and its ratio to the distributed arm.

    arms: table with one row per arm. metrics: table with one row per arm, seed and split.
    """
    ends = ["perplexity", "perplexity_low", "perplexity_high"]
    table = read_table(arms, text=["arm"], numbers=[*ends, "ratio", "ratio_low", "ratio_high"])
    runs = only(read_table(metrics, text=["arm", "split"], numbers=["perplexity"]), metrics, "split", "test")
    with figure_style():
        figure, (axes,) = new_figure(0.75 + 0.2 * len(table))
        shown = [table[ends].to_numpy().ravel()]
        for place, (row, style) in enumerate(
            zip(table.to_dict("records"), arm_styles(table["arm"]).values(), strict=True)
        ):
            seeds = runs.loc[runs["arm"] == row["arm"], "perplexity"]
            shown.append(seeds.to_numpy())
            axes.plot([row["perplexity_low"], row["perplexity_high"]], [place, place], color=style.colour, lw=0.7)
            if len(seeds) > 1:
                axes.plot([row["perplexity"]], [place], "|", color=style.colour, ms=9, mew=1.2)
            axes.plot(seeds, [place] * len(seeds), style.marker, color=style.colour, ms=4, mew=0, alpha=0.7)
            beside = axes.get_yaxis_transform()
            axes.text(1.03, place, _ratio(row), transform=beside, va="center_baseline")
            axes.axhline(place, color="0.92", lw=0.5, zorder=0)
        axes.text(1.03, -0.9, "ratio to distributed", transform=beside, va="center", color="0.35")
        axes.set_yticks(range(len(table)), table["arm"])
        axes.set_ylim(len(table) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        perplexity_axis(axes, "x", np.concatenate(shown))
        save_figure(figure, pdf, png)


def _ratio(row: Mapping[Hashable, Any]) -> str:
    """The ratio of perplexities with its interval, as text."""
    ratio, low, high = row["ratio"], row["ratio_low"], row["ratio_high"]
    if not np.isfinite(ratio):
        return "–"
    if not np.isfinite(low) or low == high:
        return f"{ratio:.3f}"
    return f"{ratio:.3f} ({low:.3f}–{high:.3f})"


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(
            arms=Path(snakemake.input.arms),
            metrics=Path(snakemake.input.metrics),
            pdf=Path(snakemake.output.pdf),
            png=Path(snakemake.output.png),
        )
