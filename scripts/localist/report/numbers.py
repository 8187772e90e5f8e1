"""Named and formatted numbers of every arm, every claim and the study, for the text of a paper."""

import pandas as pd

from localist.report.shown_tables import shown_arms, shown_claims

ARM_COLUMNS = {
    "perplexity": "perplexity",
    "95 % interval": "perplexity interval",
    "ratio to distributed": "ratio",
    "late fidelity, chance-corrected": "late fidelity",
    "under shifted blocks": "late fidelity shifted",
    "late sink share": "late sink share",
}
CLAIM_COLUMNS = {
    "verdict": "verdict",
    "effect": "effect",
    "unit": "unit",
    "95 % interval": "interval",
    "p (Holm)": "p holm",
}


def numbers(summary: pd.DataFrame, claims: pd.DataFrame) -> dict[str, str]:
    """Name → text, in the order of the tables: `arm quintic ratio`, `claim near baseline verdict`, `test sections`.

    summary: as in arms.csv; claims: as in claims.csv.
    """
    found = {"test sections": str(summary["sections"].max()), "seeds": str(summary["seeds"].max())}
    for kind, table, columns in (
        ("arm", shown_arms(summary), ARM_COLUMNS),
        ("claim", shown_claims(claims), CLAIM_COLUMNS),
    ):
        for row in table.to_dict(orient="records"):
            found |= {f"{kind} {row[kind]} {name}": row[column] for column, name in columns.items()}
    return found
