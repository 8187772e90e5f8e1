"""Cluster the sentences into semantic blocks; fitted on training sentences, then applied to all."""

import logging
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from localist.block_words import central_sentences, telling_words
from localist.clustering import BlockSettings, centres, choose_blocks, nearest_block, stability
from localist.embeddings import average_with_neighbours, load_embeddings
from localist.files import replacing, write_json
from localist.rule_log import rule_log

logger = logging.getLogger(__name__)

WORDS, SENTENCES = 8, 3


def main(
    segments: Path, embeddings: Path, semantic: Mapping[str, Any], language: str, outputs: Mapping[str, Path]
) -> None:
    """Write the block of each sentence, how their number was chosen, how stable they are, and what they are about."""
    table = pd.read_parquet(segments, columns=["segment", "section", "split", "text"])
    settings = BlockSettings(**{field.name: semantic[field.name] for field in fields(BlockSettings)})
    training = (table["split"] == "train").to_numpy()
    # One thread: the same bits on a machine with any number of cores.
    with threadpool_limits(limits=1):
        vectors = average_with_neighbours(
            load_embeddings(embeddings, len(table)), table["section"].to_numpy(), semantic["context"]
        )
        fitted_on = vectors[training]
        blocks, curve = choose_blocks(fitted_on, settings)
        block_centres = centres(fitted_on, blocks)
        table["block"] = np.int64(0)
        table.loc[training, "block"] = blocks
        table.loc[~training, "block"] = nearest_block(vectors[~training], block_centres)
        stable = stability(fitted_on, blocks, settings, semantic["stability_repeats"])
    sizes = np.bincount(blocks)
    texts = table.loc[training, "text"].to_numpy()
    words = [", ".join(words) for words in telling_words(texts, blocks, WORDS, language)]
    described = pd.DataFrame({"block": np.arange(len(sizes)), "sentences": sizes, "words": words})
    central = central_sentences(fitted_on, block_centres, blocks, SENTENCES)
    for place in range(SENTENCES):
        described[f"sentence_{place + 1}"] = [texts[rows[place]] if place < len(rows) else "" for rows in central]
    summary = {
        "blocks": len(sizes),
        "chosen_blocks": int(curve.loc[curve["chosen"], "blocks"].item()),
        "smallest_block": int(sizes.min()),
        "largest_block": int(sizes.max()),
        "stability": stable,
    }
    write_tables(
        outputs, {"segment_blocks": table[["segment", "block", "split"]], "selection": curve, "blocks": described}
    )
    write_json(outputs["found"], summary)
    logger.info(
        "%d semantic blocks of %d to %d training sentences; adjusted Rand index with other seeds %s, on resamples %s.",
        *(summary[name] for name in ("blocks", "smallest_block", "largest_block")),
        *("n/a" if value is None else f"{value:.2f}" for value in (stable["seeds"], stable["resamples"])),
    )


def write_tables(outputs: Mapping[str, Path], tables: Mapping[str, pd.DataFrame]) -> None:
    """Write each table to its output, as Parquet or CSV by the name's ending."""
    for name, table in tables.items():
        with replacing(outputs[name]) as temporary:
            if outputs[name].suffix == ".parquet":
                table.to_parquet(temporary, index=False)
            else:
                table.to_csv(temporary, index=False)


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(
            segments=Path(snakemake.input.segments),
            embeddings=Path(snakemake.input.embeddings),
            semantic=snakemake.params.semantic,
            language=snakemake.params.language,
            outputs={name: Path(path) for name, path in snakemake.output.items()},
        )
