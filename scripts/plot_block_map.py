"""Draw the map of sentence embeddings, coloured by topic."""

from pathlib import Path

import numpy as np
from matplotlib.patheffects import withStroke

from localist.plumbing.rule_log import rule_log
from localist.report.figures import (
    figure_style,
    new_figure,
    read_table,
    save_figure,
    topic_colours,
    topic_legend,
    with_topics,
)

GRID = 12


def main(block_map: Path, sentence_blocks: Path, blocks: Path, topics: Path, pdf: Path, png: Path) -> None:
    """Draw one dot per sentence on the two-dimensional map, and each topic's number where its dots are densest.

    block_map: sentence, x, y. sentence_blocks: sentence, block. blocks: block, topic. topics: topic, name. Sentences
    without a block are drawn in grey.
    """
    places = read_table(block_map, numbers=["sentence", "x", "y"])
    table = with_topics(places, block_map, sentence_blocks, blocks)
    colours = topic_colours(len(read_table(topics, numbers=["topic"])))
    with figure_style():
        figure, (axes,) = new_figure(3.2)
        # Rasterised: thousands of dots would make a heavy PDF; numbers and axes stay text and lines.
        size = min(6.0, max(0.5, 9000 / len(table)))
        axes.scatter(table["x"], table["y"], s=size, c=table["topic"].map(colours), linewidths=0, rasterized=True)
        halo = [withStroke(linewidth=1.8, foreground="white")]
        for topic, dots in table[table["topic"] >= 0].groupby("topic"):
            x, y = densest_place(dots["x"].to_numpy(), dots["y"].to_numpy())
            axes.text(x, y, f"{topic}", ha="center", va="center", weight="bold", path_effects=halo)
        axes.set(xlabel="t-SNE axis 1 (no unit)", ylabel="t-SNE axis 2 (no unit)", xticks=[], yticks=[])
        axes.set_aspect("equal", adjustable="datalim")
        topic_legend(figure, topics, colours)
        save_figure(figure, pdf, png)


def densest_place(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """The centre of the fullest cell of a coarse grid; unlike a median, it lies among the dots of a scattered topic."""
    counts, x_edges, y_edges = np.histogram2d(x, y, bins=GRID)
    column, row = np.unravel_index(counts.argmax(), counts.shape)
    inside = (x >= x_edges[column]) & (x <= x_edges[column + 1]) & (y >= y_edges[row]) & (y <= y_edges[row + 1])
    return float(np.median(x[inside])), float(np.median(y[inside]))


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(
            block_map=Path(snakemake.input.map),
            sentence_blocks=Path(snakemake.input.sentence_blocks),
            blocks=Path(snakemake.input.blocks),
            topics=Path(snakemake.input.topics),
            pdf=Path(snakemake.output.pdf),
            png=Path(snakemake.output.png),
        )
