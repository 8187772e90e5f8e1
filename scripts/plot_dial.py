"""Draw the cost of the locality dial: perplexity against its setting and against the late fidelity achieved."""

from collections.abc import Sequence
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


def main(dial: Path, arms: Sequence[str], pdf: Path, png: Path) -> None:
    """Draw one line per arm, and each seed faintly if there are several. dial: a row per arm, seed and setting.

    Above, perplexity is relative to the same run at the lowest setting; below, it is absolute. arms: all arms of the
    study, so that each looks as in the other figures.
    """
    numbers = ["seed", "dial", "perplexity", "late_fidelity_corrected"]
    table = read_table(dial, text=["arm"], numbers=numbers, may_be_empty=True).sort_values("dial", kind="stable")
    table["ratio"] = table["perplexity"] / table.groupby(["arm", "seed"])["perplexity"].transform("first")
    styles = {arm: style for arm, style in arm_styles(arms).items() if arm in set(table["arm"])}
    with figure_style():
        figure, (settings, attained) = new_figure(4.2, rows=2)
        for axes, x, y in ((settings, "dial", "ratio"), (attained, "late_fidelity_corrected", "perplexity")):
            for arm, style in styles.items():
                rows = table[table["arm"] == arm]
                for _, one in rows.groupby("seed") if rows["seed"].nunique() > 1 else ():
                    axes.plot(one[x], one[y], **style.line_style() | {"linewidth": 0.5, "alpha": 0.35})
                means = rows.groupby("dial", as_index=False)[["ratio", "late_fidelity_corrected", "perplexity"]].mean()
                axes.plot(means[x], means[y], **style.line_style(), marker=style.marker)
        settings.set_xlabel("setting of the dial, d")
        settings.set_ylabel("perplexity (test),\n× that at the lowest d")
        attained.set_xlabel("late-layer chance-corrected fidelity")
        perplexity_axis(attained, "y", table["perplexity"])
        if styles:
            legend_below(figure, styles)
        save_figure(figure, pdf, png)


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(
            dial=Path(snakemake.input.dial),
            arms=snakemake.params.arms,
            pdf=Path(snakemake.output.pdf),
            png=Path(snakemake.output.png),
        )
