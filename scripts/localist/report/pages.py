"""The pages for the summary, the claims and the paper's figures, with tables as text for the templates."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from localist.report.shown_tables import shown_checks, shown_claims, shown_published
from localist.report.templates import render
from localist.report.trade_off import HEADINGS, NO_TRADE_OFF


class Table(NamedTuple):
    """A table as text, as expected by the templates."""

    columns: list[str]
    rows: list[list[str]]


def text_table(table: pd.DataFrame) -> Table:
    """The cells of a table as text."""
    return Table([str(name) for name in table.columns], [[str(cell) for cell in row] for row in table.to_numpy()])


def text_pairs(values: Mapping[str, object], above: str = "") -> list[tuple[str, str]]:
    """Keys and values as text; nested mappings have dotted keys."""
    pairs = []
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            pairs += text_pairs(value, f"{above}{key}.")
        else:
            pairs.append((f"{above}{key}", str(value)))
    return pairs


def summary_page(
    shown: pd.DataFrame, rows: Sequence[tuple[str, ...]], precision: str, templates: Sequence[Path]
) -> str:
    """The trade-off (rows as from `trade_off`), the arms (as from `shown_arms`), and the evaluation's precision."""
    tradeoff = Table(list(HEADINGS), [list(row) for row in rows])
    return render(templates, tradeoff=tradeoff, no_tradeoff=NO_TRADE_OFF, arms=text_table(shown), precision=precision)


def claims_page(claims: pd.DataFrame, checks: pd.DataFrame, templates: Sequence[Path]) -> str:
    """Claim by claim: statement, verdict and findings; then the numbers, and whether each constraint is active.

    claims: as in claims.csv; checks: as in manipulation.csv.
    """
    rows = claims.rename(columns={"claim": "name"}).loc[:, ["name", "statement", "verdict", "sentence"]]
    return render(
        templates,
        claims=rows.to_dict("records"),
        numbers=text_table(shown_claims(claims)),
        checks=text_table(shown_checks(checks)),
        minimum=f"{checks['minimum'].max():g}" if len(checks) else "",
    )


def published_page(table: pd.DataFrame, model_origin: str, corpus_origin: str, templates: Sequence[Path]) -> str:
    """The paper's numbers next to the study's, and how the two differ. table: as in published.csv."""
    first = table.iloc[0]
    return render(
        templates,
        figures=text_table(shown_published(table).assign(**{"source of the paper's number": table["paper_source"]})),
        model_origin=model_origin,
        corpus_origin=corpus_origin,
        **{key: str(first[key]) for key in ("alike", "paper_model", "model", "paper_corpus", "corpus")},
    )
