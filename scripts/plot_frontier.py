"""Draw what late locality costs: test perplexity against late-layer fidelity, by arm."""

from pathlib import Path

from localist.figures import (
    arm_styles,
    figure_style,
    new_figure,
    perplexity_axis,
    place_labels,
    read_table,
    save_figure,
)
from localist.rule_log import rule_log


def main(arms: Path, pdf: Path, png: Path) -> None:
    """Draw one labelled point per arm; vertical lines are 95 % intervals of perplexity.

    arms: table with one row per arm. Arms without perplexity or late fidelity are named under the panel.
    """
    ends = ["perplexity", "perplexity_low", "perplexity_high"]
    table = read_table(arms, text=["arm"], numbers=["late_fidelity_adjusted", *ends])
    styles = arm_styles(table["arm"])
    lacking = table[["late_fidelity_adjusted", "perplexity"]].isna().any(axis=1)
    missing, table = list(table.loc[lacking, "arm"]), table[~lacking]
    with figure_style():
        figure, (axes,) = new_figure(2.8)
        for row in table.itertuples():
            style, x = styles[row.arm], row.late_fidelity_adjusted
            axes.plot([x, x], [row.perplexity_low, row.perplexity_high], color=style.colour)
            axes.plot([x], [row.perplexity], style.marker, color=style.colour, ms=4.5)
        axes.margins(x=0.2, y=0.15)
        perplexity_axis(axes, "y", table[ends].to_numpy().ravel())
        note = f"\nnot shown, for lack of values: {', '.join(missing)}" if missing else ""
        axes.set_xlabel(f"late-layer chance-corrected fidelity{note}")
        intervals = table.dropna(subset=ends)
        place_labels(
            axes,
            points=table[["late_fidelity_adjusted", "perplexity"]].to_numpy(),
            labels=list(table["arm"]),
            colours=[styles[arm].colour for arm in table["arm"]],
            lines=[
                [[row.late_fidelity_adjusted, row.perplexity_low], [row.late_fidelity_adjusted, row.perplexity_high]]
                for row in intervals.itertuples()
            ],
        )
        save_figure(figure, pdf, png)


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(
            arms=Path(snakemake.input.arms),
            pdf=Path(snakemake.output.pdf),
            png=Path(snakemake.output.png),
        )
