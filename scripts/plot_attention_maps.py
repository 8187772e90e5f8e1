"""Draw the late attention of a few arms on one passage: token by token, and block by block."""

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, NullLocator

from localist.plumbing.rule_log import rule_log
from localist.report.explorer import read_passages
from localist.report.figures import COLUMN_WIDTH, block_colours, figure_style, save_figure
from localist.study.layers import late_layers
from localist.tokens.windows import NO_ID

FAINTEST = 1e-4  # attention below this has the lowest colour


def main(passages: Sequence[Path], arms: Sequence[str], pdf: Path, png: Path) -> None:
    """Draw two rows with a column per arm, on one colour scale: mean attention of the late layers, over all heads.

    passages: one .npz file per arm, in the order of `arms`; their first passage is drawn.
    """
    read = [read_passages(path) for path in passages]
    blocks = read[0]["blocks"][0]
    late = late_layers(len(read[0]["attention"][0]))
    maps = [one["attention"][0][late].astype(np.float64).mean(axis=0) for one in read]
    with figure_style():
        figure = Figure(figsize=(COLUMN_WIDTH, 0.75 + 1.8 * COLUMN_WIDTH / max(3, len(arms))))
        grid = figure.subplots(2, len(arms), squeeze=False)
        layout: Any = figure.get_layout_engine()
        layout.set(w_pad=0.02, h_pad=0.02, wspace=0.02, hspace=0.02)
        for (above, below), arm, attention in zip(grid.T, arms, maps, strict=True):
            image = _draw_tokens(above, attention, blocks)
            _draw_blocks(below, attention, blocks)
            above.set_title("\n".join(textwrap.wrap(arm.replace("_", "_ "), 14)).replace("_ ", "_"), fontsize=7)
        grid[0, 0].set_ylabel("query (token)", fontsize=7)
        grid[1, 0].set_ylabel("query (block)", fontsize=7)
        figure.supxlabel(f"key; mean over layers {late.start} to {late.stop - 1} and all heads", fontsize=7)
        bar = figure.colorbar(image, ax=grid, location="top", fraction=0.03, aspect=32, pad=0.02, extend="min")
        bar.set_label("attention (log scale); below, its share among earlier tokens", fontsize=7)
        bar.ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        bar.ax.xaxis.set_minor_locator(NullLocator())
        save_figure(figure, pdf, png)


def block_shares(attention: np.ndarray, blocks: np.ndarray) -> np.ndarray:
    """Share of the attention to earlier text, [runs, runs], from the tokens of each run of one block to each run.

    The sink and the token itself are excluded (method.md, Fidelity); NaN for queries that see no earlier text.
    """
    run = np.concatenate([[0], np.cumsum(np.diff(blocks) != 0)]) - 1  # the sink is -1
    visible = np.tril(attention, -1)[1:, 1:]
    total = visible.sum(axis=1, keepdims=True)
    shares = np.divide(visible, total, out=np.full_like(visible, np.nan), where=total > 0)
    count = run[-1] + 1
    by_run = np.full((count, count), np.nan)
    for query in range(count):
        rows = shares[run[1:] == query]
        rows = rows[~np.isnan(rows).any(axis=1)]
        for key in range(query + 1):
            if len(rows):
                by_run[query, key] = rows[:, run[1:] == key].sum(axis=1).mean()
    return by_run


def _draw_tokens(axes: Axes, attention: np.ndarray, blocks: np.ndarray) -> AxesImage:
    """Draw attention [P, P] with thin lines at block boundaries."""
    count = len(blocks)
    image = _draw(axes, np.where(np.tri(count, dtype=bool), attention, np.nan))
    # Only the visible half: along the row to the diagonal, then down the column.
    edges = [[(0, edge), (edge, edge), (edge, count)] for edge in np.flatnonzero(np.diff(blocks)) + 1]
    axes.add_collection(LineCollection(edges, colors="white", linewidths=0.4, alpha=0.9))
    return image


def _draw_blocks(axes: Axes, attention: np.ndarray, blocks: np.ndarray) -> None:
    """Draw the shares of runs, with a strip of their block colours, since distant runs may be of the same block."""
    shares = block_shares(attention, blocks)
    count = len(shares)
    _draw(axes, shares)
    starts = np.flatnonzero(np.diff(blocks)) + 1
    colours = block_colours([NO_ID, *blocks])
    for number, start in enumerate(starts):
        strip = Rectangle((-0.09 * count, number), 0.06 * count, 1, facecolor=colours[int(blocks[start])], linewidth=0)
        axes.add_patch(strip)
    axes.set(xlim=(-0.09 * count, count))


def _draw(axes: Axes, values: np.ndarray) -> AxesImage:
    count = len(values)
    shown = np.ma.masked_invalid(np.where(np.isnan(values), np.nan, np.maximum(values, FAINTEST)))
    image = axes.imshow(
        shown, cmap="viridis", norm=LogNorm(FAINTEST, 1), extent=(0, count, count, 0), interpolation="none"
    )
    axes.set(xlim=(0, count), ylim=(count, 0), xticks=[], yticks=[], aspect="equal")
    axes.spines[:].set_visible(False)
    return image


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(
            passages=[Path(path) for path in snakemake.input.passages],
            arms=list(snakemake.params.arms),
            pdf=Path(snakemake.output.pdf),
            png=Path(snakemake.output.png),
        )
