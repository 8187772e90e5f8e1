"""Give every token of every window its block under one partition."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from localist.blocks.partitions import (
    block_statistics,
    blocks_by_sentence,
    fixed_blocks,
    matched_width,
    mean_chance,
    semantic_blocks,
    shifted_blocks,
    shuffled_sentences,
)
from localist.plumbing.files import read_json, replacing, write_json
from localist.plumbing.rule_log import rule_log
from localist.tokens.windows import Windows

logger = logging.getLogger(__name__)

# Window blocks are matched to semantic ones in mean chance within this (method.md, Partitions).
LARGEST_GAP = 0.02


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

    sentence_blocks: the block of each sentence, the span for `spans`; fit: what was fitted with these blocks.
    """
    table = pd.read_parquet(sentence_blocks)
    if partition == "shuffled":
        table = shuffled_sentences(table, seed)
    windows = {split: Windows.load(folder) for split, folder in tokens.items()}
    details: dict[str, Any] = {"partition": partition}
    by_sentence = blocks_by_sentence(table)
    result = {split: semantic_blocks(part, by_sentence) for split, part in windows.items()}
    if partition in ("semantic", "spans"):
        details |= read_json(fit)
    elif partition == "shifted":
        result = {split: shifted_blocks(windows[split], ids) for split, ids in result.items()}
    elif partition == "fixed":
        target = mean_chance(result["train"])
        details["width_tokens"] = matched_width(windows["train"], target)
        result = {split: fixed_blocks(part, details["width_tokens"]) for split, part in windows.items()}
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
            sentence_blocks=Path(snakemake.input.sentence_blocks),
            fit=Path(snakemake.input.fit),
            seed=snakemake.params.seed,
            tokens=dict(zip(names, map(Path, snakemake.input.tokens), strict=True)),
            blocks=dict(zip(names, map(Path, snakemake.output.blocks), strict=True)),
            summary=Path(snakemake.output.summary),
        )
