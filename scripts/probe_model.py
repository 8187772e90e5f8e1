"""Probe one model on the probed windows: knock out single blocks, and apply the locality dial."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from localist.attention.gpu import explained_gpu_errors, set_up_gpu
from localist.attention.models import load_model
from localist.attention.precision import uses_bf16
from localist.evaluation.block_knockouts import block_knockouts
from localist.evaluation.dial import dial_table
from localist.plumbing.files import replacing
from localist.plumbing.rule_log import rule_log
from localist.study.layers import late_layers
from localist.study.schedules import locality_by_layer
from localist.tokens.windows import Windows

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ProbeSettings:
    """How a model is probed; see EvaluationSettings. dial: schedule, min_locality and settings; None: no dial."""

    batch_size: int
    precision: str
    threads: int
    gpus: int
    deterministic: bool
    dial: Mapping[str, Any] | None


def main(inputs: Mapping[str, Path], settings: ProbeSettings, name: str, outputs: Mapping[str, Path]) -> None:
    """Write the loss added in later blocks without earlier ones, and losses and late fidelity by setting of the dial.

    inputs: model, tokens (of the test split), sentences, blocks (reference partition, test), own_keys.
    """
    torch.set_num_threads(settings.threads)
    test, blocks = Windows.load(inputs["tokens"]), np.load(inputs["blocks"])
    with np.load(inputs["own_keys"]) as probed:
        rows, own = probed["rows"], probed["own"]
    model = load_model(inputs["model"], test.input_ids.shape[1], settings.gpus)
    if settings.gpus:
        set_up_gpu(exact=True, deterministic=settings.deterministic)
    bf16 = uses_bf16(settings.precision, settings.gpus)
    depth = model.config.get_text_config().num_hidden_layers
    late = late_layers(depth)
    section = pd.read_parquet(inputs["sentences"], columns=["section"])["section"].to_numpy()
    knockouts = block_knockouts(model, test, blocks, rows, late=late, bf16=bf16, description=f"{name} knockouts")
    sections = section_of_windows(test, rows, section)
    with replacing(outputs["knockouts"]) as temporary:
        knockouts.assign(section=knockouts["window"].map(sections).astype(int)).to_parquet(temporary, index=False)
    dial = settings.dial
    turned = pd.DataFrame()
    if dial and len(rows):
        turned = dial_table(
            model,
            test.take(rows),
            own,
            blocks[rows],
            locality=locality_by_layer(dial["schedule"], depth, min_locality=dial["min_locality"]),
            late=late,
            dials=dial["settings"],
            batch_size=settings.batch_size,
            bf16=bf16,
            description=f"{name} dial",
        )
    with replacing(outputs["dial"]) as temporary:
        turned.to_parquet(temporary, index=False)


def section_of_windows(windows: Windows, rows: Sequence[int], section_of_sentence: np.ndarray) -> dict[int, int]:
    """Row number of a window → the section with most of its tokens."""
    sections = {}
    for row in rows:
        sentences = windows.sentence_ids[row][windows.is_text[row]]
        found, counts = np.unique(section_of_sentence[sentences], return_counts=True)
        sections[int(row)] = int(found[counts.argmax()])
    return sections


if __name__ == "__main__":
    with rule_log(snakemake.log[0]), explained_gpu_errors("evaluation.batch_size"):
        main(
            inputs={
                name: Path(snakemake.input[name]) for name in ("model", "tokens", "sentences", "blocks", "own_keys")
            },
            settings=ProbeSettings(**snakemake.params.settings),
            name=f"{snakemake.wildcards.arm} seed {snakemake.wildcards.seed}",
            outputs={name: Path(path) for name, path in snakemake.output.items()},
        )
