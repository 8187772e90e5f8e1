"""Read the corpus into documents and sections of clean prose."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from localist.documents import Document, sections_table
from localist.files import replacing
from localist.mediawiki import read_mediawiki
from localist.plain_text import read_plain_text
from localist.rule_log import rule_log

logger = logging.getLogger(__name__)


def _mediawiki(source: Path, corpus: Mapping[str, Any]) -> list[Document]:
    return read_mediawiki(source, titles=corpus["articles"], drop_sections=corpus["drop_sections"])


def _text(source: Path, corpus: Mapping[str, Any]) -> list[Document]:
    return read_plain_text(source, section_words=corpus["section_words"])


# corpus.format → reader; a further format is one more line here.
READERS = {"mediawiki": _mediawiki, "text": _text}


def main(source: Path, corpus: Mapping[str, Any], sections: Path) -> None:
    """Write one row per section."""
    table = sections_table(READERS[corpus["format"]](source, corpus))
    with replacing(sections) as temporary:
        table.to_parquet(temporary, index=False)
    words = int(table["text"].str.split().str.len().sum())
    logger.info("%d documents, %d sections, %d words.", table["document"].nunique(), len(table), words)


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(Path(snakemake.input.source), snakemake.params.corpus, Path(snakemake.output.sections))
