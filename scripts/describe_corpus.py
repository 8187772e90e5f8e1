"""Show what was read of each file and what was taken out of it, as a page and in the log."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from localist.plumbing.files import read_json, replacing
from localist.plumbing.rule_log import rule_log
from localist.report.extraction_page import extraction_page, totals

logger = logging.getLogger(__name__)


def main(report: Path, page: Path) -> None:
    """Write the page, and tell the main numbers and all warnings."""
    told = read_json(report)
    with replacing(page) as temporary:
        temporary.write_text(extraction_page(told), encoding="utf-8")
    tell(told)
    logger.info("Page: %s", page)


def tell(report: Mapping[str, Any]) -> None:
    """Log the totals, what each step took out, and what to look at."""
    for name, value in totals(report).items():
        logger.info("%s: %s", name, value)
    for step, counts in report["removed"].items():
        logger.info("taken out by %s: %d (%d characters)", step, counts["count"], counts["characters"])
    for one in report["files"]:
        for warning in one["warnings"]:
            logger.warning("%s: %s", one["file"], warning)
    for one in report["skipped"]:
        logger.warning("Left out: %s", one["reason"])


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(Path(snakemake.input.report), Path(snakemake.output.page))
