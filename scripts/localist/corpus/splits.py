"""Which split each section belongs to (method.md, Splits)."""

import hashlib
from collections.abc import Mapping

import pandas as pd

SPLITS = ("train", "validation", "test")


def assign_splits(sections: pd.DataFrame, shares: Mapping[str, float], seed: int) -> pd.Series:
    """The split of each section (rows with document, title, section, heading, text), by its number in the corpus.

    Whole sections, stratified over documents, stable (method.md, Splits): within each document the sections are
    ordered by a seeded hash, and each goes to the split that is furthest behind its share of the characters so far.
    """
    order = sections.assign(
        rank=[
            _stable_rank(seed, title, heading, number)
            for title, heading, number in zip(
                sections["title"], sections["heading"], sections.groupby("document")["section"].rank(), strict=True
            )
        ],
        characters=sections["text"].str.len(),
    ).sort_values(["document", "rank"])
    assigned = dict.fromkeys(shares, 0.0)
    seen = 0
    splits = {}
    for section, characters in order[["section", "characters"]].itertuples(index=False, name=None):
        seen += characters
        behind = {name: share * seen - assigned[name] for name, share in shares.items()}
        name = max(behind, key=lambda split: behind[split])
        assigned[name] += characters
        splits[section] = name
    return pd.Series(splits, name="split").sort_index()


def too_short(sections: pd.DataFrame, splits: pd.Series) -> str:
    """Why no study of these sections can run, where one of the splits has none of them; else empty."""
    missing = [name for name in SPLITS if name not in set(splits)]
    if not missing:
        return ""
    count = "only one section" if len(sections) == 1 else f"only {len(sections)} sections"
    return (
        f"The corpus has {count}, too few for a {' and a '.join(missing)} split: "
        "use a longer text, or for plain text lower corpus.section_words."
    )


def _stable_rank(seed: int, title: str, heading: str, number: int) -> str:
    return hashlib.sha256(f"{seed}\x1f{title}\x1f{heading}\x1f{number}".encode()).hexdigest()
