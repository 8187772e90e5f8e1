"""Figures from the abstract of the paper's first version (arXiv 2511.18375v1) compared with those of a study."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

MODEL, BOOK = "GPT-2", "The Psychology of Artificial Superintelligence"
QUINTIC_PERPLEXITY, QUINTIC_RATIO, EARLIER_RATIO = 14.64, 1.89, 6.6
# quantity, the paper's figure, its source, and the arm and column of arms.csv to compare it with
ROWS = (
    ("perplexity, quintic", QUINTIC_PERPLEXITY, "stated", "quintic", "perplexity"),
    (
        "perplexity, distributed",
        QUINTIC_PERPLEXITY / QUINTIC_RATIO,
        f"computed: {QUINTIC_PERPLEXITY} / {QUINTIC_RATIO}",
        "distributed",
        "perplexity",
    ),
    ("ratio to distributed, quintic", QUINTIC_RATIO, "stated", "quintic", "ratio"),
    ("ratio to distributed, localist", EARLIER_RATIO, "stated for earlier localist models", "localist", "ratio"),
)
COLUMNS = [
    *("quantity", "paper", "paper_source", "study", "study_low", "study_high"),
    *("paper_model", "model", "paper_corpus", "corpus", "alike"),
]


def published_table(
    summary: pd.DataFrame, arms: Mapping[str, str | None], model: Mapping[str, str], corpus: Mapping[str, str]
) -> pd.DataFrame:
    """One row per figure of the paper; NaN if the study has no such arm.

    summary: as in arms.csv. arms: the study's name for quintic, localist and distributed. model, corpus: as in config.
    """
    rows = summary.set_index("arm")
    missing = pd.Series(np.nan, rows.columns)
    alike = difference(model, corpus)
    table = []
    for quantity, paper, source, arm, column in ROWS:
        row = rows.loc[arms[arm]] if arms[arm] in rows.index else missing
        values = (row[column], row[f"{column}_low"], row[f"{column}_high"])
        table.append((quantity, paper, source, *values, MODEL, model["name"], BOOK, corpus["name"], alike))
    return pd.DataFrame(table, columns=COLUMNS)


def difference(model: Mapping[str, str], corpus: Mapping[str, str]) -> str:
    """How the study differs from the paper, by the names and origins in the config."""
    other = []
    if BOOK.lower() not in f"{corpus['name']} {corpus['origin']}".lower():
        other.append("a different corpus")
    if model["name"].lower().replace("-", "") != MODEL.lower().replace("-", ""):
        other.append("a different model")
    return ", ".join(other) or "the same corpus and model by name; method, split and settings are our own"
