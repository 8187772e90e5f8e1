"""Assigns sections to splits (method.md, Splits)."""

import hashlib
from collections.abc import Iterable, Mapping
from itertools import groupby
from operator import itemgetter
from typing import Any

import pandas as pd

from localist.corpus.unspaced import word_count

SPLITS = ("train", "validation", "test")


def assign_splits(sections: pd.DataFrame, shares: Mapping[str, float], seed: int, passage_words: int = 1) -> pd.Series:
    """The split of each section (rows with document, title, section, heading, text), by its number in the corpus.

    Whole sections, stratified by document, stable (method.md, Splits): within each document the passages of
    `passage_words` are ordered by a seeded hash, and each goes to the split that is furthest below its share of the
    characters so far.
    """
    ordered = sections.sort_values(["document", "section"])
    ordered = ordered.assign(
        passage=passages(ordered["document"], ordered["text"].map(word_count), passage_words),
        number=ordered.groupby("document")["section"].rank(),
        characters=ordered["text"].str.len(),
    )
    by_passage = ordered.groupby("passage").agg(
        document=("document", "first"),
        title=("title", "first"),
        heading=("heading", "first"),
        number=("number", "first"),
        characters=("characters", "sum"),
    )
    by_passage["rank"] = [
        _stable_rank(seed, *row) for row in by_passage[["title", "heading", "number"]].itertuples(index=False)
    ]
    assigned = dict.fromkeys(shares, 0.0)
    seen = 0
    splits = {}
    in_turn = by_passage.sort_values(["document", "rank"])
    for passage, characters in zip(in_turn.index.tolist(), in_turn["characters"].tolist(), strict=True):
        seen += characters
        behind = {name: share * seen - assigned[name] for name, share in shares.items()}
        name = max(behind, key=lambda split: behind[split])
        assigned[name] += characters
        splits[passage] = name
    return ordered.set_index("section")["passage"].map(splits).rename("split").rename_axis(None)


def split_of_sections(sections: pd.DataFrame, settings: Mapping[str, Any]) -> pd.Series:
    """Like assign_splits, from the config's `splits` section; its other keys are ignored."""
    shares = {name: settings[name] for name in SPLITS}
    return assign_splits(sections, shares, settings["seed"], settings["passage_words"])


def passages(documents: Iterable[int], words: Iterable[int], least: int) -> list[int]:
    """The passage of each section: consecutive sections of one document that together have `least` words.

    The remainder at the end of a document joins its last passage.
    """
    found: list[int] = []
    for _, lengths in groupby(zip(documents, words, strict=True), key=itemgetter(0)):
        first = current = found[-1] + 1 if found else 0
        start, so_far = len(found), 0
        for _, length in lengths:
            if so_far >= least:
                current, so_far, start = current + 1, 0, len(found)
            found.append(current)
            so_far += length
        if so_far < least and current > first:
            found[start:] = [current - 1] * (len(found) - start)
    return found


def too_short(sections: pd.DataFrame, splits: pd.Series) -> str:
    """Why these sections are too few for a study (a split would be empty); empty if they suffice."""
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
