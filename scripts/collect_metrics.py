"""Collect all runs in the study's tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd

from localist.claims.tables import (
    AT_TOKENS_COLUMNS,
    HISTORY_COLUMNS,
    LAYER_COLUMNS,
    METRIC_COLUMNS,
    bootstrap_perplexity,
    late_summary,
    layer_rows,
    losses_by_section,
    metric_rows,
    snapshot_rows,
    summary_table,
    write_csv,
)
from localist.plumbing.files import read_json, replacing
from localist.plumbing.rule_log import rule_log
from localist.report.latex import latex_table
from localist.report.pages import summary_page
from localist.report.shown_tables import shown_arms
from localist.report.trade_off import trade_off
from localist.study.arms import DISTRIBUTED, PRETRAINED, Arm
from localist.study.schedules import locality_by_layer

UNTUNED = Arm(PRETRAINED, None)
Run = tuple[str, int]  # arm, seed


@dataclass(frozen=True)
class Files:
    """The evaluation files of one run; layers: by measured partition."""

    metrics: Path
    precision: Path
    tokens: Path
    at_tokens: Path
    layers: Mapping[str, Path]


def main(
    evaluated: Mapping[Run, Files],
    histories: Mapping[Run, Path],
    arms: Mapping[str, Mapping[str, Any]],
    reference: str,
    min_locality: float,
    evaluation: Mapping[str, int],
    templates: Sequence[Path],
    outputs: Mapping[str, Path],
) -> None:
    """Write metrics, layers, history, schedules, snapshots, and the summary by arm as CSV, LaTeX and a page."""
    table = {PRETRAINED: UNTUNED} | {name: Arm(**row) for name, row in arms.items()}
    sums = {
        (run, partition): pd.read_parquet(path)
        for run, files in evaluated.items()
        for partition, path in files.layers.items()
    }
    depth = int(next(iter(sums.values())).loc[:, "layer"].max()) + 1
    locality = {name: locality_of(arm, depth, min_locality) for name, arm in table.items()}
    metrics = [
        row
        for (name, seed), files in evaluated.items()
        for row in metric_rows(table[name], seed, read_json(files.precision)["precision"], read_json(files.metrics))
    ]
    layers = [
        layer_rows(rows, locality[name]).assign(arm=name, seed=seed, measured_partition=partition)
        for ((name, seed), partition), rows in sums.items()
    ]
    history = [pd.read_csv(path).assign(arm=name, seed=seed) for (name, seed), path in histories.items()]
    schedules = [
        (name, arm.schedule, layer, value)
        for name, arm in table.items()
        if name != PRETRAINED
        for layer, value in enumerate(locality[name])
    ]
    losses: dict[str, list[pd.DataFrame]] = {name: [] for name in table}
    for (name, _), files in evaluated.items():
        tokens = pd.read_parquet(files.tokens, columns=["split", "section", "nll"])
        losses[name].append(losses_by_section(tokens.loc[tokens["split"] == "test"]))
    late = {
        (name, measured): late_summary(
            pd.concat(rows for ((arm, _), partition), rows in sums.items() if (arm, partition) == (name, measured))
        )
        for name, measured in product(table, {partition for _, partition in sums})
    }
    perplexity = bootstrap_perplexity(losses, resamples=evaluation["resamples"], seed=evaluation["seed"])
    summary = summary_table(table, perplexity, late, reference)
    used = {name: [str(row["precision"]) for row in metrics if row["arm"] == name] for name in table}
    summary["precision"] = [" and ".join(sorted(set(one))) for one in used.values()]
    write_csv(pd.DataFrame(metrics).loc[:, METRIC_COLUMNS], outputs["metrics"])
    write_csv(pd.concat(layers).loc[:, LAYER_COLUMNS], outputs["layers"])
    write_csv(pd.concat(history).loc[:, HISTORY_COLUMNS], outputs["history"])
    write_csv(pd.DataFrame(schedules, columns=["arm", "schedule", "layer", "locality"]), outputs["schedules"])
    write_csv(summary, outputs["arms"])
    snapshots = [
        {"arm": name, "seed": seed} | row
        for (name, seed), files in evaluated.items()
        for row in snapshot_rows(pd.read_parquet(files.at_tokens))
    ]
    write_csv(pd.DataFrame(snapshots, columns=AT_TOKENS_COLUMNS), outputs["at_tokens"])
    shown = shown_arms(summary)
    with replacing(outputs["latex"]) as temporary:
        types = "l" + "r" * (shown.shape[1] - 1)
        temporary.write_text(latex_table(shown.columns, shown.to_numpy(), types), encoding="utf-8")
    precision = " and ".join(sorted(set(summary["precision"])))
    with replacing(outputs["page"]) as temporary:
        temporary.write_text(
            summary_page(shown, trade_off(summary.to_dict("records")), precision, templates), encoding="utf-8"
        )


def locality_of(arm: Arm, layers: int, min_locality: float) -> list[float]:
    """λ by layer; 0 everywhere for the untuned model."""
    schedule = arm.schedule or DISTRIBUTED
    return locality_by_layer(schedule, layers, min_locality=min_locality, degree=arm.degree)


def files_by_run(
    runs: Sequence[Run],
    measured: Sequence[str],
    metrics: Sequence[str],
    precision: Sequence[str],
    tokens: Sequence[str],
    at_tokens: Sequence[str],
    layers: Sequence[str],
) -> dict[Run, Files]:
    """The files of each run.

    metrics, precision, tokens, at_tokens: in the order of the runs; layers: those of all runs for one partition, then
    for the next.
    """
    by_partition = dict(zip(product(measured, runs), map(Path, layers), strict=True))
    return {
        run: Files(*map(Path, files), layers={partition: by_partition[partition, run] for partition in measured})
        for run, *files in zip(runs, metrics, precision, tokens, at_tokens, strict=True)
    }


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(
            evaluated=files_by_run(
                snakemake.params.evaluated,
                snakemake.params.measured,
                snakemake.input.metrics,
                snakemake.input.precision,
                snakemake.input.tokens,
                snakemake.input.at_tokens,
                snakemake.input.layers,
            ),
            histories=dict(zip(snakemake.params.runs, map(Path, snakemake.input.history), strict=True)),
            arms=snakemake.params.arms,
            reference=snakemake.params.reference,
            min_locality=snakemake.params.min_locality,
            evaluation=snakemake.params.evaluation,
            templates=[Path(path) for path in snakemake.input.templates],
            outputs={
                name: Path(snakemake.output[name])
                for name in ("metrics", "layers", "arms", "latex", "page", "history", "schedules", "at_tokens")
            },
        )
