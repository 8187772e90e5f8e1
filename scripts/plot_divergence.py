"""Draw the divergence of each arm's attention from the baseline's, by layer, and the effect of another seed."""

from pathlib import Path

from localist.plumbing.rule_log import rule_log
from localist.report.figures import (
    ArmStyle,
    arm_styles,
    draw_by_layer,
    figure_style,
    legend_below,
    log_axis,
    new_figure,
    read_table,
    save_figure,
)
from localist.study.arms import DISTRIBUTED
from localist.study.layers import early_layers

FLOOR = "two seeds of distributed"


def main(divergence: Path, pdf: Path, png: Path) -> None:
    """Draw the Jensen–Shannon divergence from the distributed arm by layer, one line per arm, on a log scale.

    divergence: table with one row per comparison and layer; the floor compares seeds of distributed with each other.
    """
    table = read_table(divergence, text=["arm", "other"], numbers=["seed", "layer", "divergence_bits"])
    styles = arm_styles(table.loc[table["arm"] != DISTRIBUTED, "arm"])
    if (table["arm"] == DISTRIBUTED).any():
        table["arm"] = table["arm"].replace(DISTRIBUTED, FLOOR)
        styles[FLOOR] = ArmStyle("#000000", (0, (1, 1)), "", width=1.8)
    with figure_style():
        figure, (axes,) = new_figure(2.5)
        half = early_layers(int(table["layer"].max()) + 1)
        axes.axvspan(-0.5, half[-1] + 0.5, color="0.95", lw=0, zorder=0)
        draw_by_layer(axes, table, "divergence_bits", styles)
        if (table["divergence_bits"] > 0).any():
            log_axis(axes, "y")
        axes.set_xlim(-0.5, table["layer"].max() + 0.5)
        axes.text(0, 1.01, "first half", transform=axes.get_xaxis_transform(), color="0.35")
        axes.set(xlabel="layer index", ylabel="divergence from distributed (bits)")
        if FLOOR not in styles:
            axes.text(1, 1.01, "no floor (one seed)", transform=axes.transAxes, ha="right", color="0.35")
        legend_below(figure, styles)
        save_figure(figure, pdf, png)


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(
            divergence=Path(snakemake.input.divergence),
            pdf=Path(snakemake.output.pdf),
            png=Path(snakemake.output.png),
        )
