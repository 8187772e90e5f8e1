"""Embed every sentence with the sentence encoder."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from safetensors import SafetensorError
from sentence_transformers import SentenceTransformer

from localist.errors import UserError
from localist.files import replacing
from localist.rule_log import rule_log

BATCH = 64


def main(segments: Path, encoder: Path, threads: int, embeddings: Path) -> None:
    """Write float32 [segments, dimensions], rows of unit length."""
    torch.set_num_threads(threads)
    texts = pd.read_parquet(segments, columns=["text"])["text"].tolist()
    try:
        model = SentenceTransformer(str(encoder), local_files_only=True)
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise UserError(f"{encoder} does not load as a sentence encoder: {str(error).splitlines()[0]}") from error
    vectors = model.encode(texts, batch_size=BATCH, normalize_embeddings=True, show_progress_bar=True)
    with replacing(embeddings) as temporary:
        np.save(temporary, vectors.astype(np.float32))


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(
            segments=Path(snakemake.input.segments),
            encoder=Path(snakemake.input.encoder),
            threads=snakemake.params.threads,
            embeddings=Path(snakemake.output.embeddings),
        )
