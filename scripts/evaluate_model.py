"""Measure one model: losses, attention by layer, knockouts, divergence from another model."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from transformers import PreTrainedModel

from localist.attention.gpu import explained_gpu_errors, set_up_gpu
from localist.attention.models import load_model
from localist.attention.precision import uses_bf16
from localist.evaluation.divergence import Divergence, no_divergence
from localist.evaluation.knockout import Knockout
from localist.evaluation.layer_sums import LayerSums
from localist.evaluation.losses import sample_rows, split_metrics, token_losses, watched_losses
from localist.evaluation.settings import EvaluationSettings
from localist.plumbing.files import replacing, write_json
from localist.plumbing.rule_log import rule_log
from localist.study.layers import late_layers
from localist.tokens.windows import Windows

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Inputs:
    """A model folder and the text that it is measured on.

    other: the model with which its attention is compared, if any; snapshots: number of training tokens → the model at
    that point; tokens: split → folder of windows; sentences: corpus/sentences.parquet; blocks: measured partition →
    block ids of the test windows.
    """

    model: Path
    other: Path | None
    snapshots: Mapping[int, Path]
    tokens: Mapping[str, Path]
    sentences: Path
    blocks: Mapping[str, Path]


@dataclass(frozen=True)
class Outputs:
    """The evaluation's files; layers: measured partition → layers.parquet."""

    metrics: Path
    precision: Path
    tokens: Path
    knockout: Path
    divergence: Path
    at_tokens: Path
    layers: Mapping[str, Path]


def main(
    inputs: Inputs, reference: str, knockout: Sequence[str], settings: EvaluationSettings, name: str, outputs: Outputs
) -> None:
    """Write metrics, losses by token (also with attention knockout), and sums by measured partition.

    The complete test split is evaluated, and a sample of the training text. reference: the partition for the sums of
    snapshots; knockout: the partitions whose cross-block attention is knocked out.
    """
    torch.set_num_threads(settings.threads)
    windows = {split: Windows.load(folder) for split, folder in inputs.tokens.items()}
    train, test = windows["train"], windows["test"]
    windows["train"] = train.take(sample_rows(train, settings.sample_tokens, settings.seed))
    context = test.input_ids.shape[1]
    model = load_model(inputs.model, context, settings.gpus)
    bf16 = uses_bf16(settings.precision, settings.gpus)
    if settings.gpus:
        set_up_gpu(exact=True, deterministic=settings.deterministic)
    sentences = pd.read_parquet(inputs.sentences, columns=["sentence", "section", "title"])
    section_of_sentence = sentences["section"].to_numpy()
    blocks = {partition: np.load(path) for partition, path in inputs.blocks.items()}
    sums = LayerSums(test, blocks)
    divergence = None
    if inputs.other:
        sample = sample_rows(test, settings.divergence_tokens, settings.seed)
        divergence = Divergence(load_model(inputs.other, context, settings.gpus), test, sample)
    late = late_layers(model.config.get_text_config().num_hidden_layers)
    losses, knocked_out = watched_losses(
        model,
        test,
        batch_size=settings.batch_size,
        bf16=bf16,
        description=f"{name} test",
        watchers=[sums, divergence] if divergence else [sums],
        interventions={partition: Knockout(blocks[partition], late) for partition in knockout},
    )
    by_split = {
        split: losses
        if split == "test"
        else token_losses(model, part, batch_size=settings.batch_size, bf16=bf16, description=f"{name} {split}")
        for split, part in windows.items()
    }
    metrics = {split: split_metrics(by_split[split], int(part.byte_counts.sum())) for split, part in windows.items()}
    write_json(outputs.metrics, metrics)
    write_json(outputs.precision, precision_record(model, test, losses, settings, bf16, name))
    with replacing(outputs.tokens) as temporary:
        parts = [table.assign(split=split) for split, table in by_split.items()]
        _with_sections(pd.concat(parts), section_of_sentence).to_parquet(temporary, index=False)
    with replacing(outputs.knockout) as temporary:
        parts = [table.assign(partition=partition) for partition, table in knocked_out.items()]
        table = _with_sections(pd.concat(parts), section_of_sentence).drop(columns=["sentence", "correct"])
        table.to_parquet(temporary, index=False)
    for partition, path in outputs.layers.items():
        with replacing(path) as temporary:
            sums.table(partition, section_of_sentence).to_parquet(temporary, index=False)
    with replacing(outputs.divergence) as temporary:
        table = divergence.table(section_of_sentence) if divergence else no_divergence()
        table.to_parquet(temporary, index=False)
    with replacing(outputs.at_tokens) as temporary:
        parts = [
            snapshot_sums(folder, test, blocks[reference], settings, bf16, f"{name} at {tokens}").assign(tokens=tokens)
            for tokens, folder in inputs.snapshots.items()
        ]
        (pd.concat(parts) if parts else pd.DataFrame()).to_parquet(temporary, index=False)
    logger.info("%s: test perplexity %.2f.", name, metrics["test"]["perplexity"])


