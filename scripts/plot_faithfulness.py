"""Draw whether late attention shows which blocks are used: pairs of blocks, and their rank correlation by arm."""

from collections.abc import Mapping
from pathlib import Path

from matplotlib.ticker import FormatStrFormatter, NullLocator

from localist.plumbing.rule_log import rule_log
from localist.report.figures import (
    arm_styles,
    figure_style,
    legend_below,
    log_axis,
    new_figure,
    read_table,
    save_figure,
)

# Below this, in nats per token, the scale of effects is linear: some are 0, and some negative.
LINEAR = 0.01


def main(faithfulness: Path, knockouts: Mapping[str, Path], pdf: Path, png: Path) -> None:
    """Above, attribution and effect of each pair of blocks, by arm; below, Spearman's ρ with its interval, by arm.

    faithfulness: table with one row per arm; knockouts: block_knockouts.parquet of one run of each arm that is drawn
    above. Arms without ρ and panels without pairs stay empty.
    """
    ends = ["rho", "rho_low", "rho_high"]
    table = read_table(faithfulness, text=["arm"], numbers=ends)
    styles = arm_styles(table["arm"])
    with figure_style():
        figure, (pairs, arms) = new_figure(
            2.9 + 0.18 * len(table), rows=2, height_ratios=[1.9, 0.45 + 0.18 * len(table)]
        )
        pairs.set_yscale("symlog", linthresh=LINEAR)
        for arm, path in knockouts.items():
            rows = read_table(path, numbers=["knocked_out", "attribution", "effect_all"], may_be_empty=True)
            rows = rows[rows["knocked_out"] >= 0]
            style = styles[arm]
            pairs.plot(
                rows["attribution"], rows["effect_all"], style.marker,
                color=style.colour, mfc="none" if arm == "distributed" else style.colour, ms=3, mew=0.7, alpha=0.75,
            )  # fmt: skip
        log_axis(pairs, "x")
        pairs.yaxis.set_major_formatter(FormatStrFormatter("%g"))
        pairs.yaxis.set_minor_locator(NullLocator())
        pairs.axhline(0, color="0.85", lw=0.6, zorder=0)
        pairs.set_xlabel("late attention to the block (share)")
        pairs.set_ylabel("loss without the block\n(nats per token)")
        for place, row in enumerate(table.to_dict("records")):
            style = styles[row["arm"]]
            arms.plot([row["rho_low"], row["rho_high"]], [place, place], color=style.colour)
            arms.plot([row["rho"]], [place], style.marker, color=style.colour, ms=4)
        arms.axvline(0, color="0.85", lw=0.6, zorder=0)
        arms.set_yticks(range(len(table)), table["arm"])
        arms.set_ylim(len(table) - 0.4, -0.6)
        arms.tick_params(axis="y", length=0)
        arms.spines["left"].set_visible(False)
        arms.set_xlim(None, min(1.0, arms.get_xlim()[1]))
        arms.set_xlabel("rank correlation of the two, ρ")
        legend_below(figure, {arm: styles[arm] for arm in knockouts})
        save_figure(figure, pdf, png)


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(
            faithfulness=Path(snakemake.input.faithfulness),
            knockouts=dict(zip(snakemake.params.arms, map(Path, snakemake.input.knockouts), strict=True)),
            pdf=Path(snakemake.output.pdf),
            png=Path(snakemake.output.png),
        )
