"""Draw every claim's effects with their intervals, their bounds, and the verdict."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from localist.plumbing.rule_log import rule_log
from localist.report.figures import figure_style, new_figure, read_table, save_figure

# Symbol and colour accompany the word; colour is never the only cue.
LOOKS = {
    "supported": ("o", "#0072B2"),
    "not supported": ("X", "#D55E00"),
    "undecided": ("D", "#767676"),
    "not tested": ("_", "#767676"),
}
UNITS = {
    "% perplexity": "difference in perplexity (%)",
    "chance-corrected fidelity": "chance-corrected fidelity, or a difference in it",
    "share of attention": "difference in late sink share",
    "Spearman's ρ": "difference in Spearman's ρ",
    "ratio of divergences": "ratio of divergences",
    "ratio of standard deviations": "ratio of standard deviations",
}
ROW_INCHES = 0.21


def main(claims: Path, contrasts: Path, pdf: Path, png: Path) -> None:
    """Draw a panel per unit; the complete interval must be in the shaded area; the smallest effect is dotted.

    claims: table with one row per claim. contrasts: table with one row per effect. Claims without effects are listed
    below.
    """
    judged = read_table(claims, text=["claim", "verdict"])
    verdicts = dict(zip(judged["claim"], judged["verdict"], strict=True))
    numbers = ["effect", "ci_low", "ci_high", "null", "smallest_effect"]
    words = ["claim", "contrast", "better", "unit", "verdict"]
    table = read_table(contrasts, text=words, numbers=numbers, may_be_empty=True)
    table = table[np.isfinite(table[numbers]).all(axis=1)]
    panels = [pd.DataFrame(table[table["unit"] == unit]) for unit in UNITS if unit in set(table["unit"])]
    heights = [len(rows) + rows["claim"].nunique() for rows in panels]
    without = [claim for claim in verdicts if claim not in set(table["claim"])]
    if without:
        heights.append(len(without) + 1)
    with figure_style():
        height = ROW_INCHES * sum(heights) + 0.45 * len(panels) + 0.1
        figure, all_axes = new_figure(height, rows=len(heights), height_ratios=heights)
        for axes, rows in zip(all_axes, panels, strict=False):
            _draw_effects(axes, rows, verdicts)
        if without:
            _list_claims(all_axes[-1], without, verdicts)
        save_figure(figure, pdf, png)


def _draw_effects(axes: Axes, rows: pd.DataFrame, verdicts: Mapping[str, str]) -> None:
    ends = rows[["effect", "ci_low", "ci_high", "null", "smallest_effect"]].to_numpy()
    room = 0.05 * (np.ptp(ends) or 1)
    left, right = ends.min() - room, ends.max() + room
    place = 0
    for claim, effects in rows.groupby("claim", sort=False):
        _write_claim(axes, place, str(claim), verdicts[str(claim)])
        place += 1
        for row in effects.to_dict("records"):
            marker, colour = LOOKS[row["verdict"]]
            start, end = (row["null"], right) if row["better"] == "higher" else (left, row["null"])
            axes.fill_betweenx([place - 0.45, place + 0.45], start, end, color="0.93", lw=0, zorder=0)
            axes.plot([row["null"]] * 2, [place, place + 0.45], color="0.5", lw=0.6, zorder=1)
            if row["smallest_effect"] != row["null"]:
                axes.plot([row["smallest_effect"]] * 2, [place, place + 0.45], ":", color="0.4", lw=0.8, zorder=1)
            axes.plot([row["ci_low"], row["ci_high"]], [place + 0.2] * 2, color=colour)
            axes.plot([row["effect"]], [place + 0.2], marker, color=colour, ms=3.5, mew=0)
            axes.text(left, place - 0.22, f" {row['contrast']}", va="center", color="0.35", fontsize=5)
            place += 1
    axes.set(xlim=(left, right), ylim=(place - 0.5, -0.5), xlabel=UNITS[rows["unit"].iloc[0]])
    axes.set_yticks([])
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6))
    axes.spines["left"].set_visible(False)


def _list_claims(axes: Axes, claims: Sequence[str], verdicts: Mapping[str, str]) -> None:
    axes.text(0, 0, "no effect to draw:", transform=axes.get_yaxis_transform(), va="center", color="0.35")
    for place, claim in enumerate(claims):
        _write_claim(axes, place + 1, claim, verdicts[claim])
    axes.set_ylim(len(claims) + 0.5, -0.5)
    axes.set_axis_off()


def _write_claim(axes: Axes, place: int, claim: str, verdict: str) -> None:
    """Write the claim on the left and its verdict on the right, on a separate line."""
    across = axes.get_yaxis_transform()
    marker, colour = LOOKS[verdict]
    axes.text(0, place + 0.1, _words(claim), transform=across, va="center")
    axes.text(0.96, place + 0.1, verdict, transform=across, va="center", ha="right", color=colour)
    axes.plot([0.98], [place + 0.1], marker, transform=across, color=colour, ms=4, mew=0, clip_on=False)


def _words(claim: str) -> str:
    return claim.replace("_", " ").replace("dose matched", "(dose matched)")


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(
            claims=Path(snakemake.input.claims),
            contrasts=Path(snakemake.input.contrasts),
            pdf=Path(snakemake.output.pdf),
            png=Path(snakemake.output.png),
        )
