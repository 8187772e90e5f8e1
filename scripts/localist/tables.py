"""The study's tables, from the evaluation files of its runs."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from localist.arms import DISTRIBUTED, Arm
from localist.fidelity import adjusted_fidelity
from localist.layers import late_layers

METRIC_COLUMNS = [
    *("arm", "schedule", "degree", "partition", "penalty", "fidelity_target", "strength", "applies_to", "dose"),
    *("seed", "split"),
    *("perplexity", "bits_per_byte", "accuracy", "nll", "tokens"),
]
LAYER_COLUMNS = [
    *("arm", "seed", "measured_partition", "layer", "locality", "fidelity", "chance", "fidelity_adjusted"),
    *("sink_share", "self_share", "entropy_bits", "entropy_normalised", "entropy_no_sink_bits"),
    *("distance_tokens", "queries"),
]
HISTORY_COLUMNS = [
    *("arm", "seed", "step", "tokens", "cross_entropy", "penalty", "strength", "active_share", "learning_rate"),
]
AVERAGES = {
    "fidelity": "queries",
    "chance": "queries",
    "sink_share": "queries_all",
    "self_share": "queries_all",
    "entropy_bits": "queries_all",
    "entropy_normalised": "queries_all",
    "entropy_no_sink_bits": "queries_visible",
    "distance_tokens": "queries_visible",
}


def metric_rows(arm: Arm, seed: int, metrics: Mapping[str, Mapping[str, float]]) -> list[dict[str, Any]]:
    """The rows of metrics.csv for one run: one per split."""
    settings = {"arm": arm.name, **{key: value for key, value in arm.as_params().items() if key != "name"}}
    return [settings | {"seed": seed, "split": split} | dict(values) for split, values in metrics.items()]


def layer_rows(layers: pd.DataFrame, locality: Sequence[float]) -> pd.DataFrame:
    """The rows of layers.csv for one run and measured partition: averages over all sections, one row per layer."""
    sums = layers.groupby("layer").sum()
    rows = pd.DataFrame({name: sums[name] / sums[count].where(sums[count] > 0) for name, count in AVERAGES.items()})
    rows["fidelity_adjusted"] = adjusted_fidelity(rows["fidelity"], rows["chance"])
    rows["queries"] = sums["queries"]
    rows["locality"] = np.asarray(locality)[rows.index]
    return rows.reset_index()


def late_summary(layers: pd.DataFrame) -> dict[str, float]:
    """Chance-corrected fidelity, chance and sink share of the last third, from rows as in layers.parquet."""
    late = layers[layers["layer"].isin(late_layers(layers["layer"].max() + 1))]
    sums = late.sum()
    if not sums["queries"]:
        return {"late_fidelity_adjusted": np.nan, "late_chance": np.nan, "late_sink_share": np.nan}
    fidelity, chance = sums["fidelity"] / sums["queries"], sums["chance"] / sums["queries"]
    return {
        "late_fidelity_adjusted": adjusted_fidelity(fidelity, chance),
        "late_chance": chance,
        "late_sink_share": sums["sink_share"] / sums["queries_all"],
    }


def bootstrap_perplexity(sections: Mapping[str, Sequence[pd.DataFrame]], *, resamples: int, seed: int) -> pd.DataFrame:
    """Perplexity of each arm and its ratio to the distributed arm, with 95 % hierarchical bootstrap intervals.

    sections: arm → one table per seed, indexed by section, with columns nll and tokens. Each resample draws seeds, then
    test sections; all arms share the draw of sections, so the ratio is paired.
    """
    generator = np.random.default_rng(seed)
    names = sections[DISTRIBUTED][0].index
    draws = generator.integers(len(names), size=(resamples, len(names)))
    weights = np.stack([np.bincount(draw, minlength=len(names)) for draw in draws])  # [resamples, sections]
    means = {}
    for arm, seeds in sections.items():
        nll = np.stack([table.loc[names, "nll"].to_numpy() for table in seeds])  # [seeds, sections]
        tokens = seeds[0].loc[names, "tokens"].to_numpy()
        chosen = generator.integers(len(seeds), size=(resamples, len(seeds)))
        resampled = np.einsum("rs,rks->r", weights, nll[chosen]) / (len(seeds) * (weights @ tokens))
        means[arm] = (nll.sum() / (len(seeds) * tokens.sum()), resampled)
    base, base_resampled = means[DISTRIBUTED]
    rows = []
    for arm, (mean, resampled) in means.items():
        low, high = np.percentile(resampled, [2.5, 97.5])
        ratio_low, ratio_high = np.percentile(resampled - base_resampled, [2.5, 97.5])
        values = (mean, low, high, mean - base, ratio_low, ratio_high)
        rows.append((arm, len(sections[arm]), len(names), *np.exp(values)))
    ends = [f"{name}{end}" for name in ("perplexity", "ratio") for end in ("", "_low", "_high")]
    return pd.DataFrame(rows, columns=["arm", "seeds", "sections", *ends])


def section_losses(tokens: pd.DataFrame) -> pd.DataFrame:
    """Test loss by section (index) from a run's tokens.parquet: columns nll (sum) and tokens (count)."""
    test = tokens[tokens["split"] == "test"]
    return test.groupby("section")["nll"].agg(nll=lambda values: values.astype(np.float64).sum(), tokens="size")
