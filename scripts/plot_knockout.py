"""Draw the loss added in each arm when its late layers cannot attend to other blocks."""

from pathlib import Path

from localist.plumbing.rule_log import rule_log
from localist.report.figures import arm_styles, figure_style, new_figure, read_table, save_figure
from localist.study.arms import SHIFTED


def main(knockout: Path, pdf: Path, png: Path) -> None:
    """Draw the loss added by the knockout, by arm: filled for the reference blocks, open for the shifted ones.

    knockout: table with one row per arm, seed and partition used for the knockout. Small points are seeds.
    """
    table = read_table(knockout, text=["arm", "partition"], numbers=["seed", "delta_nll"])
    arms, styles = list(dict.fromkeys(table["arm"])), arm_styles(table["arm"])
    partitions = list(dict.fromkeys(table["partition"]))
    with figure_style():
        figure, (axes,) = new_figure(0.8 + 0.24 * len(arms))
        for place, arm in enumerate(arms):
            axes.axhline(place, color="0.92", lw=0.5, zorder=0)
            for partition in partitions:
                values = table.loc[(table["arm"] == arm) & (table["partition"] == partition), "delta_nll"]
                style, height = styles[arm], place + 0.17 * (1 if partition == SHIFTED else -1)
                inside = "white" if partition == SHIFTED else style.colour
                if len(values) > 1:
                    axes.plot(values, [height] * len(values), "|", color=style.colour, alpha=0.5, ms=4, mew=0.7)
                axes.plot([values.mean()], [height], "o", color=style.colour, mfc=inside, ms=4)
        axes.set_yticks(range(len(arms)), arms)
        axes.set_ylim(len(arms) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_xlim(min(0.0, axes.get_xlim()[0]), None)
        legend = {False: "filled: confined to {} blocks", True: "open: confined to {} blocks"}
        marks = "\n".join(legend[partition == SHIFTED].format(partition) for partition in partitions)
        axes.set_xlabel(f"loss added by the knockout (nats per token)\n{marks}")
        save_figure(figure, pdf, png)


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(
            knockout=Path(snakemake.input.knockout),
            pdf=Path(snakemake.output.pdf),
            png=Path(snakemake.output.png),
        )
