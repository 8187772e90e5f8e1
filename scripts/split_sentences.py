"""Split the corpus into sentences and its sections into train, validation and test."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from localist.corpus.sentences import sentences_table
from localist.corpus.splits import SPLITS, split_of_sections, too_short
from localist.plumbing.errors import UserError
from localist.plumbing.files import replacing
from localist.plumbing.rule_log import rule_log

logger = logging.getLogger(__name__)


def main(sections: Path, language: str, splits: Mapping[str, Any], sentences: Path) -> None:
    """Write one row per sentence."""
    table = pd.read_parquet(sections)
    assigned = split_of_sections(table, splits)
    if reason := too_short(table, assigned):
        raise UserError(reason)
    result = sentences_table(table, assigned, language)
    with replacing(sentences) as temporary:
        result.to_parquet(temporary, index=False)
    counts = assigned.value_counts()
    logger.info("%d sentences; sections: %s.", len(result), ", ".join(f"{counts[name]} {name}" for name in SPLITS))


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(
            sections=Path(snakemake.input.sections),
            language=snakemake.params.language,
            splits=snakemake.params.splits,
            sentences=Path(snakemake.output.sentences),
        )
