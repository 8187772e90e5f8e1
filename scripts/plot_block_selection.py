"""Draw how the size of semantic blocks was chosen."""

from collections.abc import Mapping
from pathlib import Path

from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

from localist.plumbing.errors import UserError
from localist.plumbing.rule_log import rule_log
from localist.report.figures import GREY, PALETTE, figure_style, new_figure, read_table, save_figure

# Column with a bound → axis label, and config key of the bound.
BOUNDED = {
    "mean_chance": ("mean chance C", "max_chance"),
    "median_blocks_per_window": ("blocks in a window\n(median)", "min_blocks_per_window"),
}


def main(selection: Path, semantic: Mapping[str, float], pdf: Path, png: Path) -> None:
    """Draw mean chance and blocks per window against the number of blocks, marking the bounds and the chosen number.

    selection: table with one row per number of blocks tried; its column `chosen` is true in exactly one row, and its
    column `allowed` where both bounds are met (filled markers). semantic: the bounds.
    """
    table = read_table(selection, text=["allowed", "chosen"], numbers=["blocks", *BOUNDED])
    table = table.sort_values("blocks")
    chosen, allowed = (table[name].astype(str).str.lower() == "true" for name in ("chosen", "allowed"))
    if chosen.sum() != 1:
        raise UserError(f"{selection}: the column 'chosen' is true in {chosen.sum()} rows; exactly one must be chosen")
    with figure_style():
        figure, panels = new_figure(3.2, rows=2, sharex=True)
        for axes, (column, (label, bound)) in zip(panels, BOUNDED.items(), strict=True):
            axes.axhline(semantic[bound], color=GREY, lw=0.8, zorder=1)
            axes.axvline(table.loc[chosen, "blocks"].item(), color=PALETTE[0], lw=0.8, ls=(0, (3, 2)), zorder=1)
            axes.plot(table["blocks"], table[column], "-", color="black", lw=0.8)
            for rows, face in ((allowed, "black"), (~allowed, "white")):
                part = table[rows]
                axes.plot(part["blocks"], part[column], "o", color="black", markerfacecolor=face, markersize=3)
            axes.plot(table.loc[chosen, "blocks"], table.loc[chosen, column], "o", color=PALETTE[0], markersize=5.5)
            axes.set_ylabel(label)
        panels[0].annotate(
            f"chosen: {table.loc[chosen, 'blocks'].item():.0f}",
            (table.loc[chosen, "blocks"].item(), 1), (0, 2), xycoords=("data", "axes fraction"),
            textcoords="offset points", ha="center", va="bottom", color=PALETTE[0],
        )  # fmt: skip
        panels[0].set_ylim(0, 1.05)
        panels[1].set_ylim(bottom=0)
        panels[1].set(xlabel="number of blocks (filled: allowed)", xscale="log")
        panels[1].xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        panels[1].xaxis.set_major_formatter(StrMethodFormatter("{x:.0f}"))
        panels[1].xaxis.set_minor_locator(NullLocator())
        save_figure(figure, pdf, png)


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(
            selection=Path(snakemake.input.selection),
            semantic=snakemake.params.semantic,
            pdf=Path(snakemake.output.pdf),
            png=Path(snakemake.output.png),
        )
