"""Write the tables of docs/own-model.md: families of models that work, and those that are refused, with the message.

Usage, in the folder of the project: PYTHONPATH=scripts:tests/support .venv/bin/python tests/support/write_families.py
"""

import logging
from collections.abc import Iterable
from pathlib import Path

import transformers
from model_families import KINDS, Kind, outcome_of

PAGE = Path(__file__).parents[2] / "docs/own-model.md"
BEGIN, END = "<!-- begin of what write_families.py writes -->", "<!-- end of what write_families.py writes -->"


def with_families(page: str) -> str:
    """The page with both tables updated."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + "\n\n".join([BEGIN, *_tables(), END]) + after


def _tables() -> Iterable[str]:
    works = [kind for kind in KINDS if not outcome_of(kind).refusal]
    refused = [kind for kind in KINDS if outcome_of(kind).refusal]
    yield f"**These work**, in transformers {transformers.__version__} ({len(works)} kinds of model):"
    yield _table("family | `model_type` in `config.json` | tried", (_row(works, kind) for kind in works))
    yield f"**These are refused** ({len(refused)} kinds):"
    rows = (f"{kind} | `{kind.model_type}` | {outcome_of(kind).refusal}" for kind in refused)
    yield _table("family | `model_type` | message", rows)


def _row(kinds: Iterable[Kind], kind: Kind) -> str:
    """The row of a family and model_type, the same for each of its kinds."""
    same = (one for one in kinds if (one.family, one.model_type) == (kind.family, kind.model_type))
    return f"{kind.family} | `{kind.model_type}` | {'; '.join(one.variant or 'plain' for one in same)}"


def _table(headings: str, rows: Iterable[str]) -> str:
    separator = "|".join(["---"] * (headings.count("|") + 1))
    return "\n".join(f"| {row} |" for row in [headings, *dict.fromkeys(rows)]).replace("\n", f"\n|{separator}|\n", 1)


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    PAGE.write_text(with_families(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
