"""The study's tables with numbers formatted for reading, as used in pages and LaTeX."""

from collections.abc import Iterable

import pandas as pd


def shown_arms(summary: pd.DataFrame) -> pd.DataFrame:
    """The summary by arm, as in arms.csv, with numbers formatted for reading."""
    shifted = summary.reindex(columns=["late_fidelity_corrected_shifted"])
    return pd.DataFrame(
        {
            "arm": summary["arm"],
            "perplexity": _numbers(summary["perplexity"], ".2f"),
            "95 % interval": _ranges(summary["perplexity_low"], summary["perplexity_high"], ".2f"),
            "ratio to distributed": [
                f"{ratio:.3f} ({interval})"
                for ratio, interval in zip(
                    summary["ratio"], _ranges(summary["ratio_low"], summary["ratio_high"], ".3f"), strict=True
                )
            ],
            "late fidelity, chance-corrected": _numbers(summary["late_fidelity_corrected"], ".3f"),
            "under shifted blocks": _numbers(shifted.iloc[:, 0], ".3f"),
            "late sink share": _numbers(summary["late_sink_share"], ".3f"),
            "seeds": summary["seeds"].astype(str),
            "sections": summary["sections"].astype(str),
        }
    )


def shown_claims(claims: pd.DataFrame) -> pd.DataFrame:
    """The claims, as in claims.csv, with numbers formatted for reading."""
    return pd.DataFrame(
        {
            "claim": claims["claim"].str.replace("_", " "),
            "verdict": claims["verdict"],
            "effect": _numbers(claims["effect"], ".3g"),
            "unit": claims["unit"].fillna(""),
            "95 % interval": _ranges(claims["ci_low"], claims["ci_high"], ".3g", " to "),
            "p (Holm)": _numbers(claims["p_holm"], ".2g"),
        }
    )


def shown_checks(checks: pd.DataFrame) -> pd.DataFrame:
    """The manipulation checks, as in manipulation.csv, with numbers formatted for reading."""
    intervals = _ranges(checks["gain_low"], checks["gain_high"], "+.3f", " to ")
    return pd.DataFrame(
        {
            "arm": checks["arm"],
            "blocks": checks["partition"],
            "fidelity gained (95 % interval)": [
                f"{gain:+z.3f} ({interval})" for gain, interval in zip(checks["gain"], intervals, strict=True)
            ],
            "enough": ["yes" if passed else "no" for passed in checks["passed"]],
            "active, first tenth": _numbers(checks["active_first"], ".0%"),
            "active, last tenth": _numbers(checks["active_last"], ".0%"),
        }
    )


def shown_faithfulness(table: pd.DataFrame) -> pd.DataFrame:
    """Faithfulness by arm, as in faithfulness.csv, with numbers formatted for reading; losses in nats per token."""

    def with_interval(name: str, form: str) -> list[str]:
        ranges = _ranges(table[f"{name}_low"], table[f"{name}_high"], form, " to ")
        numbers = _numbers(table[name], form)
        return [
            f"{number} ({interval})" if number != "n/a" else number
            for number, interval in zip(numbers, ranges, strict=True)
        ]

    return pd.DataFrame(
        {
            "arm": table["arm"],
            "ρ": with_interval("rho", "+.2f"),
            "late": _numbers(table["effect_late"], ".3f"),
            "all layers": _numbers(table["effect_all"], ".3f"),
            "most attended": with_interval("comprehensiveness", ".3f"),
            "random": _numbers(table["random_knockout"], ".3f"),
            "own block alone": with_interval("sufficiency", ".3f"),
            "windows": table["windows"].astype(str),
            "sections": table["sections"].astype(str),
        }
    )


def shown_published(table: pd.DataFrame) -> pd.DataFrame:
    """The paper's figures next to the study's, as in published.csv, with numbers formatted for reading."""
    return pd.DataFrame(
        {
            "quantity": table["quantity"],
            "paper": [f"{value:.3g}" if value < 10 else f"{value:.2f}" for value in table["paper"]],
            "this study": _numbers(table["study"], ".3f"),
            "95 % interval": _ranges(table["study_low"], table["study_high"], ".3f"),
        }
    )


def _numbers(values: Iterable[float], form: str) -> list[str]:
    return ["n/a" if pd.isna(value) else format(value, form) for value in values]


def _ranges(low: Iterable[float], high: Iterable[float], form: str, to: str = " – ") -> list[str]:
    return [
        "n/a" if pd.isna(start) else f"{start:{form}}{to}{end:{form}}" for start, end in zip(low, high, strict=True)
    ]
