"""Compare the paper's published figures with the study's."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from localist.claims.published import published_table
from localist.claims.tables import read_csv, write_csv
from localist.plumbing.files import replacing
from localist.plumbing.rule_log import rule_log
from localist.report.latex import latex_table
from localist.report.pages import published_page
from localist.report.shown_tables import shown_published


def main(
    summary: Path,
    arms: Mapping[str, str | None],
    model: Mapping[str, str],
    corpus: Mapping[str, str],
    templates: Sequence[Path],
    outputs: Mapping[str, Path],
) -> None:
    """Write the comparison as CSV, LaTeX and a page."""
    table = published_table(read_csv(summary), arms, model, corpus)
    shown = shown_published(table)
    write_csv(table, outputs["table"])
    with replacing(outputs["latex"]) as temporary:
        temporary.write_text(latex_table(shown.columns, shown.to_numpy(), "lrrr"), encoding="utf-8")
    with replacing(outputs["page"]) as temporary:
        temporary.write_text(published_page(table, model["origin"], corpus["origin"], templates), encoding="utf-8")


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(
            summary=Path(snakemake.input.arms),
            arms=snakemake.params.arms,
            model=snakemake.params.model,
            corpus=snakemake.params.corpus,
            templates=[Path(path) for path in snakemake.input.templates],
            outputs={name: Path(snakemake.output[name]) for name in ("table", "latex", "page")},
        )
