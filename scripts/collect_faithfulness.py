"""Collect knockouts of single blocks and settings of the locality dial in tables."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from localist.claims.faithfulness import SECTION_COLUMNS, faithfulness_table, section_rows, section_sums
from localist.claims.tables import DIAL_COLUMNS, dial_rows, write_csv
from localist.plumbing.files import replacing
from localist.plumbing.rule_log import rule_log
from localist.report.latex import latex_table
from localist.report.shown_tables import shown_faithfulness


def main(
    knockouts: Mapping[tuple[str, int], Path],
    dials: Mapping[tuple[str, int], Path],
    evaluation: Mapping[str, int],
    outputs: Mapping[str, Path],
) -> None:
    """Write faithfulness by arm (also as LaTeX), by arm, seed and section, and the dial by arm, seed and setting.

    knockouts, dials: (arm, seed) → block_knockouts.parquet, dial.parquet.
    """
    sums: dict[str, list[pd.DataFrame]] = {}
    for (arm, _), path in knockouts.items():
        sums.setdefault(arm, []).append(section_sums(pd.read_parquet(path)))
    seeds = {arm: [seed for name, seed in knockouts if name == arm] for arm in sums}
    sections = [
        section_rows(table).assign(arm=arm, seed=seed)
        for arm, tables in sums.items()
        for seed, table in zip(seeds[arm], tables, strict=True)
    ]
    table = faithfulness_table(sums, **evaluation)
    write_csv(table, outputs["faithfulness"])
    write_csv(pd.concat(sections).loc[:, SECTION_COLUMNS], outputs["sections"])
    turned = [{"arm": arm, "seed": seed} | row for (arm, seed), path in dials.items() for row in dial_rows(path)]
    write_csv(pd.DataFrame(turned, columns=DIAL_COLUMNS), outputs["dial"])
    with replacing(outputs["latex"]) as temporary:
        shown = shown_faithfulness(table)
        types = "l" + "r" * (shown.shape[1] - 1)
        temporary.write_text(latex_table(shown.columns, shown.to_numpy(), types), encoding="utf-8")


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        runs, inputs = snakemake.params.evaluated, snakemake.input
        main(
            knockouts=dict(zip(runs, map(Path, inputs.knockouts), strict=True)),
            dials=dict(zip(snakemake.params.dialled, map(Path, inputs.dials), strict=True)),
            evaluation=snakemake.params.evaluation,
            outputs={name: Path(path) for name, path in snakemake.output.items()},
        )
