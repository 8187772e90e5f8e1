"""Measure one model: loss of every held-out token, attention by layer and section, and one passage's attention."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from transformers import AutoTokenizer, PreTrainedModel

from localist.attention.models import load_model
from localist.attention.precision import uses_bf16
from localist.corpus.splits import SPLITS
from localist.evaluation.knockout import Knockout
from localist.evaluation.layer_sums import LayerSums
from localist.evaluation.losses import sample_windows, split_metrics, token_losses
from localist.evaluation.passages import passage_attention, passage_window
from localist.evaluation.settings import EvaluationSettings
from localist.plumbing.files import replacing, write_json
from localist.plumbing.rule_log import rule_log
from localist.study.layers import late_layers
from localist.tokens.windows import Windows

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Inputs:
    """A model folder and the text that it is measured on.

    tokens: split → folder of windows; sentences: corpus/sentences.parquet; blocks: measured partition → block ids of
    the test windows.
    """

    model: Path
    tokens: Mapping[str, Path]
    sentences: Path
    blocks: Mapping[str, Path]


@dataclass(frozen=True)
class Outputs:
    """The evaluation's files; layers: measured partition → layers.parquet."""

    metrics: Path
    tokens: Path
    knockout: Path
    passage: Path
    layers: Mapping[str, Path]


def main(
    inputs: Inputs, reference: str, knockout: Sequence[str], settings: EvaluationSettings, name: str, outputs: Outputs
) -> None:
    """Write metrics, losses by token (also with attention knockout), the passage, and sums by measured partition.

    reference: the partition of the passage; knockout: the partitions whose cross-block attention is knocked out.
    """
    torch.set_num_threads(settings.threads)
    windows = {split: Windows.load(folder) for split, folder in inputs.tokens.items()}
    windows["train"] = sample_windows(windows["train"], int(windows["test"].is_text.sum()), settings.seed)
    model = load_model(inputs.model, windows["test"].input_ids.shape[1], settings.gpus)
    bf16 = uses_bf16(settings.precision, settings.gpus)
    blocks = {partition: np.load(path) for partition, path in inputs.blocks.items()}
    sentences = pd.read_parquet(inputs.sentences, columns=["sentence", "section", "title"])
    section_of_sentence = sentences["section"].to_numpy()
    losses = partial(token_losses, model, batch_size=settings.batch_size, bf16=bf16)
    metrics, by_split = {}, []
    for split, part in windows.items():
        sums = LayerSums(part, blocks) if split == "test" else None
        table = losses(part, description=f"{name} {split}", watcher=sums)
        metrics[split] = split_metrics(table, int(part.byte_counts.sum()))
        table["section"] = section_of_sentence[table["sentence"]]
        by_split.append(table.assign(split=split))
        if sums:
            for partition, path in outputs.layers.items():
                with replacing(path) as temporary:
                    sums.table(partition, section_of_sentence).to_parquet(temporary, index=False)
    write_json(outputs.metrics, metrics)
    with replacing(outputs.tokens) as temporary:
        pd.concat(by_split).astype({"nll": np.float32}).to_parquet(temporary, index=False)
    late = late_layers(model.config.get_text_config().num_hidden_layers)
    by_partition = []
    for partition in knockout:
        watcher = Knockout(blocks[partition], late)
        table = losses(windows["test"], description=f"{name} knockout by {partition}", watcher=watcher)
        table["section"] = section_of_sentence[table["sentence"]]
        by_partition.append(table[["window", "position", "section", "nll"]].assign(partition=partition))
    with replacing(outputs.knockout) as temporary:
        pd.concat(by_partition).astype({"nll": np.float32}).to_parquet(temporary, index=False)
    row = passage_window(blocks[reference], settings.passage_tokens)
    length = min(settings.passage_tokens, int(windows["test"].is_text[row].sum()) + 1)
    input_ids = windows["test"].input_ids[row, :length]
    passage = attention_of_passage(model, input_ids, bf16) | {
        "tokens": np.array(list(token_texts(inputs.model, input_ids))),
        "blocks": blocks[reference][row, :length],
        "title": np.array(sentences["title"].iloc[windows["test"].sentence_ids[row, 1]]),
    }
    with replacing(outputs.passage) as temporary:
        np.savez_compressed(temporary, **passage)
    logger.info("%s: test perplexity %.2f.", name, metrics["test"]["perplexity"])


def attention_of_passage(model: PreTrainedModel, input_ids: np.ndarray, bf16: bool) -> dict[str, np.ndarray]:
    """An early, a middle and the last layer (`layers`), and their attention, [layers, P, P]. input_ids: int [P]."""
    last = model.config.get_text_config().num_hidden_layers - 1
    layers = [last // 6, last // 2, last]
    return {"layers": np.array(layers), "attention": passage_attention(model, input_ids, layers, bf16)}


def token_texts(folder: Path, input_ids: np.ndarray) -> Iterator[str]:
    """The text of each token, by the tokenizer in the model folder."""
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    for token in input_ids:
        yield tokenizer.decode([token])


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        measured = snakemake.params.measured
        main(
            inputs=Inputs(
                model=Path(snakemake.input.model),
                tokens=dict(zip(SPLITS, map(Path, snakemake.input.tokens), strict=True)),
                sentences=Path(snakemake.input.sentences),
                blocks=dict(zip(measured, map(Path, snakemake.input.blocks), strict=True)),
            ),
            reference=snakemake.params.reference,
            knockout=snakemake.params.knockout,
            settings=EvaluationSettings(**snakemake.params.settings),
            name=f"{snakemake.wildcards.arm} seed {snakemake.wildcards.seed}",
            outputs=Outputs(
                **{name: Path(snakemake.output[name]) for name in ("metrics", "tokens", "knockout", "passage")},
                layers=dict(zip(measured, map(Path, snakemake.output.layers), strict=True)),
            ),
        )
