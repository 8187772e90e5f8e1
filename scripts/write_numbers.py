"""Write the study's numbers as LaTeX macros."""

from pathlib import Path

from localist.claims.tables import read_csv
from localist.plumbing.files import replacing
from localist.plumbing.rule_log import rule_log
from localist.report.latex import latex_macros
from localist.report.numbers import numbers


def main(summary: Path, claims: Path, macros: Path) -> None:
    """Write one macro per number."""
    with replacing(macros) as temporary:
        temporary.write_text(latex_macros(numbers(read_csv(summary), read_csv(claims))), encoding="utf-8")


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(
            summary=Path(snakemake.input.arms),
            claims=Path(snakemake.input.claims),
            macros=Path(snakemake.output.macros),
        )
