"""Two claims as in claims.csv: one with numbers, one that was not tested."""

import pandas as pd

CLAIMS = pd.DataFrame(
    {
        "claim": ["near_baseline", "robust_across_seeds"],
        "statement": ["Near.", "Robust."],
        "verdict": ["supported", "not tested"],
        "sentence": ["It was near.", "There are too few seeds."],
        "effect": [3.55, None],
        "unit": ["% perplexity", None],
        "ci_low": [2.0, None],
        "ci_high": [5.0, None],
        "p_holm": [0.0123, None],
    }
)
