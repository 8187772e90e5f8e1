"""Draw perplexity against the fidelity target τ."""

from collections.abc import Sequence
from pathlib import Path

from localist.plumbing.rule_log import rule_log
from localist.report.figures import arm_styles, figure_style, new_figure, only, perplexity_axis, read_table, save_figure
from localist.study.arms import DISTRIBUTED


def main(metrics: Path, arms: Sequence[str], pdf: Path, png: Path) -> None:
    """Draw the test perplexity of arms that differ only in their target, with seeds as points, and the baseline.

    metrics: table with one row per arm, seed and split. arms: those arms.
    """
    table = read_table(metrics, text=["arm", "split"], numbers=["seed", "fidelity_target", "perplexity"])
    table = only(table, metrics, "split", "test")
    swept = table[table["arm"].isin(arms)]
    baseline = table.loc[table["arm"] == DISTRIBUTED, "perplexity"]
    style = arm_styles(["quintic"])["quintic"]
    with figure_style():
        figure, (axes,) = new_figure(2.0)
        by_target = swept.groupby("fidelity_target")["perplexity"].mean()
        axes.axhline(baseline.mean(), **arm_styles([DISTRIBUTED])[DISTRIBUTED].line_style(), zorder=1)
        axes.annotate(
            DISTRIBUTED, (1, baseline.mean()), (0, 3), xycoords=axes.get_yaxis_transform(),
            textcoords="offset points", ha="right", va="bottom",
        )  # fmt: skip
        axes.plot(by_target.index, by_target, color=style.colour, marker=style.marker, ms=4.5)
        if swept["seed"].nunique() > 1:
            axes.plot(swept["fidelity_target"], swept["perplexity"], "o", color=style.colour, alpha=0.4, ms=2.5, mew=0)
        if len(by_target) < 2:
            axes.text(
                0.02, 0.97, "one target in this study: no trend", transform=axes.transAxes, va="top", color="0.35"
            )
        axes.set(xlabel="fidelity target τ (0: chance, 1: all inside)", xlim=(0, 1.03))
        axes.margins(y=0.2)
        perplexity_axis(axes, "y", [*swept["perplexity"], *baseline])
        save_figure(figure, pdf, png)


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(
            metrics=Path(snakemake.input.metrics),
            arms=snakemake.params.arms,
            pdf=Path(snakemake.output.pdf),
            png=Path(snakemake.output.png),
        )
