"""Check the quality of the semantic blocks without labels, on training text."""

import logging
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import pandas as pd
from threadpoolctl import threadpool_limits

from localist.blocks.block_check import block_check
from localist.blocks.embeddings import load_embeddings
from localist.blocks.semantic import BlockSettings
from localist.blocks.spans import stretch_rows
from localist.plumbing.files import read_json, write_json
from localist.plumbing.rule_log import rule_log

logger = logging.getLogger(__name__)


def main(
    sentences: Path, embeddings: Path, fit: Path, semantic: Mapping[str, Any], spans: Mapping[str, int], check: Path
) -> None:
    """Write the results of `block_check`. fit: the chosen block size."""
    table = pd.read_parquet(sentences, columns=["document", "split"])
    stretches = [rows for rows in stretch_rows(table) if table["split"].iloc[rows.start] == "train"]
    with threadpool_limits(limits=1):  # bitwise reproducible for any number of cores
        found = block_check(
            load_embeddings(embeddings, len(table)),
            stretches,
            read_json(fit)["sentences_per_block"],
            (spans["min_size"], spans["max_size"]),
            BlockSettings(**{field.name: semantic[field.name] for field in fields(BlockSettings)}),
            semantic["stability_repeats"],
            semantic["seed"],
        )
    write_json(check, found)
    logger.info("Check of the blocks: %s.", ", ".join(f"{name} {value}" for name, value in found.items()))


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(
            sentences=Path(snakemake.input.sentences),
            embeddings=Path(snakemake.input.embeddings),
            fit=Path(snakemake.input.fit),
            semantic=snakemake.params.semantic,
            spans=snakemake.params.spans,
            check=Path(snakemake.output.check),
        )
