"""Give every token of every window its block under one partition."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from localist.blocks.partitions import (
    block_statistics,
    blocks_by_segment,
    matched_width,
    mean_chance,
    semantic_blocks,
    shifted_blocks,
    shuffled_segments,
    window_blocks,
)
from localist.plumbing.files import read_json, replacing, write_json
from localist.plumbing.rule_log import rule_log
from localist.tokens.windows import Windows

logger = logging.getLogger(__name__)

# Window blocks are matched to semantic ones in mean chance within this (method.md, Partitions).
LARGEST_GAP = 0.02


def main(
    partition: str,
    segment_blocks: Path,
    found: Path,
    seed: int,
    tokens: Mapping[str, Path],
    blocks: Mapping[str, Path],
    summary: Path,
) -> None:
    """Write int32 [windows, T] per split, and the partition's chance on each.

    segment_blocks: the block of each sentence, the span for `segments`; found: what is known of these blocks.
    """
    table = pd.read_parquet(segment_blocks)
    if partition == "shuffled":
        table = shuffled_segments(table, seed)
    windows = {split: Windows.load(folder) for split, folder in tokens.items()}
    details: dict[str, Any] = {"partition": partition}
    by_segment = blocks_by_segment(table)
    result = {split: semantic_blocks(part, by_segment) for split, part in windows.items()}
    if partition in ("semantic", "segments"):
        details |= read_json(found)
    elif partition == "shifted":
        result = {split: shifted_blocks(windows[split], ids) for split, ids in result.items()}
    elif partition == "window":
        target = mean_chance(result["train"])
        details["width_tokens"] = matched_width(windows["train"], target)
        result = {split: window_blocks(part, details["width_tokens"]) for split, part in windows.items()}
        details["chance_gap"] = abs(mean_chance(result["train"]) - target)
        if not details["chance_gap"] <= LARGEST_GAP:
            logger.warning("No width matches semantic's chance: the nearest is %.3f away.", details["chance_gap"])
    for split, path in blocks.items():
        with replacing(path) as temporary:
            np.save(temporary, result[split])
    details["splits"] = {split: block_statistics(ids) for split, ids in result.items()}
    write_json(summary, details)
    logger.info("%s: mean chance %.3f on the training windows.", partition, details["splits"]["train"]["mean_chance"])


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        names = ("train", "validation", "test")
        main(
            partition=snakemake.wildcards.partition,
            segment_blocks=Path(snakemake.input.segment_blocks),
            found=Path(snakemake.input.found),
            seed=snakemake.params.seed,
            tokens=dict(zip(names, map(Path, snakemake.input.tokens), strict=True)),
            blocks=dict(zip(names, map(Path, snakemake.output.blocks), strict=True)),
            summary=Path(snakemake.output.summary),
        )
