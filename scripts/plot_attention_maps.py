"""Draw the attention of one passage in an early, a middle and the last layer, by arm."""

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import FuncFormatter, NullLocator

from localist.plumbing.errors import UserError
from localist.plumbing.rule_log import rule_log
from localist.report.figures import COLUMN_WIDTH, block_colours, figure_style, save_figure

DEPTHS = ("early", "middle", "last")
KEYS = ("layers", "attention", "tokens", "blocks", "title")
FAINTEST = 1e-4  # attention below this has the lowest colour


def main(passages: Sequence[Path], arms: Sequence[str], pdf: Path, png: Path) -> None:
    """Draw a grid of attention maps: a row per arm, a column per layer, one colour scale for all.

    passages: one .npz file per arm, in the order of `arms`.
    """
    loaded = [_load(path) for path in passages]
    with figure_style():
        figure = Figure(figsize=(COLUMN_WIDTH, 1.1 + 0.9 * len(arms)))
        grid = figure.subplots(len(arms), len(DEPTHS), squeeze=False)
        layout: Any = figure.get_layout_engine()
        layout.set(w_pad=0.02, h_pad=0.02, wspace=0.02, hspace=0.02)
        for row, arm, passage in zip(grid, arms, loaded, strict=True):
            for axes, attention in zip(row, passage["attention"], strict=True):
                image = _draw_map(axes, attention, passage["blocks"])
            row[0].set_ylabel("\n".join(textwrap.wrap(arm.replace("_", "_ "), 14)).replace("_ ", "_"), fontsize=7)
        for axes, depth, layer in zip(grid[0], DEPTHS, loaded[0]["layers"], strict=True):
            axes.set_title(f"{depth} (layer {layer})", fontsize=7)
        positions = len(loaded[0]["blocks"])
        for axes in grid[-1]:
            axes.set_xticks([0, positions - 1])
            axes.tick_params(axis="x", length=2)
        title = textwrap.shorten(str(loaded[0]["title"]), 48, placeholder=" …") or "untitled"
        figure.supxlabel(f"key position (token) in “{title}”", fontsize=7)
        figure.supylabel("query position (token)", fontsize=7)
        bar = figure.colorbar(
            image, ax=grid, location="top", fraction=0.08 / len(arms), aspect=28, pad=0.1 / len(arms), extend="min"
        )
        bar.set_label("attention, mean over heads (log scale)", fontsize=7)
        bar.ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        bar.ax.xaxis.set_minor_locator(NullLocator())
        save_figure(figure, pdf, png)


def _load(path: Path) -> dict[str, np.ndarray]:
    """The arrays of one passage; UserError if one is missing or empty."""
    with np.load(path, allow_pickle=False) as file:
        for key in KEYS:
            if key not in file:
                raise UserError(f"{path}: the array '{key}' is missing; delete the file and run the workflow again")
        passage = {key: file[key] for key in KEYS}
    if passage["attention"].size == 0:
        raise UserError(f"{path}: the array 'attention' is empty; choose a passage of at least one token")
    return passage


def _draw_map(axes: Axes, attention: np.ndarray, blocks: np.ndarray) -> AxesImage:
    """Draw attention [P, P] with a strip of block colours at its left and thin lines where blocks change."""
    count = len(blocks)
    hidden = np.triu(np.ones_like(attention, dtype=bool), k=1)
    values = np.ma.masked_where(hidden, np.maximum(attention, FAINTEST))
    axes.set_facecolor("white")
    image = axes.imshow(
        values, cmap="viridis", norm=LogNorm(FAINTEST, 1), extent=(0, count, count, 0), interpolation="none"
    )
    colours = block_colours(blocks)
    codes = [list(colours).index(block) for block in blocks]
    axes.imshow(
        np.array(codes)[:, None], cmap=ListedColormap(list(colours.values())), vmin=-0.5, vmax=len(colours) - 0.5,
        extent=(-0.09 * count, -0.03 * count, count, 0), interpolation="none", aspect="auto",
    )  # fmt: skip
    # Only the visible half: along the row to the diagonal, then down the column.
    edges = [[(0, edge), (edge, edge), (edge, count)] for edge in np.flatnonzero(np.diff(blocks)) + 1]
    axes.add_collection(LineCollection(edges, colors="white", linewidths=0.3, alpha=0.8))
    axes.set(xlim=(-0.09 * count, count), ylim=(count, 0), xticks=[], yticks=[], aspect="equal")
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
