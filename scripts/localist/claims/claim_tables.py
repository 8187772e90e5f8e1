"""Claims, contrasts and manipulation checks as tables."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from localist.claims.bootstrap import Resampled
from localist.claims.evidence import Run
from localist.claims.judged_study import Study
from localist.claims.judging import Judgement

CLAIM_COLUMNS = [
    *("claim", "verdict", "reason", "effect", "unit", "ci_low", "ci_high", "p", "p_holm", "test", "seeds", "sections"),
    *("arms", "statement", "sentence", "reason_code"),
]
CONTRAST_COLUMNS = [
    *("claim", "contrast", "effect", "ci_low", "ci_high", "null", "smallest_effect", "better", "unit", "p", "verdict"),
]
MANIPULATION_COLUMNS = [
    *("arm", "partition", "gain", "gain_low", "gain_high", "minimum", "passed", "active_first", "active_last", "seeds"),
]
# The share of training steps at the beginning and at the end over which active penalties are averaged.
END_SHARE = 0.1


class Words(NamedTuple):
    """A judgement's reason and finding as text, rendered by the templates."""

    reason: str
    sentence: str


def claims_table(judged: Sequence[Judgement], words: Sequence[Words]) -> pd.DataFrame:
    """One row per claim, with the numbers of its weakest contrast, and the largest p of its contrasts."""
    rows = []
    for one, said in zip(judged, words, strict=True):
        row = {"claim": one.name, "verdict": one.verdict, "reason": said.reason, "p": one.p, "p_holm": one.p_holm}
        row |= {"arms": ";".join(one.arms), "statement": one.statement, "sentence": said.sentence}
        row |= {"reason_code": one.reason.code}
        contrast = one.weakest
        if contrast:
            row |= {"effect": contrast.value, "ci_low": contrast.low, "ci_high": contrast.high}
            row |= {"unit": contrast.description.unit, "test": contrast.test}
            row |= {"seeds": contrast.seeds, "sections": contrast.sections}
        rows.append(row)
    return pd.DataFrame(rows, columns=CLAIM_COLUMNS).astype({"seeds": "Int64", "sections": "Int64"})


def contrasts_table(judged: Sequence[Judgement]) -> pd.DataFrame:
    """One row per contrast of every claim that has contrasts."""
    rows = [
        {
            "claim": one.name,
            "contrast": contrast.description.label,
            "effect": contrast.value,
            "ci_low": contrast.low,
            "ci_high": contrast.high,
            "null": contrast.null,
            "smallest_effect": contrast.smallest,
            "better": contrast.better,
            "unit": contrast.description.unit,
            "p": contrast.p,
            "verdict": contrast.verdict,
        }
        for one in judged
        for contrast in one.contrasts
    ]
    return pd.DataFrame(rows, columns=CONTRAST_COLUMNS)


def manipulation_table(
    study: Study, gains: Mapping[str, Resampled], histories: Mapping[Run, pd.DataFrame]
) -> pd.DataFrame:
    """One row per constrained arm: the fidelity that its constraint added, and the share of active penalties.

    histories: rows as in history.csv, one per training step, of every run.
    """
    seeds = study.evidence.seeds
    rows = []
    for name, gain in gains.items():
        shares = [histories[name, seed]["active_share"].to_numpy() for seed in seeds]
        minimum = study.min_fidelity_gain(name)
        first, last = np.mean([active_at_ends(share) for share in shares], axis=0)
        row = {"arm": name, "partition": study.evidence.arms[name].partition, "minimum": minimum}
        row |= {"active_first": first, "active_last": last, "seeds": len(seeds)}
        low, high = gain.interval
        row |= {"gain": gain.value, "gain_low": low, "gain_high": high, "passed": gain.value >= minimum}
        rows.append(row)
    return pd.DataFrame(rows, columns=MANIPULATION_COLUMNS)


def active_at_ends(active_share: np.ndarray) -> tuple[float, float]:
    """Mean share of active penalties in the first and in the last tenth of the steps (at least one step each)."""
    steps = max(1, round(END_SHARE * len(active_share)))
    return float(active_share[:steps].mean()), float(active_share[-steps:].mean())
