"""Judge every claim from the evaluation files."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd

from localist.claims.claim_tables import claims_table, contrasts_table, manipulation_table
from localist.claims.evidence import FIDELITY_SUMS, SINK_SUMS, Comparison, Evidence, Run, run_evaluation
from localist.claims.judged_study import ConstraintDefaults, Margins, Study
from localist.claims.judging import judge, manipulation_checks
from localist.claims.tables import write_csv
from localist.plumbing.files import read_json, replacing
from localist.plumbing.rule_log import rule_log
from localist.report.latex import latex_table
from localist.report.pages import claims_page
from localist.report.shown_tables import shown_claims
from localist.report.verdict_sentences import claim_words
from localist.study.arms import Arm

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Inputs:
    """The files from which claims are judged. layers: by partition and run; blocks: summary.json by partition."""

    tokens: Mapping[Run, Path]
    knockout: Mapping[Run, Path]
    block_knockouts: Mapping[Run, Path]
    layers: Mapping[tuple[str, Run], Path]
    precision: Mapping[Run, Path]
    history: Mapping[Run, Path]
    comparisons: Mapping[Comparison, Path]
    blocks: Mapping[str, Path]


@dataclass(frozen=True)
class Templates:
    """The templates for the sentences and for the page."""

    sentences: Sequence[Path]
    page: Sequence[Path]


def main(
    inputs: Inputs,
    arms: Mapping[str, Mapping[str, Any]],
    seeds: Sequence[int],
    constraint: Mapping[str, Any],
    claims: Mapping[str, float],
    min_sections: int,
    evaluation: Mapping[str, int],
    templates: Templates,
    outputs: Mapping[str, Path],
) -> None:
    """Write claims, the contrasts behind them and the manipulation checks as tables, and claims as LaTeX and a page."""
    table = {name: Arm(**row) for name, row in arms.items()}
    defaults = ConstraintDefaults(**constraint)
    study = Study(read_evidence(inputs, table, seeds, defaults.min_locality, evaluation), defaults, Margins(**claims))
    gains = manipulation_checks(study)
    judged = judge(study, min_sections=min_sections, gains=gains)
    words = claim_words(judged, templates.sentences)
    told = claims_table(judged, words)
    write_csv(told, outputs["claims"])
    write_csv(contrasts_table(judged), outputs["contrasts"])
    checks = manipulation_table(study, gains, {run: pd.read_csv(path) for run, path in inputs.history.items()})
    write_csv(checks, outputs["manipulation"])
    with replacing(outputs["page"]) as temporary:
        temporary.write_text(claims_page(told, checks, templates.page), encoding="utf-8")
    with replacing(outputs["latex"]) as temporary:
        shown = shown_claims(told)
        temporary.write_text(latex_table(shown.columns, shown.to_numpy(), "llrlrr"), encoding="utf-8")
    for one, said in zip(judged, words, strict=True):
        logger.info("%s: %s", one.name, said.sentence)


def read_evidence(
    inputs: Inputs, arms: Mapping[str, Arm], seeds: Sequence[int], min_locality: float, evaluation: Mapping[str, int]
) -> Evidence:
    """Load the evaluation of all runs."""
    columns = ["layer", "section", *FIDELITY_SUMS, *SINK_SUMS]
    summaries = {partition: read_json(path) for partition, path in inputs.blocks.items()}
    return Evidence(
        arms=arms,
        seeds=seeds,
        measured=list(inputs.blocks),
        runs={
            run: run_evaluation(
                tokens=pd.read_parquet(path, columns=["section", "nll", "split"]),
                knockout=pd.read_parquet(inputs.knockout[run]),
                layers={name: pd.read_parquet(inputs.layers[name, run], columns=columns) for name in inputs.blocks},
                block_knockouts=pd.read_parquet(inputs.block_knockouts[run]),
                precision_shift=read_json(inputs.precision[run])["shift_nats"],
            )
            for run, path in inputs.tokens.items()
        },
        comparisons={pair: pd.read_parquet(path) for pair, path in inputs.comparisons.items()},
        mean_chances={
            (partition, split): values["mean_chance"]
            for partition, summary in summaries.items()
            for split, values in summary["splits"].items()
        },
        min_locality=min_locality,
        resamples=evaluation["resamples"],
        seed=evaluation["seed"],
    )


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        given, runs, measured = snakemake.input, snakemake.params.runs, snakemake.params.measured
        main(
            inputs=Inputs(
                tokens=dict(zip(runs, map(Path, given.tokens), strict=True)),
                knockout=dict(zip(runs, map(Path, given.knockout), strict=True)),
                block_knockouts=dict(zip(runs, map(Path, given.block_knockouts), strict=True)),
                layers=dict(zip(product(measured, runs), map(Path, given.layers), strict=True)),
                precision=dict(zip(runs, map(Path, given.precision), strict=True)),
                history=dict(zip(runs, map(Path, given.history), strict=True)),
                comparisons=dict(zip(snakemake.params.compared, map(Path, given.comparisons), strict=True)),
                blocks=dict(zip(measured, map(Path, given.blocks), strict=True)),
            ),
            arms=snakemake.params.arms,
            seeds=snakemake.params.seeds,
            constraint=snakemake.params.constraint,
            claims=snakemake.params.claims,
            min_sections=snakemake.params.min_sections,
            evaluation=snakemake.params.evaluation,
            templates=Templates(
                sentences=[Path(path) for path in given.sentences], page=[Path(path) for path in given.templates]
            ),
            outputs={
                name: Path(snakemake.output[name]) for name in ("claims", "contrasts", "manipulation", "latex", "page")
            },
        )
