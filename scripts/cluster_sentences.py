"""Cluster the sentences into semantic blocks; fitted on training sentences, then applied to all."""

import logging
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from localist.blocks.block_words import central_sentences, telling_words
from localist.blocks.clusterers import centres, nearest_block, sample_rows
from localist.blocks.embeddings import average_with_neighbours, load_embeddings
from localist.blocks.semantic import BlockSettings, choose_blocks, stability
from localist.plumbing.files import replacing, write_json
from localist.plumbing.rule_log import rule_log
from localist.tokens.windows import Windows

logger = logging.getLogger(__name__)

WORDS, SENTENCES = 8, 3
# Training windows on which the chance of each number of blocks is measured, drawn at random where there are more.
MOST_WINDOWS = 4096


def main(
    sentences: Path,
    embeddings: Path,
    tokens: Path,
    semantic: Mapping[str, Any],
    language: str,
    outputs: Mapping[str, Path],
) -> None:
    """Write the block of each sentence, how their number was chosen, how stable they are, and what they are about.

    tokens: the folder of the training windows.
    """
    table = pd.read_parquet(sentences, columns=["sentence", "section", "split", "text"])
    settings = BlockSettings(**{field.name: semantic[field.name] for field in fields(BlockSettings)})
    training = (table["split"] == "train").to_numpy()
    # One thread: the same bits on a machine with any number of cores.
    with threadpool_limits(limits=1):
        vectors = average_with_neighbours(
            load_embeddings(embeddings, len(table)),
            table["section"].to_numpy(),
            semantic["context"],
            semantic["neighbour_weight"],
        )
        fitted_on = vectors[training]
        sentence_of_token = training_sentences(Windows.load(tokens), training, settings.seed)
        blocks, curve = choose_blocks(fitted_on, sentence_of_token, settings)
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
        "within_bounds": bool(curve["allowed"].any()),
        "smallest_block": int(sizes.min()),
        "largest_block": int(sizes.max()),
        "stability": stable,
    }
    write_tables(
        outputs, {"sentence_blocks": table[["sentence", "block", "split"]], "selection": curve, "blocks": described}
    )
    write_json(outputs["fit"], summary)
    if not summary["within_bounds"]:
        logger.warning(
            "No number of blocks up to %d has a mean chance of at most %g and %g blocks in the median training window; "
            "the number with the lowest chance is taken. Raise blocks.semantic.max_blocks or tokens.context.",
            *(settings.max_blocks, settings.max_chance, settings.min_blocks_per_window),
        )
    logger.info(
        "%d semantic blocks of %d to %d training sentences; adjusted Rand index with other seeds %s, on resamples %s.",
        *(summary[name] for name in ("blocks", "smallest_block", "largest_block")),
        *("n/a" if value is None else f"{value:.2f}" for value in (stable["seeds"], stable["resamples"])),
    )


def training_sentences(windows: Windows, training: np.ndarray, seed: int) -> np.ndarray:
    """int [windows, T]: the place of each token's sentence among the training sentences; -1 on sink and padding."""
    windows = windows.take(sample_rows(len(windows.sentence_ids), MOST_WINDOWS, seed))
    place = np.cumsum(training) - 1
    return np.where(windows.is_text, place[windows.sentence_ids], -1)


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
            sentences=Path(snakemake.input.sentences),
            embeddings=Path(snakemake.input.embeddings),
            tokens=Path(snakemake.input.tokens),
            semantic=snakemake.params.semantic,
            language=snakemake.params.language,
            outputs={name: Path(path) for name, path in snakemake.output.items()},
        )
