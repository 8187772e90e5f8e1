"""Fetch a pinned model, encoder or corpus, verify it, and record its origin."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from localist.plumbing.rule_log import rule_log
from localist.resources.fetching import fetch
from localist.resources.hub import go_online


def main(kind: str, resource: Mapping[str, Any], destination: Path, record: Path) -> None:
    """Fetch `resource` (name, source, license, origin) to `destination`, and write its record."""
    fetch(kind, resource, destination, record)


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        if snakemake.params.resource["source"].get("hub"):
            go_online()
        main(
            kind=snakemake.params.kind,
            resource=snakemake.params.resource,
            destination=Path(snakemake.output.content),
            record=Path(snakemake.output.record),
        )
