"""Blocks for a million sentences: time and peak memory of each step, on synthetic embeddings with planted topics.

Run it with `make bench-scale`; it needs about 4 GB of disk under results/bench/scale, and writes
results/bench/scale.json. The cost of the encoder is not measured: its vectors are random.
"""

import argparse
import json
import multiprocessing
import resource
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from check_blocks import main as check_blocks
from cluster_sentences import main as cluster_sentences
from detect_spans import main as detect_spans
from group_blocks import main as group_blocks
from localist.blocks.embeddings import embed_in_shards
from localist.plumbing.files import write_json
from localist.tokens.windows import Windows
from map_blocks import main as map_blocks
from partition_tokens import main as partition_tokens

DIMENSIONS = 384
TOPICS = 400
SECTION = 12
TOKENS = 26
CONTEXT = 256
WORDS = 20
STRETCH = 2000
OUTPUTS = {"sentence_blocks": "sentence_blocks.parquet", "selection": "selection.csv", "fit": "fit.json"}


def main() -> None:
    """Make the text, then run each step in its own process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sentences", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, default=Path("results/bench/scale"))
    options = parser.parse_args()
    semantic, spans = (defaults(name) for name in ("semantic", "spans"))
    folder = options.folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    steps: dict[str, Callable[[], None]] = {
        "synthetic text": lambda: write_text(folder, options.sentences),
        "embeddings in shards": lambda: write_embeddings(folder, options.sentences),
    }
    sentences, embeddings, own = (folder / name for name in ("sentences.parquet", "embeddings.npy", "spans.parquet"))
    outputs = {name: folder / file for name, file in OUTPUTS.items()}
    steps["spans"] = lambda: detect_spans(sentences, embeddings, spans, own, folder / "spans.json")
    steps["semantic blocks"] = lambda: cluster_sentences(own, embeddings, folder / "tokens/train", semantic, outputs)
    steps["topics"] = lambda: group_blocks(
        sentences, embeddings, outputs["sentence_blocks"], semantic, "en", folder / "blocks.csv", folder / "topics.csv"
    )
    steps["check"] = lambda: check_blocks(sentences, embeddings, outputs["fit"], semantic, spans, folder / "check.json")
    steps["blocks of tokens"] = lambda: write_token_blocks(folder)
    steps["map"] = lambda: map_blocks(folder / "embeddings.npy", 0, folder / "map.parquet")
    report = {"sentences": options.sentences, "dimensions": DIMENSIONS, "steps": {}}
    for name, step in steps.items():
        report["steps"][name] = measured(step)
        print(f"{name:32s} {report['steps'][name]['seconds']:8.0f} s {report['steps'][name]['peak_memory_gb']:6.2f} GB")
    report["blocks"] = json.loads((folder / "fit.json").read_text(encoding="utf-8"))
    write_json(folder.with_suffix(".json"), report)
    shutil.rmtree(folder)


def defaults(name: str) -> dict[str, Any]:
    """The default settings of blocks.semantic or blocks.spans."""
    schema = yaml.safe_load(Path("workflow/schemas/config.schema.yaml").read_text(encoding="utf-8"))
    keys = schema["properties"]["blocks"]["properties"][name]["properties"]
    return {key: value["default"] for key, value in keys.items()}


def measured(step: Callable[[], None]) -> dict[str, float]:
    """Seconds and peak memory (GB, mapped files included) of one step, run in a forked process."""
    context = multiprocessing.get_context("fork")
    receive, send = context.Pipe(duplex=False)

    def run() -> None:
        started = time.perf_counter()
        step()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
        send.send({"seconds": time.perf_counter() - started, "peak_memory_gb": peak})

    process = context.Process(target=run)
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(f"A step ended with status {process.exitcode}.")
    return receive.recv()


def topic_of(sentences: np.ndarray) -> np.ndarray:
    """The topic of each sentence: one per section, the same in every process."""
    return np.random.default_rng(0).integers(TOPICS, size=int(sentences.max()) // SECTION + 1)[sentences // SECTION]


def write_text(folder: Path, count: int) -> None:
    """Write sentences of topic-specific and common words, in sections of one topic, with splits of 80, 10 and 10 %."""
    generator = np.random.default_rng(1)
    number = np.arange(count)
    words = np.where(generator.random((count, WORDS)) < 0.3, topic_of(number)[:, None] * 50, TOPICS * 50)
    words = words + generator.integers(50, size=words.shape)
    names = np.array(
        [f"w{chr(97 + word % 26)}{np.base_repr(word, 26).translate(LETTERS)}" for word in range(TOPICS * 50 + 50)]
    )
    section = number // SECTION
    split = np.array(["train"] * 8 + ["validation", "test"])[section % 10]
    table = pd.DataFrame({"sentence": number, "document": number // STRETCH, "section": section, "split": split})
    table["title"], table["heading"] = "Book " + table["document"].astype(str), ""
    table["text"] = [" ".join(names[row]) for row in words]
    table.to_parquet(folder / "sentences.parquet", index=False)
    for part in ("train", "validation", "test"):
        tokens = np.repeat(number[split == part].astype(np.int32), TOKENS)
        tokens = tokens[: len(tokens) // (CONTEXT - 1) * (CONTEXT - 1)].reshape(-1, CONTEXT - 1)
        windows = np.pad(tokens, ((0, 0), (1, 0)), constant_values=-1)
        Windows(windows, windows, windows, np.zeros(len(windows), dtype=np.int32)).save(folder / "tokens" / part)


LETTERS = str.maketrans("0123456789ABCDEFGHIJKLMNOP", "abcdefghijklmnopqrstuvwxyz")


def write_embeddings(folder: Path, count: int) -> None:
    """Write random vectors around the direction of each sentence's topic, as a stand-in for an encoder's."""
    directions = np.random.default_rng(2).normal(size=(TOPICS, DIMENSIONS)).astype(np.float32)
    topics = topic_of(np.arange(count))
    generator = np.random.default_rng(3)

    def encode(texts: list[str]) -> np.ndarray:
        vectors = directions[topics[[int(text) for text in texts]]]
        vectors = vectors + 2 * generator.standard_normal(vectors.shape, dtype=np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    embed_in_shards([str(number) for number in range(count)], encode, folder / "shards", folder / "embeddings.npy")


def write_token_blocks(folder: Path) -> None:
    splits = ("train", "validation", "test")
    partition_tokens(
        partition="semantic",
        sentence_blocks=folder / "sentence_blocks.parquet",
        fit=folder / "fit.json",
        seed=0,
        tokens={split: folder / "tokens" / split for split in splits},
        blocks={split: folder / f"{split}.npy" for split in splits},
        summary=folder / "summary.json",
    )


if __name__ == "__main__":
    main()
