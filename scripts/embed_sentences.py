"""Embed every sentence with the sentence encoder."""

import logging
import shutil
from pathlib import Path

import pandas as pd
import torch

from localist.blocks.embeddings import embed_in_shards
from localist.blocks.encoder import load_encoder
from localist.plumbing.provenance import content_hash
from localist.plumbing.rule_log import rule_log

logger = logging.getLogger(__name__)


def main(sentences: Path, encoder: Path, threads: int, shards: Path, embeddings: Path) -> None:
    """Write float32 [sentences, dimensions], rows of unit length; finished shards survive an interruption."""
    torch.set_num_threads(threads)
    texts = pd.read_parquet(sentences, columns=["text"])["text"].tolist()
    encode = load_encoder(encoder)
    # Named by a hash of the inputs, so that shards of other sentences or another encoder are never reused.
    embed_in_shards(texts, encode, shards / content_hash([sentences, encoder])[:16], embeddings)
    shutil.rmtree(shards)  # only shards of other sentences or another encoder are left
    if encode.long_texts:
        logger.warning(
            "%d of %d sentences exceed the encoder's limit of %s tokens; each got the mean of its parts.",
            encode.long_texts,
            len(texts),
            encode.longest,
        )


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(
            sentences=Path(snakemake.input.sentences),
            encoder=Path(snakemake.input.encoder),
            threads=snakemake.params.threads,
            shards=Path("results", snakemake.wildcards.study, "checkpoints", "embeddings"),
            embeddings=Path(snakemake.output.embeddings),
        )
