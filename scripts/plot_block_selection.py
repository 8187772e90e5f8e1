"""Draw how the number of semantic blocks was chosen."""

from pathlib import Path

from matplotlib.ticker import MaxNLocator

from localist.errors import UserError
from localist.figures import PALETTE, figure_style, new_figure, read_table, save_figure
from localist.rule_log import rule_log

# What the score is, by blocks.semantic.criterion.
SCORES = {
    "silhouette": "mean silhouette (cosine)",
    "eigengap": "eigengap (no unit)",
    "bic": "−BIC (no unit)",
}


def main(selection: Path, criterion: str, pdf: Path, png: Path) -> None:
    """Draw the criterion's score against the number of blocks, the chosen number marked.

    selection: table with one row per number of blocks tried; its column `chosen` is true in exactly one row.
    """
    table = read_table(selection, text=["chosen"], numbers=["blocks", "score"]).sort_values("blocks")
    chosen = table[table["chosen"].astype(str).str.lower() == "true"]
    if len(chosen) != 1:
        raise UserError(f"{selection}: the column 'chosen' is true in {len(chosen)} rows; exactly one must be chosen")
    blocks, score = chosen.iloc[0][["blocks", "score"]]
    with figure_style():
        figure, (axes,) = new_figure(2.1)
        axes.axvline(blocks, color=PALETTE[0], lw=0.8, ls=(0, (3, 2)), zorder=1)
        axes.plot(table["blocks"], table["score"], "o-", color="black", markersize=2.5)
        axes.plot([blocks], [score], "o", color=PALETTE[0], markersize=5.5)
        axes.annotate(
            f"chosen: {blocks:.0f}", (blocks, 1), (0, 2), xycoords=("data", "axes fraction"),
            textcoords="offset points", ha="center", va="bottom", color=PALETTE[0],
        )  # fmt: skip
        axes.set(xlabel="number of blocks", ylabel=SCORES[criterion])
        axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))
        save_figure(figure, pdf, png)


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(
            selection=Path(snakemake.input.selection),
            criterion=snakemake.params.criterion,
            pdf=Path(snakemake.output.pdf),
            png=Path(snakemake.output.png),
        )
