"""Collect attention knockouts and comparisons of attention in tables."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from localist.claims.tables import DIVERGENCE_COLUMNS, KNOCKOUT_COLUMNS, divergence_rows, knockout_rows, write_csv
from localist.plumbing.rule_log import rule_log


def main(
    evaluated: Mapping[tuple[str, int], tuple[Path, Path]],
    compared: Mapping[tuple[str, int, str, int], Path],
    knockout: Path,
    divergence: Path,
) -> None:
    """Write one row per run and partition whose blocks were knocked out, and one per comparison and layer.

    evaluated: (arm, seed) → tokens.parquet and knockout.parquet; compared: (arm, seed, other arm, its seed) →
    layers.parquet.
    """
    knockouts = []
    for (arm, seed), (tokens, losses) in evaluated.items():
        rows = knockout_rows(pd.read_parquet(losses), pd.read_parquet(tokens, columns=["split", "nll"]))
        knockouts += [{"arm": arm, "seed": seed} | row for row in rows]
    divergences = [
        divergence_rows(pd.read_parquet(layers)).assign(arm=arm, seed=seed, other=other, other_seed=other_seed)
        for (arm, seed, other, other_seed), layers in compared.items()
    ]
    write_csv(pd.DataFrame(knockouts).loc[:, KNOCKOUT_COLUMNS], knockout)
    write_csv(pd.concat(divergences).loc[:, DIVERGENCE_COLUMNS], divergence)


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        files = zip(map(Path, snakemake.input.tokens), map(Path, snakemake.input.knockout), strict=True)
        main(
            evaluated=dict(zip(snakemake.params.evaluated, files, strict=True)),
            compared=dict(zip(snakemake.params.compared, map(Path, snakemake.input.comparisons), strict=True)),
            knockout=Path(snakemake.output.knockout),
            divergence=Path(snakemake.output.divergence),
        )
