"""Measure one model: loss of every held-out token, attention by layer and section, and one passage's attention."""

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from transformers import AutoTokenizer

from localist.attention.models import load_model
from localist.attention.precision import uses_bf16
from localist.evaluation.evaluation import (
    LayerSums,
    passage_attention,
    passage_window,
    sample_windows,
    split_metrics,
    token_losses,
)
from localist.evaluation.knockout import Knockout
from localist.plumbing.files import replacing, write_json
from localist.plumbing.rule_log import rule_log
from localist.study.layers import late_layers
from localist.tokens.windows import Windows

logger = logging.getLogger(__name__)


def main(
    model: Path,
    tokens: Mapping[str, Path],
    sentences: Path,
    blocks: Mapping[str, Path],
    reference: str,
    knockout: Sequence[str],
    evaluation: Mapping[str, int],
    precision: str,
    threads: int,
    gpus: int,
    name: str,
    outputs: Mapping[str, Path],
    layers: Mapping[str, Path],
) -> None:
    """Write metrics, losses by token (also with attention knockout), the passage, and sums by measured partition."""
    torch.set_num_threads(threads)
    windows = {split: Windows.load(folder) for split, folder in tokens.items()}
    windows["train"] = sample_windows(windows["train"], int(windows["test"].is_text.sum()), evaluation["seed"])
    language_model = load_model(model, windows["test"].input_ids.shape[1], gpus)
    bf16 = uses_bf16(precision, gpus)
    measured = {partition: np.load(path) for partition, path in blocks.items()}
    table = pd.read_parquet(sentences, columns=["sentence", "section", "title"])
    section_of_sentence = table["section"].to_numpy()
    losses = partial(token_losses, language_model, batch_size=evaluation["batch_size"], bf16=bf16)
    metrics, every = {}, []
    for split, part in windows.items():
        sums = LayerSums(part, measured) if split == "test" else None
        found = losses(part, description=f"{name} {split}", watcher=sums)
        metrics[split] = split_metrics(found, int(part.byte_counts.sum()))
        found["section"] = section_of_sentence[found["sentence"]]
        every.append(found.assign(split=split))
        if sums:
            for partition, path in layers.items():
                with replacing(path) as temporary:
                    sums.table(partition, section_of_sentence).to_parquet(temporary, index=False)
    write_json(outputs["metrics"], metrics)
    with replacing(outputs["tokens"]) as temporary:
        pd.concat(every).astype({"nll": np.float32}).to_parquet(temporary, index=False)
    late = late_layers(language_model.config.get_text_config().num_hidden_layers)
    knockouts = []
    for partition in knockout:
        found = losses(
            windows["test"], description=f"{name} knockout by {partition}", watcher=Knockout(measured[partition], late)
        )
        found["section"] = section_of_sentence[found["sentence"]]
        knockouts.append(found[["window", "position", "section", "nll"]].assign(partition=partition))
    with replacing(outputs["knockout"]) as temporary:
        pd.concat(knockouts).astype({"nll": np.float32}).to_parquet(temporary, index=False)
    passage = passage_arrays(language_model, model, windows["test"], measured[reference], table, evaluation, bf16)
    with replacing(outputs["passage"]) as temporary:
        np.savez_compressed(temporary, **passage)
    logger.info("%s: test perplexity %.2f.", name, metrics["test"]["perplexity"])


def passage_arrays(
    language_model: Any,
    folder: Path,
    windows: Windows,
    blocks: np.ndarray,
    sentences: pd.DataFrame,
    evaluation: Mapping[str, int],
    bf16: bool,
) -> dict[str, np.ndarray]:
    """Attention of an early, a middle and the last layer on one passage, with its tokens and blocks."""
    length = evaluation["passage_tokens"]
    row = passage_window(blocks, length)
    input_ids = windows.input_ids[row, : min(length, int(windows.is_text[row].sum()) + 1)]
    last = language_model.config.get_text_config().num_hidden_layers - 1
    chosen = [last // 6, last // 2, last]
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    return {
        "layers": np.array(chosen),
        "attention": passage_attention(language_model, input_ids, chosen, bf16),
        "tokens": np.array([tokenizer.decode([token]) for token in input_ids]),
        "blocks": blocks[row, : len(input_ids)],
        "title": np.array(sentences["title"].iloc[windows.sentence_ids[row, 1]]),
    }


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(
            model=Path(snakemake.input.model),
            tokens=dict(zip(("train", "validation", "test"), map(Path, snakemake.input.tokens), strict=True)),
            sentences=Path(snakemake.input.sentences),
            blocks=dict(zip(snakemake.params.measured, map(Path, snakemake.input.blocks), strict=True)),
            reference=snakemake.params.reference,
            knockout=snakemake.params.knockout,
            evaluation=snakemake.params.evaluation,
            precision=snakemake.params.precision,
            threads=snakemake.params.threads,
            gpus=snakemake.params.gpus,
            name=f"{snakemake.wildcards.arm} seed {snakemake.wildcards.seed}",
            outputs={name: Path(snakemake.output[name]) for name in ("metrics", "tokens", "knockout", "passage")},
            layers=dict(zip(snakemake.params.measured, map(Path, snakemake.output.layers), strict=True)),
        )
