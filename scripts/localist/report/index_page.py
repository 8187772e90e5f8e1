"""A study's start page: the answer, then the evidence."""

import base64
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from localist.report.pages import Table
from localist.report.templates import render
from localist.report.trade_off import HEADINGS, NO_TRADE_OFF, trade_off
from localist.study.arms import DISTRIBUTED, SEMANTIC

# The tables of a study by name, as in {name}.csv.
Tables = Mapping[str, pd.DataFrame]


def price(tables: Tables, arm: str) -> tuple[str, str]:
    """Rise in test perplexity over the distributed arm, and its 95 % interval."""
    row = _row(tables["arms"], arm)
    return f"{row['ratio'] - 1:+z.1%}", _interval(row["ratio_low"] - 1, row["ratio_high"] - 1, "+z.1%")


def late_fidelity(tables: Tables, arm: str) -> tuple[str, str]:
    """Chance-corrected late fidelity, and that of the distributed arm."""
    value, baseline = (_row(tables["arms"], name)["late_fidelity_corrected"] for name in (arm, DISTRIBUTED))
    return f"{value:.2f}", f"{DISTRIBUTED}: {baseline:.2f}"


def knockout_cost(tables: Tables, arm: str) -> tuple[str, str]:
    """ΔNLL of the knockout of foreign semantic blocks in late layers, and that of the distributed arm."""
    rows = tables["knockout"]
    of_arm = rows[rows["partition"] == SEMANTIC].groupby("arm")["delta_nll"].mean()
    return f"{of_arm[arm]:.3f} nats", f"{DISTRIBUTED}: {of_arm[DISTRIBUTED]:.3f}"


def faithfulness(tables: Tables, arm: str) -> tuple[str, str]:
    """ρ of attribution and effect; its 95 % interval, and that of the distributed arm."""
    row, baseline = _row(tables["faithfulness"], arm), _row(tables["faithfulness"], DISTRIBUTED)
    sample = "1 window" if row["windows"] == 1 else f"{row['windows']:.0f} windows"
    interval = _interval(row["rho_low"], row["rho_high"], ".2f")
    return f"ρ = {row['rho']:.2f}", f"{interval}, {sample}; {DISTRIBUTED}: {baseline['rho']:.2f}"


def dial_cost(tables: Tables, arm: str) -> tuple[str, str]:
    """Rise in perplexity from the dial's lowest setting to its highest, and that of the distributed arm."""
    of_arm = {name: _at_full_dial(tables["dial"], name) for name in (arm, DISTRIBUTED)}
    return f"{of_arm[arm]:+z.1%}", f"{DISTRIBUTED}: {of_arm[DISTRIBUTED]:+z.1%}"


def _interval(low: float, high: float, form: str) -> str:
    return "no interval" if np.isnan(low) else f"{low:{form}} to {high:{form}}"


NUMBERS: Mapping[str, Callable[[Tables, str], tuple[str, str]]] = {
    "price": price,
    "late_fidelity": late_fidelity,
    "knockout": knockout_cost,
    "faithfulness": faithfulness,
    "dial": dial_cost,
}


def five_numbers(tables: Tables, arm: str) -> list[tuple[str, str, str]]:
    """Key, value and reference value of each of NUMBERS that the study has measured for this arm."""
    found = []
    for key, number in NUMBERS.items():
        try:
            value, beside = number(tables, arm)
        except (KeyError, IndexError):
            continue
        if "nan" not in value:
            found.append((key, value, beside))
    return found


def index_page(
    study: str,
    tables: Tables,
    arm: str | None,
    figures: Mapping[str, Path],
    method: str,
    about: Mapping[str, str],
    templates: Sequence[Path],
) -> str:
    """The page.

    tables: arms, claims, knockout, faithfulness and dial; arm: the arm of the five numbers; figures: name → PNG;
    method: HTML of docs/method.md; about: model, corpus and tokens, in words.
    """
    claims = tables["claims"]
    rows = trade_off(tables["arms"].to_dict("records"))
    return render(
        templates,
        study=study,
        about=about,
        arm=arm,
        answer=answer(tables["arms"], rows),
        numbers=five_numbers(tables, arm) if arm else [],
        tradeoff=Table(list(HEADINGS), [list(row) for row in rows]),
        no_tradeoff=NO_TRADE_OFF,
        claims=claims.replace({np.nan: ""}).to_dict("records"),
        verdicts=claims["verdict"].value_counts().to_dict(),
        seeds=int(tables["arms"]["seeds"].max()),
        sections=int(tables["arms"]["sections"].max()),
        pictures={name: _data_uri(path) for name, path in figures.items()},
        method=method,
    )


def answer(arms: pd.DataFrame, rows: Sequence[tuple[str, ...]]) -> str:
    """The late fidelity without a constraint and at each budget, as a sentence; "" if one cannot be stated.

    rows: of `trade_off` for these arms.
    """
    free = _row(arms, DISTRIBUTED)["late_fidelity_corrected"]
    if not rows or np.isnan(free):
        return ""
    *before, last = [
        f"{free:z.3f} without a constraint",
        *(f"{value} at {budget} perplexity" for budget, value, _ in rows),
    ]
    return f"Chance-corrected late fidelity is {', '.join(before)} and {last}."


def _row(table: pd.DataFrame, arm: str) -> pd.Series:
    return table.loc[table["arm"] == arm].iloc[0]


def _at_full_dial(dial: pd.DataFrame, arm: str) -> float:
    """Rise in perplexity from the dial's lowest setting to its highest, as a share; its log is averaged over seeds."""
    of_arm = dial[dial["arm"] == arm]
    by_setting = of_arm.assign(nll=np.log(of_arm["perplexity"])).groupby("dial")["nll"].mean()
    return float(np.expm1(by_setting.iloc[-1] - by_setting.iloc[0]))


def _data_uri(path: Path) -> str:
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"
