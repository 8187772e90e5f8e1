"""Draw the locality of each layer under each schedule."""

from pathlib import Path

from localist.plumbing.rule_log import rule_log
from localist.report.figures import (
    arm_styles,
    figure_style,
    layer_axis,
    legend_below,
    new_figure,
    read_table,
    save_figure,
)


def main(schedules: Path, pdf: Path, png: Path) -> None:
    """Draw λ by layer, one line per distinct schedule.

    schedules: table with one row per arm and layer. Arms with the same numbers share a line and a legend entry.
    """
    table = read_table(schedules, text=["arm"], numbers=["layer", "locality"])
    styles = arm_styles(table["arm"])
    sharing: dict[tuple, list[str]] = {}
    for arm in styles:
        rows = table[(table["arm"] == arm) & table["locality"].notna()].sort_values("layer")
        if not rows.empty:
            sharing.setdefault((*rows["layer"], *rows["locality"]), []).append(arm)
    with figure_style():
        figure, (axes,) = new_figure(2.0)
        entries = {}
        for number, (values, arms) in enumerate(sharing.items()):
            style = entries[", ".join(arms)] = styles[arms[0]]
            count = len(values) // 2
            every = (number % 4, 4) if count > 4 else 1
            # Lines at 0 and 1 lie on the frame and must not be clipped by it.
            axes.plot(
                values[:count], values[count:], **style.line_style(),
                marker=style.marker, markevery=every, clip_on=False, zorder=3,
            )  # fmt: skip
        axes.set(xlabel="layer index", ylabel="locality λ", ylim=(0, 1.0))
        layer_axis(axes)
        if entries:
            legend_below(figure, entries)
        save_figure(figure, pdf, png)


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(
            schedules=Path(snakemake.input.schedules),
            pdf=Path(snakemake.output.pdf),
            png=Path(snakemake.output.png),
        )
