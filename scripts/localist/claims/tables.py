"""The study's tables, from the evaluation files of its runs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from localist.claims.bootstrap import paired, resample
from localist.claims.fidelity import corrected_fidelity
from localist.evaluation.measures import MEASURES
from localist.plumbing.files import replacing
from localist.study.arms import DISTRIBUTED, SHIFTED, Arm
from localist.study.layers import late_layers

METRIC_COLUMNS = [
    *("arm", "schedule", "degree", "partition", "penalty", "fidelity_target", "weight", "applies_to", "dose"),
    *("perplexity_budget", "seed", "split", "precision"),
    *("perplexity", "bits_per_byte", "accuracy", "nll", "tokens"),
]
LAYER_COLUMNS = [
    *("arm", "seed", "measured_partition", "layer", "locality", "fidelity", "chance", "fidelity_corrected"),
    *MEASURES,
    "queries",
]
HISTORY_COLUMNS = [
    *("arm", "seed", "step", "tokens", "cross_entropy", "penalty", "weight", "excess"),
    *("active_share", "learning_rate"),
]
AT_TOKENS_COLUMNS = ["arm", "seed", "tokens", "perplexity", "late_fidelity_corrected"]
KNOCKOUT_COLUMNS = ["arm", "seed", "partition", "nll", "nll_knockout", "delta_nll", "tokens"]
DIAL_COLUMNS = ["arm", "seed", "dial", "perplexity", "late_fidelity_corrected", "knockout_cost", "tokens"]
DIVERGENCE_COLUMNS = ["arm", "seed", "other", "other_seed", "layer", "divergence_bits", "queries"]
AVERAGES = {"fidelity": "queries", "chance": "queries"} | {name: one.queries for name, one in MEASURES.items()}

MetricRow = dict[str, str | float | None]  # column → value


def metric_rows(arm: Arm, seed: int, precision: str, metrics: Mapping[str, Mapping[str, float]]) -> list[MetricRow]:
    """The rows of metrics.csv for one run: one per split. precision: of the evaluation."""
    settings = {"arm": arm.name, **{key: value for key, value in arm.as_params().items() if key != "name"}}
    run = settings | {"seed": seed, "precision": precision}
    return [run | {"split": split} | dict(values) for split, values in metrics.items()]


def layer_rows(layers: pd.DataFrame, locality: Sequence[float]) -> pd.DataFrame:
    """The rows of layers.csv for one run and measured partition: averages over all sections, one row per layer."""
    sums = layers.groupby("layer").agg("sum")
    counts = {count: sums.loc[:, count].where(sums.loc[:, count] > 0) for count in AVERAGES.values()}
    rows = pd.DataFrame({name: sums.loc[:, name] / counts[count] for name, count in AVERAGES.items()})
    rows["fidelity_corrected"] = corrected_fidelity(rows.loc[:, "fidelity"], rows.loc[:, "chance"])
    rows["queries"] = sums.loc[:, "queries"]
    rows["locality"] = np.asarray(locality)[rows.index]
    return rows.reset_index()


def late_summary(layers: pd.DataFrame) -> dict[str, float]:
    """Chance-corrected fidelity, chance and sink share of the last third, from rows as in layers.parquet."""
    layer = layers.loc[:, "layer"]
    sums = layers.loc[layer.isin(late_layers(int(layer.max()) + 1))].sum().loc
    if not sums["queries"]:
        return {"late_fidelity_corrected": np.nan, "late_chance": np.nan, "late_sink_share": np.nan}
    fidelity, chance = sums["fidelity"] / sums["queries"], sums["chance"] / sums["queries"]
    return {
        "late_fidelity_corrected": corrected_fidelity(fidelity, chance),
        "late_chance": chance,
        "late_sink_share": sums["sink_share"] / sums["queries_all"],
    }


def bootstrap_perplexity(sections: Mapping[str, Sequence[pd.DataFrame]], *, resamples: int, seed: int) -> pd.DataFrame:
    """Perplexity of each arm and its ratio to the distributed arm, with 95 % intervals over seeds and test sections.

    sections: arm → one table per seed as from `losses_by_section`. Every arm gets the same draws of sections, and the
    ratio is paired by section, and by seed where both have the same number.
    """
    names = sections[DISTRIBUTED][0].index
    losses = {
        arm: np.stack([table.loc[names, ["nll", "tokens"]].to_numpy(float) for table in tables])
        for arm, tables in sections.items()
    }
    base = losses[DISTRIBUTED]
    rows = []
    for arm, own in losses.items():
        mean = resample([own], lambda totals: mean_loss(totals[0]), resamples=resamples, seed=seed)
        samples = [paired(own, base)] if len(own) == len(base) else [own, base]
        ratio = resample(samples, loss_difference, resamples=resamples, seed=seed)
        values = (mean.value, *mean.interval, ratio.value, *ratio.interval)
        rows.append((arm, len(own), len(names), *np.exp(values)))
    ends = [f"{name}{end}" for name in ("perplexity", "ratio") for end in ("", "_low", "_high")]
    return pd.DataFrame(rows, columns=["arm", "seeds", "sections", *ends])


def summary_table(
    arms: Mapping[str, Arm],
    perplexity: pd.DataFrame,
    late: Mapping[tuple[str, str], Mapping[str, float]],
    reference: str,
) -> pd.DataFrame:
    """arms.csv: settings, perplexity, and the late layers on the reference partition and, if measured, shifted blocks.

    perplexity: as from `bootstrap_perplexity`, one row per arm in the same order; late: `late_summary` of the seeds of
    each arm, by arm and measured partition.
    """
    described = pd.DataFrame([arm.as_params() for arm in arms.values()]).drop(columns="name")
    rows = pd.DataFrame([late[name, reference] for name in arms])
    if any(partition == SHIFTED for _, partition in late):
        rows["late_fidelity_corrected_shifted"] = [late[name, SHIFTED]["late_fidelity_corrected"] for name in arms]
    return pd.concat([perplexity["arm"], described, perplexity.drop(columns="arm"), rows], axis=1)


def losses_by_section(tokens: pd.DataFrame) -> pd.DataFrame:
    """Loss by section (index) from rows with columns section and nll: columns nll (sum in nats) and tokens (count)."""
    # Converted first: pandas returns the sums in the type of the column.
    exact = tokens[["section", "nll"]].astype({"nll": np.float64})
    return exact.groupby("section").agg(nll=("nll", "sum"), tokens=("nll", "size"))


def mean_loss(totals: np.ndarray) -> np.ndarray:
    """Nats per token of totals […, 2], (nll, tokens) as in `losses_by_section`."""
    return totals[..., 0] / totals[..., 1]


def loss_difference(totals: Sequence[np.ndarray]) -> np.ndarray:
    """Nats per token by which one arm exceeds another; totals: two as in `mean_loss`, or one of both (see `paired`)."""
    own, base = totals if len(totals) == 2 else (totals[0][..., :2], totals[0][..., 2:])
    return mean_loss(own) - mean_loss(base)


def knockout_rows(knockout: pd.DataFrame, tokens: pd.DataFrame) -> list[MetricRow]:
    """The rows of knockout.csv for one run: loss with and without the knockout, by partition.

    knockout: as in knockout.parquet; tokens: as in tokens.parquet, of which only the test split is used.
    """
    whole = float(tokens.loc[tokens["split"] == "test", "nll"].astype(np.float64).mean())
    rows = []
    for partition, part in knockout.groupby("partition", sort=False):
        mean = float(part.loc[:, "nll"].astype(np.float64).mean())
        rows.append(
            {"partition": partition, "nll": whole, "nll_knockout": mean, "delta_nll": mean - whole, "tokens": len(part)}
        )
    return rows


def snapshot_rows(sums: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of at_tokens.csv for one run, one per number of training tokens. sums: as in at_tokens.parquet."""
    if sums.empty:
        return []
    return [
        {
            "tokens": tokens,
            "perplexity": float(np.exp(rows["nll"].iloc[0] / rows["predicted"].iloc[0])),
            "late_fidelity_corrected": late_summary(rows)["late_fidelity_corrected"],
        }
        for tokens, rows in sums.groupby("tokens")
    ]


