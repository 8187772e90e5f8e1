"""Place the sentences on a two-dimensional map (t-SNE of the embeddings), only for the figure."""

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from localist.blocks.centres import sample_rows
from localist.plumbing.files import replacing
from localist.plumbing.rule_log import rule_log

PERPLEXITY = 30
# Limit of dots on the map, drawn at random: more would be slow and hide each other.
MOST_SENTENCES = 10_000


def main(embeddings: Path, seed: int, destination: Path) -> None:
    """Write x and y of each sentence, or of a sample."""
    whole = np.load(embeddings, mmap_mode="r")
    rows = sample_rows(len(whole), MOST_SENTENCES, seed)
    vectors = np.asarray(whole[rows])
    perplexity = min(PERPLEXITY, (len(vectors) - 1) / 3)
    with threadpool_limits(limits=1):  # bitwise reproducible for any number of cores
        places = TSNE(perplexity=perplexity, metric="cosine", init="random", random_state=seed).fit_transform(vectors)
    table = pd.DataFrame({"sentence": rows, "x": places[:, 0], "y": places[:, 1]})
    with replacing(destination) as temporary:
        table.to_parquet(temporary, index=False)


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(Path(snakemake.input.embeddings), snakemake.params.seed, Path(snakemake.output.map))
