"""Fetch the corpus, pinned and checked: one raw file of a package, or the data files of a data set."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from localist.plumbing.rule_log import rule_log
from localist.resources.fetching import fetch_corpus


def main(resource: Mapping[str, Any], destination: Path, record: Path) -> None:
    """Fetch `resource` (name, source, license, origin) to `destination` and write its record beside it."""
    fetch_corpus(resource, destination, record)


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(snakemake.params.resource, Path(snakemake.output.files), Path(snakemake.output.record))
