"""Gather the cut test and the comparisons of attention into tables."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from localist.claims.tables import CUT_COLUMNS, DIVERGENCE_COLUMNS, cut_rows, divergence_rows, write_csv
from localist.plumbing.rule_log import rule_log


def main(
    study: Path,
    evaluated: Sequence[tuple[str, int]],
    compared: Sequence[tuple[str, int, str, int]],
    cut: Path,
    divergence: Path,
) -> None:
    """Write one row per run and partition that was cut by, and one per comparison and layer."""
    cuts = []
    for arm, seed in evaluated:
        folder = study / "evaluation" / arm / f"seed{seed}"
        tokens = pd.read_parquet(folder / "tokens.parquet", columns=["split", "nll"])
        rows = cut_rows(pd.read_parquet(folder / "cut.parquet"), tokens)
        cuts += [{"arm": arm, "seed": seed} | row for row in rows]
    divergences = []
    for arm, seed, other, other_seed in compared:
        folder = study / "comparisons" / arm / f"seed{seed}" / other / f"seed{other_seed}"
        rows = divergence_rows(pd.read_parquet(folder / "layers.parquet"))
        divergences.append(rows.assign(arm=arm, seed=seed, other=other, other_seed=other_seed))
    write_csv(pd.DataFrame(cuts)[CUT_COLUMNS], cut)
    write_csv(pd.concat(divergences)[DIVERGENCE_COLUMNS], divergence)


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(
            study=Path(snakemake.output.cut).parent.parent,
            evaluated=snakemake.params.evaluated,
            compared=snakemake.params.compared,
            cut=Path(snakemake.output.cut),
            divergence=Path(snakemake.output.divergence),
        )
