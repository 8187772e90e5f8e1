"""Report what was read from each file and what was removed, as a page and in the log."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from localist.corpus.splits import SPLITS, split_of_sections, too_short
from localist.corpus.unspaced import word_count
from localist.plumbing.files import read_json, replacing
from localist.plumbing.rule_log import rule_log
from localist.report.extraction_page import Report, extraction_page, totals

logger = logging.getLogger(__name__)


def main(report: Path, sections: Path, splits: Mapping[str, Any], templates: Sequence[Path], page: Path) -> None:
    """Write the page; log the main numbers, all warnings, and whether the corpus is large enough for a study."""
    content = read_json(report)
    table = pd.read_parquet(sections)
    split = split_of_sections(table, splits)
    reason = too_short(table, split)
    counts = split.value_counts().reindex(list(SPLITS), fill_value=0)
    overview = totals(content) | {
        "words per section": section_lengths(table),
        "sections by split": ", ".join(f"{name} {count:,}" for name, count in counts.items()),
    }
    with replacing(page) as temporary:
        temporary.write_text(extraction_page(content, overview, templates, reason), encoding="utf-8")
    log_report(content, overview)
    if reason:
        logger.warning("This corpus is too small for a study. %s", reason)
    elif counts["test"] < splits["min_test_sections"]:
        logger.warning(
            "Only %d sections of test text: with fewer than %d (splits.min_test_sections), every claim is undecided.",
            counts["test"],
            splits["min_test_sections"],
        )
    logger.info("Page: %s", page)


def section_lengths(sections: pd.DataFrame) -> str:
    """The median, shortest and longest section, in words (documents.parquet)."""
    words = sections["text"].map(word_count)
    return f"{words.median():,.0f} (median), {words.min():,} to {words.max():,}"


def log_report(report: Report, overview: Mapping[str, str]) -> None:
    """Log the overview, what each step removed, and what needs attention."""
    for name, value in overview.items():
        logger.info("%s: %s", name, value)
    for step, counts in report["removed"].items():
        logger.info("removed by %s: %d (%d characters)", step, counts["count"], counts["characters"])
    for one in report["files"]:
        for warning in one["warnings"]:
            logger.warning("%s: %s", one["file"], warning)
    for one in report["skipped"]:
        logger.warning("Left out: %s", one["reason"])


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(
            report=Path(snakemake.input.report),
            sections=Path(snakemake.input.sections),
            splits=snakemake.params.splits,
            templates=[Path(path) for path in snakemake.input.templates],
            page=Path(snakemake.output.page),
        )
