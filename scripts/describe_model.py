"""Write the model card of one trained model."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from localist.claims.tables import late_summary
from localist.plumbing.files import read_json, replacing
from localist.plumbing.rule_log import rule_log
from localist.report.model_card import Corpus, Facts, Model, model_card
from localist.study.arms import Arm


def main(
    study: str,
    arm: Mapping[str, Any],
    model: Model,
    corpus: Corpus,
    partition: str,
    settings: Path,
    metrics: Path,
    precision: Path,
    layers: Path,
    templates: Sequence[Path],
    card: Path,
) -> None:
    """Write README.md next to the model folder."""
    facts = Facts(
        study=study,
        arm=Arm(**arm),
        settings=read_json(settings),
        metrics=read_json(metrics),
        evaluated_in=read_json(precision)["precision"],
        late=late_summary(pd.read_parquet(layers))["late_fidelity_corrected"],
        partition=partition,
        model=model,
        corpus=corpus,
    )
    with replacing(card) as temporary:
        temporary.write_text(model_card(facts, templates), encoding="utf-8")


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
            precision=Path(snakemake.input.precision),
            layers=Path(snakemake.input.layers),
            templates=[Path(path) for path in snakemake.input.templates],
            card=Path(snakemake.output.card),
        )
