"""Build the study's start page: the answer, then the evidence, in one self-contained file."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from localist.claims.tables import read_csv
from localist.plumbing.files import replacing
from localist.plumbing.rule_log import rule_log
from localist.report.index_page import index_page
from localist.report.rendered_markdown import rendered

# The documentation, as seen from results/{study}.
DOCS = "../../docs"


def main(
    study: str,
    tables: Mapping[str, Path],
    arm: str | None,
    figures: Mapping[str, Path],
    method: Path,
    about: Mapping[str, str],
    templates: Sequence[Path],
    page: Path,
) -> None:
    """Write the page. arm: the arm of the five numbers, if the study has it."""
    read = {name: read_csv(path) for name, path in tables.items()}
    text = rendered(method.read_text(encoding="utf-8"), DOCS)
    with replacing(page) as temporary:
        temporary.write_text(index_page(study, read, arm, figures, text, about, templates), encoding="utf-8")


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(
            study=snakemake.wildcards.study,
            tables={
                name: Path(snakemake.input[name]) for name in ("arms", "claims", "knockout", "faithfulness", "dial")
            },
            arm=snakemake.params.arm,
            figures={path.stem: path for path in map(Path, snakemake.input.figures)},
            method=Path(snakemake.input.method),
            about=snakemake.params.about,
            templates=[Path(path) for path in snakemake.input.templates],
            page=Path(snakemake.output.page),
        )
