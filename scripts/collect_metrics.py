"""Gather all runs into the study's tables."""

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from localist.claims.tables import (
    HISTORY_COLUMNS,
    LAYER_COLUMNS,
    METRIC_COLUMNS,
    bootstrap_perplexity,
    late_summary,
    layer_rows,
    losses_by_section,
    metric_rows,
    write_csv,
)
from localist.plumbing.files import read_json, replacing
from localist.plumbing.rule_log import rule_log
from localist.report.latex import latex_table
from localist.report.pages import html_page, html_table, shown_arms
from localist.study.arms import DISTRIBUTED, PRETRAINED, SHIFTED, Arm
from localist.study.schedules import locality_by_layer

logger = logging.getLogger(__name__)

UNTUNED = Arm(PRETRAINED, None)


def main(
    study: Path,
    arms: Mapping[str, Mapping[str, Any]],
    evaluated: Sequence[tuple[str, int]],
    measured: Sequence[str],
    reference: str,
    min_locality: float,
    evaluation: Mapping[str, int],
    outputs: Mapping[str, Path],
) -> None:
    """Write metrics, layers, history, schedules, and the summary by arm as CSV, LaTeX and a page."""
    table = {PRETRAINED: UNTUNED} | {name: Arm(**row) for name, row in arms.items()}
    metrics, layers, history = [], [], []
    losses: dict[str, list[pd.DataFrame]] = {name: [] for name in table}
    late_layers: dict[tuple[str, str], list[pd.DataFrame]] = defaultdict(list)
    for name, seed in evaluated:
        folder = study / "evaluation" / name / f"seed{seed}"
        metrics += metric_rows(table[name], seed, read_json(folder / "metrics.json"))
        tokens = pd.read_parquet(folder / "tokens.parquet", columns=["split", "section", "nll"])
        losses[name].append(losses_by_section(tokens[tokens["split"] == "test"]))
        for partition in measured:
            sums = pd.read_parquet(folder / partition / "layers.parquet")
            locality = locality_of(table[name], sums["layer"].max() + 1, min_locality)
            rows = layer_rows(sums, locality)
            layers.append(rows.assign(arm=name, seed=seed, measured_partition=partition))
            late_layers[partition, name].append(sums)
        if name != PRETRAINED:
            run = pd.read_csv(study / "runs" / name / f"seed{seed}" / "history.csv")
            history.append(run.assign(arm=name, seed=seed))
    depth = layers[0]["layer"].max() + 1
    schedules = [
        (name, arm.schedule, layer, value)
        for name, arm in table.items()
        if name != PRETRAINED
        for layer, value in enumerate(locality_of(arm, depth, min_locality))
    ]
    summary = bootstrap_perplexity(losses, resamples=evaluation["resamples"], seed=evaluation["seed"])
    late = pd.DataFrame([late_summary(pd.concat(late_layers[reference, name])) for name in summary["arm"]])
    if SHIFTED in measured:
        control = [late_summary(pd.concat(late_layers[SHIFTED, name])) for name in summary["arm"]]
        late["late_fidelity_corrected_shifted"] = [values["late_fidelity_corrected"] for values in control]
    described = pd.DataFrame([arm.as_params() for arm in table.values()]).drop(columns="name")
    summary = pd.concat([summary["arm"], described, summary.drop(columns="arm"), late], axis=1)
    write_csv(pd.DataFrame(metrics)[METRIC_COLUMNS], outputs["metrics"])
    write_csv(pd.concat(layers)[LAYER_COLUMNS], outputs["layers"])
    write_csv(pd.concat(history)[HISTORY_COLUMNS], outputs["history"])
    write_csv(pd.DataFrame(schedules, columns=["arm", "schedule", "layer", "locality"]), outputs["schedules"])
    write_csv(summary, outputs["arms"])
    shown = shown_arms(summary)
    with replacing(outputs["latex"]) as temporary:
        types = "l" + "r" * (shown.shape[1] - 1)
        temporary.write_text(latex_table(shown.columns, shown.to_numpy(), types), encoding="utf-8")
    with replacing(outputs["page"]) as temporary:
        temporary.write_text(html_page("Summary", [("Test split, by arm", html_table(shown))]), encoding="utf-8")


def locality_of(arm: Arm, layers: int, min_locality: float) -> list[float]:
    """λ by layer; 0 everywhere for the untuned model."""
    schedule = arm.schedule or DISTRIBUTED
    return locality_by_layer(schedule, layers, min_locality=min_locality, degree=arm.degree)


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(
            study=Path(snakemake.output.metrics).parent.parent,
            arms=snakemake.params.arms,
            evaluated=snakemake.params.evaluated,
            measured=snakemake.params.measured,
            reference=snakemake.params.reference,
            min_locality=snakemake.params.min_locality,
            evaluation=snakemake.params.evaluation,
            outputs={
                name: Path(snakemake.output[name])
                for name in ("metrics", "layers", "arms", "latex", "page", "history", "schedules")
            },
        )
