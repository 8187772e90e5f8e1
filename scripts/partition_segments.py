"""Cluster the sentences into semantic blocks; fitted on training sentences, then applied to all."""

import logging
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from localist.clustering import choose_clustering
from localist.files import replacing
from localist.rule_log import rule_log

logger = logging.getLogger(__name__)


def main(segments: Path, embeddings: Path, semantic: Mapping[str, int], segment_blocks: Path, selection: Path) -> None:
    """Write the block of each sentence, and the curve by which the number of blocks was chosen."""
    table = pd.read_parquet(segments, columns=["segment", "split"])
    vectors = np.load(embeddings)
    training = (table["split"] == "train").to_numpy()
    # One thread: the same bits on a machine with any number of cores.
    with threadpool_limits(limits=1):
        clustering, curve = choose_clustering(
            vectors[training],
            range(semantic["minimum_blocks"], semantic["maximum_blocks"] + 1),
            restarts=semantic["restarts"],
            seed=semantic["seed"],
        )
    table["block"] = clustering.predict(vectors)
    with replacing(segment_blocks) as temporary:
        table[["segment", "block", "split"]].to_parquet(temporary, index=False)
    with replacing(selection) as temporary:
        curve.to_csv(temporary, index=False)
    best = curve[curve["chosen"]].iloc[0]
    logger.info("%d semantic blocks (cosine silhouette %.3f).", best["blocks"], best["silhouette"])


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(
            segments=Path(snakemake.input.segments),
            embeddings=Path(snakemake.input.embeddings),
            semantic=snakemake.params.semantic,
            segment_blocks=Path(snakemake.output.segment_blocks),
            selection=Path(snakemake.output.selection),
        )
