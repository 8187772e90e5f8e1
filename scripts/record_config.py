"""Record the study's complete config, defaults included, as a file that reproduces the study."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from localist.plumbing.files import replacing
from localist.plumbing.rule_log import rule_log


def main(config: Mapping[str, Any], record: Path) -> None:
    """Write the resolved config as YAML."""
    with replacing(record) as temporary:
        text = yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True, width=120)
        temporary.write_text(f"# The study as it ran, defaults included.\n{text}", encoding="utf-8")


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(snakemake.params.config, Path(snakemake.output.record))
