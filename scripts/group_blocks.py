"""Group semantic blocks into topics, and name both by their words."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from localist.blocks.block_words import central_sentences, telling_words
from localist.blocks.centres import centres, nearest_centre
from localist.blocks.embeddings import load_embeddings
from localist.blocks.partitions import blocks_by_sentence
from localist.blocks.topics import topics_of_blocks
from localist.plumbing.files import replacing
from localist.plumbing.rule_log import rule_log

NAME_WORDS, WORDS, SENTENCES = 4, 8, 3
# Places listed per topic: at most this many, each with at least this share of the topic.
PLACES, LEAST_SHARE = 3, 0.05


def main(
    sentences: Path,
    embeddings: Path,
    sentence_blocks: Path,
    semantic: Mapping[str, Any],
    language: str,
    blocks: Path,
    topics: Path,
) -> None:
    """Write the topic, name and central sentences of each block, and the name, words and places of each topic.

    Topics are fitted on training blocks; a held-out block joins the nearest topic.
    """
    table = pd.read_parquet(sentences, columns=["title", "heading", "split", "text"])
    of_sentence = blocks_by_sentence(pd.read_parquet(sentence_blocks))
    vectors = load_embeddings(embeddings, len(table))
    with threadpool_limits(limits=1):  # bitwise reproducible for any number of cores
        block_centres = centres(vectors, of_sentence)
        fitted = block_centres[: of_sentence[(table["split"] == "train").to_numpy()].max() + 1]
        own = topics_of_blocks(fitted, semantic["min_topics"], semantic["max_topics"], semantic["seed"])
        held_out = block_centres[len(fitted) :]
        of_block = np.concatenate([own, nearest_centre(held_out, centres(fitted, own))]) if len(held_out) else own
        central = central_sentences(vectors, block_centres, of_sentence, SENTENCES)
    texts = table["text"].to_numpy()
    words = telling_words(texts, of_sentence, WORDS, language)
    described = pd.DataFrame(
        {
            "block": np.arange(len(of_block)),
            "topic": of_block,
            "split": table.groupby(of_sentence)["split"].first(),
            "name": [", ".join(few[:NAME_WORDS]) for few in words],
            "sentences": np.bincount(of_sentence),
            "words": [", ".join(few) for few in words],
        }
    )
    for place in range(SENTENCES):
        described[f"sentence_{place + 1}"] = [texts[rows[place]] if place < len(rows) else "" for rows in central]
    write_csv(described, blocks)
    write_csv(described_topics(table, of_block, of_block[of_sentence], language), topics)


def described_topics(
    table: pd.DataFrame, topic_of_block: np.ndarray, topic_of_sentence: np.ndarray, language: str
) -> pd.DataFrame:
    """One row per topic: topic, name, blocks, sentences, places (where it mostly occurs), words.

    table: title, heading, text, one row per sentence. Places are documents, or the sections of a single document.
    """
    words = telling_words(table["text"].to_numpy(), topic_of_sentence, WORDS, language)
    several = table["title"].nunique() > 1
    places = table["title"] if several else table["heading"].fillna("")
    found = [
        places[topic_of_sentence == topic].value_counts(normalize=True).head(PLACES)
        for topic in range(topic_of_block.max() + 1)
    ]
    listed = [
        "; ".join(f"{place or 'untitled'} ({share:.0%})" for place, share in top.items() if share >= LEAST_SHARE)
        for top in found
    ]
    return pd.DataFrame(
        {
            "topic": np.arange(len(words)),
            "name": [", ".join(of_topic[:NAME_WORDS]) for of_topic in words],
            "blocks": np.bincount(topic_of_block),
            "sentences": np.bincount(topic_of_sentence),
            "places": listed,
            "words": [", ".join(of_topic) for of_topic in words],
        }
    )


def write_csv(table: pd.DataFrame, path: Path) -> None:
    with replacing(path) as temporary:
        table.to_csv(temporary, index=False)


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(
            sentences=Path(snakemake.input.sentences),
            embeddings=Path(snakemake.input.embeddings),
            sentence_blocks=Path(snakemake.input.sentence_blocks),
            semantic=snakemake.params.semantic,
            language=snakemake.params.language,
            blocks=Path(snakemake.output.blocks),
            topics=Path(snakemake.output.topics),
        )
