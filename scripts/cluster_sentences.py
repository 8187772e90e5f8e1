"""Divide the spans of the text into semantic blocks, whose size is chosen on training text."""

import logging
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from localist.blocks.centres import sample_rows
from localist.blocks.embeddings import load_embeddings
from localist.blocks.partitions import blocks_by_sentence
from localist.blocks.semantic import BlockSettings, choose_size, divided, parts_of_spans, training_first
from localist.plumbing.files import replacing, write_json
from localist.plumbing.rule_log import rule_log
from localist.tokens.windows import Windows

logger = logging.getLogger(__name__)

# The chance of each block size is measured on at most this many training windows, drawn at random.
MOST_WINDOWS = 4096


def main(spans: Path, embeddings: Path, tokens: Path, semantic: Mapping[str, Any], outputs: Mapping[str, Path]) -> None:
    """Write the block of each sentence, and how the block size was chosen.

    spans: the span of each sentence; tokens: the folder of the training windows.
    """
    table = pd.read_parquet(spans)
    settings = BlockSettings(**{field.name: semantic[field.name] for field in fields(BlockSettings)})
    of_span = blocks_by_sentence(table)
    training = (table["split"] == "train").to_numpy()
    # One thread: bitwise reproducible for any number of cores.
    with threadpool_limits(limits=1):
        parts = parts_of_spans(load_embeddings(embeddings, len(table)), of_span, settings)
    windows = Windows.load(tokens)
    windows = windows.take(sample_rows(len(windows.sentence_ids), MOST_WINDOWS, semantic["seed"]))
    size, curve = choose_size(parts, of_span, np.where(windows.is_text, windows.sentence_ids, -1), settings)
    table["block"] = training_first(divided(parts, of_span, size), training)
    sizes = np.bincount(table.loc[training, "block"])
    summary = {
        "blocks": len(sizes),
        "sentences_per_block": size,
        "within_bounds": bool(curve["allowed"].any()),
        "smallest_block": int(sizes.min()),
        "largest_block": int(sizes.max()),
    }
    with replacing(outputs["sentence_blocks"]) as temporary:
        table[["sentence", "block", "split"]].to_parquet(temporary, index=False)
    with replacing(outputs["selection"]) as temporary:
        curve.to_csv(temporary, index=False)
    write_json(outputs["fit"], summary)
    if not summary["within_bounds"]:
        logger.warning(
            "No block size has a mean chance of at most %g and %g blocks in the median training window; the one with "
            "the lowest chance is used. Raise tokens.context or blocks.semantic.max_chance.",
            *(settings.max_chance, settings.min_blocks_per_window),
        )
    logger.info(
        "%d semantic blocks of %d to %d training sentences.",
        *(summary[name] for name in ("blocks", "smallest_block", "largest_block")),
    )


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(
            spans=Path(snakemake.input.spans),
            embeddings=Path(snakemake.input.embeddings),
            tokens=Path(snakemake.input.tokens),
            semantic=snakemake.params.semantic,
            outputs={name: Path(path) for name, path in snakemake.output.items()},
        )
