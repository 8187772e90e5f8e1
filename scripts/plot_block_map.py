"""Draw the map of sentence embeddings, coloured by semantic block."""

from pathlib import Path

import numpy as np
from matplotlib.patheffects import withStroke

from localist.plumbing.rule_log import rule_log
from localist.report.figures import block_colours, figure_style, new_figure, read_table, save_figure, with_blocks

GRID = 12
# More numbers than this would hide the dots.
NUMBERED = 24


def main(block_map: Path, blocks: Path, pdf: Path, png: Path) -> None:
    """Draw one dot per sentence on the two-dimensional map, and the largest blocks' numbers where they are densest.

    block_map: sentence, x, y. blocks: sentence, block. Sentences without a block are drawn in grey.
    """
    places = read_table(block_map, numbers=["sentence", "x", "y"])
    table = with_blocks(places, block_map, blocks)
    colours = block_colours(table["block"])
    with figure_style():
        figure, (axes,) = new_figure(3.2)
        # Rasterised: thousands of dots would make a heavy PDF; numbers and axes stay text and lines.
        size = min(6.0, max(0.5, 9000 / len(table)))
        axes.scatter(table["x"], table["y"], s=size, c=table["block"].map(colours), linewidths=0, rasterized=True)
        halo = [withStroke(linewidth=1.8, foreground="white")]
        placed = table[table["block"] >= 0]
        largest = placed["block"].value_counts().head(NUMBERED).index
        for block, dots in placed[placed["block"].isin(largest)].groupby("block"):
            x, y = densest_place(dots["x"].to_numpy(), dots["y"].to_numpy())
            axes.text(x, y, f"{block}", ha="center", va="center", weight="bold", path_effects=halo)
        axes.set(xlabel="t-SNE axis 1 (no unit)", ylabel="t-SNE axis 2 (no unit)", xticks=[], yticks=[])
        axes.set_aspect("equal", adjustable="datalim")
        save_figure(figure, pdf, png)


def densest_place(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """The middle of the fullest cell of a coarse grid: unlike a median, it lies among a scattered block's own dots."""
    counts, x_edges, y_edges = np.histogram2d(x, y, bins=GRID)
    column, row = np.unravel_index(counts.argmax(), counts.shape)
    inside = (x >= x_edges[column]) & (x <= x_edges[column + 1]) & (y >= y_edges[row]) & (y <= y_edges[row + 1])
    return float(np.median(x[inside])), float(np.median(y[inside]))


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(
            block_map=Path(snakemake.input.map),
            blocks=Path(snakemake.input.blocks),
            pdf=Path(snakemake.output.pdf),
            png=Path(snakemake.output.png),
        )
