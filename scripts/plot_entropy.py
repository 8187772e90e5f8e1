"""Draw the entropy of attention in each layer, with and without the sink, by arm."""

from collections.abc import Collection
from pathlib import Path

from localist.plumbing.rule_log import rule_log
from localist.report.figures import (
    draw_by_layer,
    drawn_styles,
    figure_style,
    legend_below,
    new_figure,
    read_table,
    save_figure,
    without_values,
)

PANELS = {"entropy_bits": "all keys", "entropy_no_sink_bits": "without sink and self"}


def main(layers: Path, drawn: Collection[str], pdf: Path, png: Path) -> None:
    """Draw attention entropy by layer, one line per arm: over all keys above, without sink and self below.

    layers: table with one row per arm, seed, measured partition and layer. Entropy depends on the measured partition
    only through the counted queries, so it is averaged over partitions. drawn: the arms in colour.
    """
    table = read_table(layers, text=["arm"], numbers=["seed", "layer", *PANELS])
    styles = drawn_styles(table["arm"], drawn)
    with figure_style():
        figure, panels = new_figure(3.3, rows=2, sharex=True)
        missing = set(styles)
        for axes, (column, label) in zip(panels, PANELS.items(), strict=True):
            draw_by_layer(axes, table, column, styles)
            axes.set_ylabel(f"entropy (bits)\n{label}")
            missing &= without_values(table, column, styles)
        panels[-1].set_xlabel("layer index")
        legend_below(figure, styles, missing)
        save_figure(figure, pdf, png)


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(
            layers=Path(snakemake.input.layers),
            drawn=snakemake.params.drawn,
            pdf=Path(snakemake.output.pdf),
            png=Path(snakemake.output.png),
        )
