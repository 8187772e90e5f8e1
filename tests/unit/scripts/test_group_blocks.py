"""Topics and names of blocks: fitted on training text only, a topic for every block, and where each topic occurs."""

import numpy as np
import pandas as pd

from group_blocks import main

SEMANTIC = {"min_topics": 2, "max_topics": 6, "seed": 0}
WORDS = ("cat purrs", "market rises", "star shines")


def grouped(folder, titles: int, held_out: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Eighteen blocks of four sentences, three meanings in turn; the last three are held out (random if `held_out`)."""
    block = np.repeat(np.arange(18), 4)
    meaning, generator = block % 3, np.random.default_rng(0)
    vectors = np.eye(8)[meaning] + generator.normal(scale=0.05, size=(72, 8))
    if held_out:
        vectors[60:] = np.random.default_rng(held_out).normal(size=(12, 8))
    split = np.where(block < 15, "train", "test")
    sentences = pd.DataFrame(
        {
            "title": [f"Book {number % titles}" for number in meaning],
            "heading": [f"Chapter {number}" for number in meaning],
            "split": split,
            "text": [f"The {WORDS[number]} in place{place % 4}." for place, number in enumerate(meaning)],
        }
    )
    sentences.to_parquet(folder / "sentences.parquet")
    np.save(folder / "embeddings.npy", vectors.astype(np.float32))
    pd.DataFrame({"sentence": range(72), "block": block, "split": split}).to_parquet(folder / "blocks.parquet")
    inputs = (folder / name for name in ("sentences.parquet", "embeddings.npy", "blocks.parquet"))
    main(*inputs, SEMANTIC, "en", folder / "blocks.csv", folder / "topics.csv")
    return tuple(pd.read_csv(folder / f"{name}.csv", keep_default_na=False) for name in ("blocks", "topics"))


def test_blocks_of_one_meaning_form_one_topic(tmp_path):
    """Catches held-out blocks without a topic, wrong sizes, or names of more than four words."""
    blocks, topics = grouped(tmp_path, titles=1)
    assert len(topics) == 3 and topics["blocks"].tolist() == [6, 6, 6] and topics["sentences"].tolist() == [24] * 3
    assert (blocks.groupby(blocks["block"] % 3)["topic"].nunique() == 1).all()
    assert blocks["split"].tolist() == ["train"] * 15 + ["test"] * 3
    names = [*blocks["name"], *topics["name"]]
    assert all(1 <= len(name.split(", ")) <= 4 for name in names)
    assert {topic.split(", ")[0] for topic in topics["name"]} <= {word for words in WORDS for word in words.split()}


def test_places_are_documents_or_sections_of_a_single_document(tmp_path):
    """Catches topics of a single book that are located only by the book's title."""
    _, topics = grouped(tmp_path, titles=3)
    assert set(topics["places"]) == {f"Book {number} (100%)" for number in range(3)}
    _, topics = grouped(tmp_path, titles=1)
    assert set(topics["places"]) == {f"Chapter {number} (100%)" for number in range(3)}


def test_held_out_blocks_do_not_affect_topics_of_training_blocks(tmp_path):
    """Catches topics that are fitted on held-out text."""
    one, _ = grouped(tmp_path, titles=1, held_out=1)
    other, _ = grouped(tmp_path, titles=1, held_out=2)
    training = one["split"] == "train"
    assert one.loc[training, "topic"].tolist() == other.loc[training, "topic"].tolist()
