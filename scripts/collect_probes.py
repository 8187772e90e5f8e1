"""Gather attention knockouts and the comparisons of attention into tables."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from localist.claims.tables import DIVERGENCE_COLUMNS, KNOCKOUT_COLUMNS, divergence_rows, knockout_rows, write_csv
from localist.plumbing.rule_log import rule_log


def main(
    study: Path,
    evaluated: Sequence[tuple[str, int]],
    compared: Sequence[tuple[str, int, str, int]],
    knockout: Path,
    divergence: Path,
) -> None:
    """Write one row per run and partition whose blocks were held, and one per comparison and layer."""
    knockouts = []
    for arm, seed in evaluated:
        folder = study / "evaluation" / arm / f"seed{seed}"
        tokens = pd.read_parquet(folder / "tokens.parquet", columns=["split", "nll"])
        rows = knockout_rows(pd.read_parquet(folder / "knockout.parquet"), tokens)
        knockouts += [{"arm": arm, "seed": seed} | row for row in rows]
    divergences = []
    for arm, seed, other, other_seed in compared:
        folder = study / "comparisons" / arm / f"seed{seed}" / other / f"seed{other_seed}"
        rows = divergence_rows(pd.read_parquet(folder / "layers.parquet"))
        divergences.append(rows.assign(arm=arm, seed=seed, other=other, other_seed=other_seed))
    write_csv(pd.DataFrame(knockouts)[KNOCKOUT_COLUMNS], knockout)
    write_csv(pd.concat(divergences)[DIVERGENCE_COLUMNS], divergence)


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(
            study=Path(snakemake.output.knockout).parent.parent,
            evaluated=snakemake.params.evaluated,
            compared=snakemake.params.compared,
            knockout=Path(snakemake.output.knockout),
            divergence=Path(snakemake.output.divergence),
        )
