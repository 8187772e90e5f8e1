"""Extract documents and sections of clean prose from the corpus files, and report on the extraction."""

import logging
from collections.abc import Sequence
from pathlib import Path

from localist.corpus.corpus_files import corpus_files
from localist.corpus.extraction import extract
from localist.corpus.settings import CorpusSettings
from localist.plumbing.files import replacing, write_json
from localist.plumbing.rule_log import rule_log

logger = logging.getLogger(__name__)


def main(source: Sequence[Path], settings: CorpusSettings, sections: Path, report: Path) -> None:
    """Write one row per section, and the report."""
    with replacing(sections) as temporary:
        summary = extract(corpus_files(source), settings, temporary)
        write_json(report, summary)
    totals = summary["totals"]
    logger.info("%d documents, %d sections, %d words.", totals["documents"], totals["sections"], totals["words"])


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(
            source=[Path(path) for path in snakemake.input.source],
            settings=CorpusSettings(**snakemake.params.corpus),
            sections=Path(snakemake.output.sections),
            report=Path(snakemake.output.report),
        )
