"""Draw the sizes of the semantic blocks, and how long the text stays in one block under each partition."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from localist.blocks.partitions import run_lengths
from localist.plumbing.errors import UserError
from localist.plumbing.rule_log import rule_log
from localist.report.figures import (
    COLUMN_WIDTH,
    GREY,
    PALETTE,
    ArmStyle,
    figure_style,
    legend_below,
    only,
    read_table,
    save_figure,
)

# `shifted` has almost the runs of `semantic`: later lines are thinner and broken, so that both show.
LINES = (("-", 2.0), ((0, (4, 1.2)), 1.2), ((0, (1, 1)), 1.2))


def main(sentence_blocks: Path, partitions: Mapping[str, Path], pdf: Path, png: Path) -> None:
    """Draw the number of training sentences in each block, and next to it the run lengths of each partition.

    sentence_blocks: sentence, block, split. partitions: by name, the block of every training token, [windows, T].
    """
    sizes = block_sizes(read_table(sentence_blocks, text=["split"], numbers=["block"]), sentence_blocks)
    lengths = {name: _read_lengths(path) for name, path in partitions.items()}
    with figure_style():
        figure = Figure(figsize=(COLUMN_WIDTH, 2.1))
        left, right = figure.subplots(1, 2)
        _draw_sizes(left, sizes)
        styles = {}
        for number, (name, runs) in enumerate(lengths.items()):
            line, width = LINES[number % len(LINES)]
            styles[name] = ArmStyle(PALETTE[number % len(PALETTE)], line, "", width)
            values, shares = cumulative_shares(runs)
            longest = max(runs.max() for runs in lengths.values())
            right.step([values[0], *values, longest], [0, *shares, 1], where="post", **styles[name].line_style())
        right.axhline(0.5, color=GREY, lw=0.5, zorder=1)
        right.set(
            xlabel="run length\n(tokens, log scale)", ylabel="cumulative share of runs", xscale="log", ylim=(0, 1.03)
        )
        right.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        right.yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
        legend_below(figure, styles)
        save_figure(figure, pdf, png)


def block_sizes(table: pd.DataFrame, path: Path) -> pd.Series:
    """Training sentences by block id, largest first."""
    counts = only(table, path, "split", "train")["block"].value_counts()
    counts = counts[counts.index >= 0]
    if counts.empty:
        raise UserError(f"{path}: no sentence has a block; delete the file and run the workflow again")
    return counts.sort_index().sort_values(ascending=False, kind="stable")


def cumulative_shares(lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct lengths, ascending, and for each the share of runs that are not longer."""
    values, counts = np.unique(lengths, return_counts=True)
    return values, np.cumsum(counts) / counts.sum()


def _draw_sizes(axes: Axes, sizes: pd.Series) -> None:
    # Edges keep each of hundreds of bars at least a pixel wide; the margin keeps them from hiding behind the axis.
    axes.bar(np.arange(1, len(sizes) + 1), sizes, width=1, linewidth=0.4, color=PALETTE[3], edgecolor=PALETTE[3])
    axes.axhline(sizes.mean(), color="black", lw=0.7, ls=(0, (3, 2)))
    axes.set(
        xlabel="block,\nlargest first",
        ylabel="training sentences",
        xlim=(0.4 - 0.02 * len(sizes), 0.6 + 1.02 * len(sizes)),
    )
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True, min_n_ticks=1))


def _read_lengths(path: Path) -> np.ndarray:
    """The run lengths of one partition; UserError if the file has no blocks."""
    blocks = np.load(path)
    if blocks.ndim != 2 or not (blocks >= 0).any():
        raise UserError(f"{path}: has no windows with blocks; delete the file and run the workflow again")
    return run_lengths(blocks)


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(
            sentence_blocks=Path(snakemake.input.sentence_blocks),
            partitions=dict(zip(snakemake.params.measured, map(Path, snakemake.input.partitions), strict=True)),
            pdf=Path(snakemake.output.pdf),
            png=Path(snakemake.output.png),
        )