def precision_record(
    model: PreTrainedModel, test: Windows, losses: pd.DataFrame, settings: EvaluationSettings, bf16: bool, name: str
) -> dict[str, str | float]:
    """The evaluation precision, and by how many nats per token it changes the loss of a sample (0 in float32)."""
    if not bf16:
        return {"precision": "fp32", "shift_nats": 0.0}
    rows = sample_rows(test, settings.sample_tokens, settings.seed)
    exact = token_losses(
        model, test.take(rows), batch_size=settings.batch_size, bf16=False, description=f"{name} in float32"
    )
    rounded = losses.loc[losses["window"].isin(rows), "nll"]
    shift = rounded.to_numpy(np.float64).mean() - exact["nll"].to_numpy(np.float64).mean()
    return {"precision": "bf16", "shift_nats": float(shift)}


def snapshot_sums(
    folder: Path, test: Windows, blocks: np.ndarray, settings: EvaluationSettings, bf16: bool, name: str
) -> pd.DataFrame:
    """Sums by layer under `blocks`, [windows, T]; each row also has the loss of the test split (nll, predicted)."""
    model = load_model(folder, test.input_ids.shape[1], settings.gpus)
    sums = LayerSums(test, {"": blocks})
    losses, _ = watched_losses(
        model, test, batch_size=settings.batch_size, bf16=bf16, description=name, watchers=[sums]
    )
    one_section = np.zeros(int(test.sentence_ids.max()) + 1, dtype=int)
    return sums.table("", one_section).assign(nll=losses["nll"].to_numpy(np.float64).sum(), predicted=len(losses))


def _with_sections(losses: pd.DataFrame, section_of_sentence: np.ndarray) -> pd.DataFrame:
    return losses.assign(section=section_of_sentence[losses["sentence"]])


if __name__ == "__main__":
    with rule_log(snakemake.log[0]), explained_gpu_errors("evaluation.batch_size"):
        measured = snakemake.params.measured
        main(
            inputs=Inputs(
                model=Path(snakemake.input.model),
                snapshots=dict(zip(snakemake.params.at_tokens, map(Path, snakemake.input.snapshots), strict=True)),
                other=Path(snakemake.input.other) if snakemake.input.get("other") else None,
                tokens=dict(zip(snakemake.params.splits, map(Path, snakemake.input.tokens), strict=True)),
                sentences=Path(snakemake.input.sentences),
                blocks=dict(zip(measured, map(Path, snakemake.input.blocks), strict=True)),
            ),
            reference=snakemake.params.reference,
            knockout=snakemake.params.knockout,
            settings=EvaluationSettings(**snakemake.params.settings),
            name=f"{snakemake.wildcards.arm} seed {snakemake.wildcards.seed}",
            outputs=Outputs(
                **{
                    name: Path(snakemake.output[name])
                    for name in ("metrics", "precision", "tokens", "knockout", "divergence", "at_tokens")
                },
                layers=dict(zip(measured, map(Path, snakemake.output.layers), strict=True)),
            ),
        )
