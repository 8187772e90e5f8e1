"""Does late attention show which blocks a model uses? From knockouts of single blocks (method.md, Faithfulness)."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from localist.claims.bootstrap import resample

# Per window; all except ρ in nats per token.
MEASURES = ("rho", "effect_late", "effect_all", "comprehensiveness", "random_knockout", "sufficiency")
SECTION_COLUMNS = ["arm", "seed", "section", "windows", *MEASURES]
FAITHFULNESS_COLUMNS = [
    *("arm", "seeds", "sections", "windows"),
    *(f"{name}{end}" for name in MEASURES for end in ("", "_low", "_high")),
]
# With fewer pairs of blocks, a rank correlation is meaningless.
MIN_PAIRS = 3


def window_measures(knockouts: pd.DataFrame) -> pd.DataFrame:
    """One row per window: window, section, MEASURES. NaN if a measure cannot be computed.

    knockouts: rows as in block_knockouts.parquet.
    """
    columns = ["window", "section", *MEASURES]
    rows = [
        {"window": window, "section": rows["section"].iloc[0]} | _measures(rows)
        for window, rows in knockouts.groupby("window")
    ]
    return pd.DataFrame(rows, columns=columns)


def section_sums(knockouts: pd.DataFrame) -> pd.DataFrame:
    """Sums of MEASURES over the windows of each section (index), with the number of windows in {measure}_windows."""
    windows = window_measures(knockouts)
    values = windows[list(MEASURES)].astype(float)
    counts = values.notna().astype(float).add_suffix("_windows")
    return pd.concat([values.fillna(0.0), counts], axis=1).groupby(windows["section"]).sum()


def section_rows(sums: pd.DataFrame) -> pd.DataFrame:
    """The rows of faithfulness_sections.csv for one run: means over windows. sums: as from `section_sums`."""
    means = pd.DataFrame({name: sums[name] / sums[f"{name}_windows"].replace(0, np.nan) for name in MEASURES})
    return means.assign(windows=sums["effect_all_windows"].astype(int)).reset_index()


def faithfulness_table(sums: Mapping[str, Sequence[pd.DataFrame]], *, resamples: int, seed: int) -> pd.DataFrame:
    """One row per arm: means over windows, with 95 % intervals over seeds and sections (FAITHFULNESS_COLUMNS).

    sums: arm → one table per seed, as from `section_sums`; all have the same windows.
    """
    rows = []
    for arm, tables in sums.items():
        first = tables[0]
        row = {"arm": arm, "seeds": len(tables), "sections": len(first)}
        row["windows"] = int(first["effect_all_windows"].sum())
        for name in MEASURES if len(first) else ():
            pair = [name, f"{name}_windows"]
            sample = np.stack([table.reindex(first.index, fill_value=0.0)[pair].to_numpy() for table in tables])
            mean = resample([sample], _mean, resamples=resamples, seed=seed)
            # The bootstrap of few sections can exceed the bounds of a rank correlation.
            low, high = np.clip(mean.interval, -1, 1) if name == "rho" else mean.interval
            row |= {name: mean.value, f"{name}_low": float(low), f"{name}_high": float(high)}
        rows.append(row)
    return pd.DataFrame(rows, columns=FAITHFULNESS_COLUMNS)


def _mean(totals: Sequence[np.ndarray]) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return totals[0][..., 0] / totals[0][..., 1]


def _measures(rows: pd.DataFrame) -> dict[str, float]:
    """The measures of one window."""
    alone = rows["knocked_out"] == -1
    pairs, kept = rows[~alone], rows[alone]
    by_block = pairs.groupby("block")
    largest = pairs.loc[by_block["attribution"].idxmax()]
    return {
        "rho": _rank_correlation(pairs["attribution"].to_numpy(float), pairs["effect_all"].to_numpy(float)),
        "effect_late": float(pairs["effect_late"].astype(float).mean()),
        "effect_all": float(pairs["effect_all"].astype(float).mean()),
        "comprehensiveness": float(largest["effect_all"].astype(float).mean()),
        "random_knockout": float(by_block["effect_all"].mean().mean()),
        "sufficiency": float(kept["effect_all"].astype(float).mean()),
    }


def _rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Spearman's ρ; NaN for fewer than MIN_PAIRS pairs, or if one of the two is constant."""
    if len(one) < MIN_PAIRS or not np.ptp(one) or not np.ptp(other):
        return np.nan
    return float(np.corrcoef(pd.Series(one).rank(), pd.Series(other).rank())[0, 1])
