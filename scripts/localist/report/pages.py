"""Small self-contained pages for the report; every text is escaped."""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

import pandas as pd

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; } th { border-bottom: 1.5px solid #444; }
th, td { padding: .25rem .8rem; text-align: left; vertical-align: top; } td + td, th + th { text-align: right; }
td { white-space: nowrap; }
table.pairs td + td { text-align: left; white-space: normal; overflow-wrap: anywhere; }
table.prose td, table.prose th { text-align: left; white-space: normal; }
table.beside { table-layout: fixed; width: 100%; } table.beside th { text-align: left; }
table.beside td { text-align: start; white-space: pre-wrap; overflow-wrap: anywhere; }
tr:nth-child(even) td { background: #f5f5f5; }
"""


NO_BREAK = "\N{NO-BREAK SPACE}"
# Never colour alone.
SYMBOLS = {"supported": "✔", "not supported": "✘", "undecided": "?", "not tested": "–"}


def html_page(title: str, parts: Iterable[tuple[str, str]]) -> str:
    """A page of headed parts; the parts' bodies are HTML made by the functions below."""
    body = "".join(f"<h2>{escape(heading)}</h2>\n{content}\n" for heading, content in parts)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style></head>\n<body><h1>{escape(title)}</h1>\n{body}</body></html>\n"
    )


def html_table(table: pd.DataFrame, *, prose: bool = False) -> str:
    """A table with its cells as text; `prose` cells are wrapped and stand at the left."""
    return table.to_html(index=False, escape=True, border=0, classes="prose" if prose else None)


def html_pairs(values: Mapping[str, Any]) -> str:
    """Key and value, nested mappings by dotted keys."""
    rows = "".join(f"<tr><td>{escape(key)}</td><td>{escape(str(value))}</td></tr>" for key, value in _flat(values))
    return f'<table class="pairs">{rows}</table>'


def shown_arms(summary: pd.DataFrame) -> pd.DataFrame:
    """The summary by arm with numbers formatted for reading."""
    shifted = summary.get("late_fidelity_corrected_shifted", [float("nan")] * len(summary))
    return pd.DataFrame(
        {
            "arm": summary["arm"],
            "perplexity": [f"{value:.2f}" for value in summary["perplexity"]],
            "95 % interval": [
                f"{low:.2f} – {high:.2f}"
                for low, high in zip(summary["perplexity_low"], summary["perplexity_high"], strict=True)
            ],
            "ratio to distributed": [
                f"{row.ratio:.3f} ({row.ratio_low:.3f} – {row.ratio_high:.3f})" for row in summary.itertuples()
            ],
            "late fidelity, chance-corrected": [_number(value, "+.3f") for value in summary["late_fidelity_corrected"]],
            "under shifted blocks": [_number(value, "+.3f") for value in shifted],
            "late sink share": [_number(value, ".3f") for value in summary["late_sink_share"]],
            "seeds": summary["seeds"].astype(str),
            "sections": summary["sections"].astype(str),
        }
    )


def shown_claims(claims: pd.DataFrame) -> pd.DataFrame:
    """The claims with numbers formatted for reading."""
    return pd.DataFrame(
        {
            "claim": claims["claim"].str.replace("_", " "),
            "verdict": claims["verdict"],
            "effect": [_number(row.effect, ".3g") for row in claims.itertuples()],
            "unit": claims["unit"].fillna(""),
            "95 % interval": [
                "n/a" if pd.isna(row.ci_low) else f"{row.ci_low:.3g} to {row.ci_high:.3g}"
                for row in claims.itertuples()
            ],
            "p (Holm)": [_number(value, ".2g") for value in claims["p_holm"]],
        }
    )


def claims_page(claims: pd.DataFrame, checks: pd.DataFrame) -> str:
    """Claim by claim: what was claimed, the verdict, and what was measured; then whether the constraint acts."""
    told = pd.DataFrame(
        {
            "claim": [f"{row.statement} ({row.claim})" for row in claims.itertuples()],
            "verdict": [f"{SYMBOLS[verdict]} {verdict}".replace(" ", NO_BREAK) for verdict in claims["verdict"]],
            "what was measured": claims["sentence"],
        }
    )
    acts = pd.DataFrame(
        {
            "arm": checks["arm"],
            "blocks": checks["partition"],
            "fidelity added (95 % interval)": [
                f"{row.gain:+.3f} ({row.gain_low:+.3f} to {row.gain_high:+.3f})" for row in checks.itertuples()
            ],
            "enough": ["yes" if passed else "no" for passed in checks["passed"]],
            "active, first tenth": [_number(value, ".0%") for value in checks["active_first"]],
            "active, last tenth": [_number(value, ".0%") for value in checks["active_last"]],
        }
    )
    parts = [
        ("Claim by claim", html_table(told, prose=True)),
        ("The numbers behind the verdicts", html_table(shown_claims(claims))),
    ]
    if len(checks):
        least = checks["minimum"].iloc[0]
        heading = f"Does the constraint act? (fidelity added where λ acts, weighted by λ: at least {least:g})"
        parts.append((heading, html_table(acts)))
    return html_page("Claims", parts)


def shown_published(table: pd.DataFrame) -> pd.DataFrame:
    """The paper's figures beside the study's, formatted for reading."""
    return pd.DataFrame(
        {
            "quantity": table["quantity"],
            "paper": [f"{value:.3g}" if value < 10 else f"{value:.2f}" for value in table["paper"]],
            "this study": [_number(value, ".3f") for value in table["study"]],
            "95 % interval": [
                "n/a" if pd.isna(row.study_low) else f"{row.study_low:.3f} – {row.study_high:.3f}"
                for row in table.itertuples()
            ],
        }
    )


def published_page(table: pd.DataFrame, model_origin: str, corpus_origin: str) -> str:
    """The paper's figures beside the study's, and what sets the two apart."""
    first = table.iloc[0]
    shown = shown_published(table).assign(**{"the paper's figure is": table["paper_source"]})
    apart = pd.DataFrame(
        {
            "": ["model", "corpus", "method"],
            "paper": [first["paper_model"], first["paper_corpus"], "not public to us"],
            "this study": [
                f"{first['model']}: {model_origin}",
                f"{first['corpus']}: {corpus_origin}",
                "our own definitions of blocks, locality, constraint and measures",
            ],
        }
    )
    return html_page(
        "The paper's figures beside this study's",
        [
            (f"Not to be compared one by one: {first['alike']}", html_table(shown)),
            ("What sets them apart", html_table(apart, prose=True)),
        ],
    )


def _number(value: float, form: str) -> str:
    return "n/a" if pd.isna(value) else format(value, form)


def _flat(values: Mapping[str, Any], above: str = "") -> Iterable[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value
