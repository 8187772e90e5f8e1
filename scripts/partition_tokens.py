"""Give every token of every window its block, under one partition."""

import logging
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from localist.blocks.partitions import PARTITIONS, block_statistics
from localist.corpus.splits import SPLITS
from localist.plumbing.files import read_json, replacing, write_json
from localist.plumbing.rule_log import rule_log
from localist.tokens.windows import Windows

logger = logging.getLogger(__name__)


def main(
    partition: str,
    sentence_blocks: Path,
    fit: Path,
    seed: int,
    tokens: Mapping[str, Path],
    blocks: Mapping[str, Path],
    summary: Path,
) -> None:
    """Write int32 [windows, T] per split, and the partition's chance on each.

    sentence_blocks: the block of each sentence that the partition is made from; fit: how these blocks were found.
    """
    windows = {split: Windows.load(folder) for split, folder in tokens.items()}
    chosen = PARTITIONS[partition]
    result, details = chosen.make(windows, pd.read_parquet(sentence_blocks), seed)
    if partition == chosen.made_from:
        details |= read_json(fit)
    for split, path in blocks.items():
        with replacing(path) as temporary:
            np.save(temporary, result[split])
    details |= {"partition": partition, "splits": {split: block_statistics(ids) for split, ids in result.items()}}
    write_json(summary, details)
    logger.info("%s: mean chance %.3f on the training windows.", partition, details["splits"]["train"]["mean_chance"])


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(
            partition=snakemake.wildcards.partition,
            sentence_blocks=Path(snakemake.input.sentence_blocks),
            fit=Path(snakemake.input.fit),
            seed=snakemake.params.seed,
            tokens=dict(zip(SPLITS, map(Path, snakemake.input.tokens), strict=True)),
            blocks=dict(zip(SPLITS, map(Path, snakemake.output.blocks), strict=True)),
            summary=Path(snakemake.output.summary),
        )
