"""Draw training curves: cross-entropy, penalty and adapted weight against the tokens seen, by arm."""

from pathlib import Path

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

SMOOTHING = 15  # the moving average spans a run's steps divided by this
PANELS = {
    "cross_entropy": "cross-entropy\n(nats per token)",
    "penalty": "penalty",
    "weight": "weight α,\nadapted",
    "excess": "excess loss\n(nats per token)",
}
UNITS = {1e9: " (billions)", 1e6: " (millions)", 1e3: " (thousands)", 1.0: ""}


def main(history: Path, pdf: Path, png: Path) -> None:
    """Draw cross-entropy, the penalty of constrained arms, and α and the excess of those with a perplexity budget.

    Single steps are drawn faintly, with a moving average of the mean over seeds on top. history: table with one row per
    arm, seed and step.
    """
    table = read_table(history, text=["arm"], numbers=["seed", "step", "tokens", *PANELS])
    table["weight"] = table["weight"].where(table["excess"].notna())  # a fixed weight needs no curve
    styles = arm_styles(table["arm"])
    panels = {column: label for column, label in PANELS.items() if table[column].notna().any()}
    scale = next((unit for unit in UNITS if table["tokens"].max() >= 2 * unit), 1.0)
    with figure_style():
        figure, all_axes = new_figure(0.4 + 1.5 * len(panels), rows=len(panels), sharex=True)
        for axes, (column, label) in zip(all_axes, panels.items(), strict=True):
            for number, (arm, style) in enumerate(styles.items()):
                rows = table[(table["arm"] == arm) & table[column].notna()]
                for _, run in rows.groupby("seed"):
                    axes.plot(run["tokens"] / scale, run[column], color=style.colour, lw=0.4, alpha=0.2, zorder=1)
                mean = rows.groupby("step")[["tokens", column]].mean()
                smooth = mean[column].rolling(max(1, len(mean) // SMOOTHING), center=True, min_periods=1).mean()
                every = max(1, len(mean) // 6)
                axes.plot(
                    mean["tokens"] / scale, smooth, **style.line_style(),
                    marker=style.marker, markevery=(number * every // len(styles), every),
                )  # fmt: skip
            axes.set_ylabel(label)
            if column == "weight":
                log_axis(axes, "y")
        all_axes[-1].set_xlabel(f"training tokens seen{UNITS[scale]}")
        legend_below(figure, styles)
        save_figure(figure, pdf, png)


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(
            history=Path(snakemake.input.history),
            pdf=Path(snakemake.output.pdf),
            png=Path(snakemake.output.png),
        )
