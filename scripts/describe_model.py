"""Write the model card of one trained model."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from localist.claims.tables import late_summary
from localist.plumbing.files import read_json, replacing
from localist.plumbing.rule_log import rule_log
from localist.report.model_card import model_card


def main(
    study: str,
    arm: Mapping[str, Any],
    model: Mapping[str, Any],
    corpus: Mapping[str, Any],
    partition: str,
    settings: Path,
    metrics: Path,
    layers: Path,
    card: Path,
) -> None:
    """Write README.md beside the model folder."""
    facts = {
        "study": study,
        "arm": arm,
        "settings": read_json(settings),
        "metrics": read_json(metrics),
        "late": late_summary(pd.read_parquet(layers))["late_fidelity_corrected"],
        "partition": partition,
        "model": model,
        "corpus": corpus,
    }
    with replacing(card) as temporary:
        temporary.write_text(model_card(facts), encoding="utf-8")


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(
            study=snakemake.wildcards.study,
            arm=snakemake.params.arm,
            model=snakemake.params.model,
            corpus=snakemake.params.corpus,
            partition=snakemake.params.partition,
            settings=Path(snakemake.input.settings),
            metrics=Path(snakemake.input.metrics),
            layers=Path(snakemake.input.layers),
            card=Path(snakemake.output.card),
        )
