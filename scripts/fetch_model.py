"""Rule fetch_model: the language model, pinned and checked, as a local Hugging Face folder with safetensors."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from localist.plumbing.rule_log import rule_log
from localist.resources.fetching import fetch_model
from localist.resources.hub import go_online


def main(resource: Mapping[str, Any], destination: Path, record: Path) -> None:
    """Fetch `resource` (name, source, license, origin) to `destination` and write its record beside it."""
    fetch_model(resource, destination, record)


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        if snakemake.params.resource["source"].get("hub"):
            go_online()
        main(snakemake.params.resource, Path(snakemake.output.folder), Path(snakemake.output.record))