def dial_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of dial.csv for one run, one per setting of the dial; none if dial.parquet is empty.

    late_fidelity_corrected: on the reference partition; knockout_cost: in nats per token, under the dial.
    """
    table = pd.read_parquet(path)
    if table.empty:
        return []
    rows = []
    for dial, sums in table.groupby("dial"):
        queries = sums["queries"].sum()
        fidelity, chance = (sums[name].sum() / queries if queries else np.nan for name in ("fidelity", "chance"))
        nll, knocked_out, tokens = sums[["nll", "nll_knockout", "tokens"]].iloc[0]
        rows.append(
            {
                "dial": dial,
                "perplexity": float(np.exp(nll / tokens)),
                "late_fidelity_corrected": corrected_fidelity(fidelity, chance),
                "knockout_cost": (knocked_out - nll) / tokens,
                "tokens": int(tokens),
            }
        )
    return rows


def divergence_rows(layers: pd.DataFrame) -> pd.DataFrame:
    """The rows of divergence.csv for one comparison: bits per query by layer, over all sections."""
    sums = layers.loc[:, ["layer", "divergence", "queries"]].groupby("layer").agg("sum")
    queries = sums.loc[:, "queries"]
    return pd.DataFrame({"divergence_bits": sums.loc[:, "divergence"] / queries, "queries": queries}).reset_index()


def read_csv(path: Path) -> pd.DataFrame:
    """Read a table written by `write_csv`; an arm may be called "null" or "007"."""
    return pd.read_csv(path, converters={"arm": str})


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table with numbers rounded to meaningful digits."""
    with replacing(path) as temporary:
        table.to_csv(temporary, index=False, float_format="%.8g")
