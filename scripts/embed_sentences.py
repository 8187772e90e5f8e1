"""Embed every sentence with the sentence encoder."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from safetensors import SafetensorError
from sentence_transformers import SentenceTransformer

from localist.blocks.embeddings import embed_in_shards
from localist.plumbing.errors import UserError
from localist.plumbing.provenance import content_hash
from localist.plumbing.rule_log import rule_log

BATCH = 64


def main(sentences: Path, encoder: Path, threads: int, shards: Path, embeddings: Path) -> None:
    """Write float32 [sentences, dimensions], rows of unit length; finished shards survive an interruption."""
    torch.set_num_threads(threads)
    texts = pd.read_parquet(sentences, columns=["text"])["text"].tolist()
    try:
        model = SentenceTransformer(str(encoder), local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise UserError(f"{encoder} does not load as a sentence encoder: {str(error).splitlines()[0]}") from error

    def encode(batch: list[str]) -> np.ndarray:
        return model.encode(batch, batch_size=BATCH, normalize_embeddings=True, show_progress_bar=False)

    # Named by what they are made from: shards of other sentences, or of another encoder, are never taken for ours.
    embed_in_shards(texts, encode, shards / content_hash([sentences, encoder])[:16], embeddings)
    shutil.rmtree(shards)  # what is left are shards of other sentences, or of another encoder


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(
            sentences=Path(snakemake.input.sentences),
            encoder=Path(snakemake.input.encoder),
            threads=snakemake.params.threads,
            shards=Path("results", snakemake.wildcards.study, "checkpoints", "embeddings"),
            embeddings=Path(snakemake.output.embeddings),
        )
