"""Show what was read of each file and what was removed from it, as a page and in the log."""

import logging
from collections.abc import Sequence
from pathlib import Path

from localist.plumbing.files import read_json, replacing
from localist.plumbing.rule_log import rule_log
from localist.report.extraction_page import Report, extraction_page, totals

logger = logging.getLogger(__name__)


def main(report: Path, templates: Sequence[Path], page: Path) -> None:
    """Write the page; log the main numbers and all warnings."""
    content = read_json(report)
    with replacing(page) as temporary:
        temporary.write_text(extraction_page(content, templates), encoding="utf-8")
    log_report(content)
    logger.info("Page: %s", page)


def log_report(report: Report) -> None:
    """Log the totals, what each step removed, and what needs attention."""
    for name, value in totals(report).items():
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
            templates=[Path(path) for path in snakemake.input.templates],
            page=Path(snakemake.output.page),
        )
