"""Cut the text into contiguous spans of similar meaning; the penalty is fitted on training sentences."""

import logging
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from threadpoolctl import threadpool_limits

from localist.blocks.embeddings import load_embeddings
from localist.blocks.spans import fitted_penalty, spans_of_stretches, stretch_rows
from localist.plumbing.files import replacing, write_json
from localist.plumbing.rule_log import rule_log

logger = logging.getLogger(__name__)


def main(sentences: Path, embeddings: Path, spans: Mapping[str, int], sentence_blocks: Path, fit: Path) -> None:
    """Write the span of each sentence, numbered across the text, and the penalty."""
    table = pd.read_parquet(sentences, columns=["sentence", "document", "split"])
    vectors = load_embeddings(embeddings, len(table))
    sizes = (spans["min_size"], spans["max_size"])
    stretches = stretch_rows(table)
    with threadpool_limits(limits=1):  # bitwise reproducible for any number of cores
        training = [vectors[rows] for rows in stretches if table["split"].iloc[rows.start] == "train"]
        penalty = fitted_penalty(training, spans["max_size"])
        table["block"] = spans_of_stretches(vectors, stretches, penalty, sizes)
    count = int(table["block"].max()) + 1
    with replacing(sentence_blocks) as temporary:
        table[["sentence", "block", "split"]].to_parquet(temporary, index=False)
    write_json(fit, {"blocks": count, "penalty": penalty, "mean_sentences": len(table) / count})
    logger.info("%d spans of %.1f sentences on average (penalty %.3f).", count, len(table) / count, penalty)


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(
            sentences=Path(snakemake.input.sentences),
            embeddings=Path(snakemake.input.embeddings),
            spans=snakemake.params.spans,
            sentence_blocks=Path(snakemake.output.sentence_blocks),
            fit=Path(snakemake.output.fit),
        )
