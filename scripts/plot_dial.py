"""Draw what the locality dial costs: perplexity against its setting, and against the late fidelity that it attains."""

from pathlib import Path

from localist.plumbing.rule_log import rule_log
from localist.report.figures import (
    arm_styles,
    figure_style,
    legend_below,
    new_figure,
    perplexity_axis,
    read_table,
    save_figure,
)


def main(dial: Path, pdf: Path, png: Path) -> None:
    """Draw one line an arm, and each seed faintly if there are several. dial: a row per arm, seed and setting."""
    numbers = ["seed", "dial", "perplexity", "late_fidelity_corrected"]
    table = read_table(dial, text=["arm"], numbers=numbers, may_be_empty=True)
    styles = arm_styles(table["arm"])
    with figure_style():
        figure, panels = new_figure(4.2, rows=2)
        columns = {"dial": "setting of the dial, d", "late_fidelity_corrected": "late-layer chance-corrected fidelity"}
        for axes, (column, label) in zip(panels, columns.items(), strict=True):
            for arm, style in styles.items():
                rows = table[table["arm"] == arm]
                means = rows.groupby("dial")[["perplexity", "late_fidelity_corrected"]].mean().reset_index()
                for _, one in rows.groupby("seed") if rows["seed"].nunique() > 1 else ():
                    axes.plot(one[column], one["perplexity"], **style.line_style() | {"linewidth": 0.5, "alpha": 0.35})
                axes.plot(means[column], means["perplexity"], **style.line_style(), marker=style.marker)
            perplexity_axis(axes, "y", table["perplexity"])
            axes.set_xlabel(label)
        if styles:
            legend_below(figure, styles)
        save_figure(figure, pdf, png)


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(
            dial=Path(snakemake.input.dial),
            pdf=Path(snakemake.output.pdf),
            png=Path(snakemake.output.png),
        )
