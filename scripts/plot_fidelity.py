"""Draw the chance-corrected fidelity of each layer, by arm."""

from collections.abc import Collection
from pathlib import Path

from localist.plumbing.rule_log import rule_log
from localist.report.figures import (
    draw_by_layer,
    drawn_styles,
    figure_style,
    legend_below,
    new_figure,
    only,
    read_table,
    save_figure,
    without_values,
)


def main(layers: Path, measured_partition: str, drawn: Collection[str], pdf: Path, png: Path) -> None:
    """Draw chance-corrected fidelity by layer, one line per arm.

    layers: table with one row per arm, seed, measured partition and layer. measured_partition: the one to
    show. drawn: the arms in colour; the others are grey.
    """
    column = "fidelity_corrected"
    table = read_table(layers, text=["arm", "measured_partition"], numbers=["seed", "layer", column])
    styles = drawn_styles(table["arm"], drawn)
    table = only(table, layers, "measured_partition", measured_partition)
    with figure_style():
        figure, (axes,) = new_figure(2.3)
        axes.axhline(0, color="0.7", lw=0.6, zorder=1)
        draw_by_layer(axes, table, column, styles)
        axes.set(xlabel="layer index", ylabel="chance-corrected fidelity")
        legend_below(figure, styles, missing=without_values(table, column, styles))
        save_figure(figure, pdf, png)


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(
            layers=Path(snakemake.input.layers),
            measured_partition=snakemake.params.measured_partition,
            drawn=snakemake.params.drawn,
            pdf=Path(snakemake.output.pdf),
            png=Path(snakemake.output.png),
        )
