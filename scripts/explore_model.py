"""Compute one model's attention within a few passages of held-out text, for the explorer and the attention maps."""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from localist.attention.gpu import explained_gpu_errors, set_up_gpu
from localist.attention.models import load_model
from localist.attention.precision import uses_bf16
from localist.evaluation.passages import passage_attention, passage_rows, pieces_of_text
from localist.plumbing.files import replacing
from localist.plumbing.rule_log import rule_log
from localist.tokens.tokenizer import load_tokenizer
from localist.tokens.windows import Windows

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ExplorerSettings:
    """Number and length of the passages, whether single heads are stored, and how the model is run."""

    passages: int
    tokens: int
    heads: bool
    precision: str
    threads: int
    gpus: int


def main(
    model_folder: Path, tokens: Path, blocks_path: Path, settings: ExplorerSettings, name: str, output: Path
) -> None:
    """Write the passages: rows (numbers of test windows), and for each, numbered from 0: tokens, blocks, sentences, and
    attention [layers, P, P]; with heads also heads [layers, heads, P, P]."""
    torch.set_num_threads(settings.threads)
    windows, blocks = Windows.load(tokens), np.load(blocks_path)
    model = load_model(model_folder, windows.input_ids.shape[1], settings.gpus)
    if settings.gpus:
        set_up_gpu(exact=True, deterministic=True)
    tokenizer, _ = load_tokenizer(model_folder)
    rows = passage_rows(blocks, np.asarray(windows.stretch_ids), settings.tokens, settings.passages)
    arrays: dict[str, np.ndarray] = {"rows": np.array(rows)}
    for number, row in enumerate(rows):
        length = min(settings.tokens, int(windows.is_text[row].sum()) + 1)
        ids = windows.input_ids[row, :length]
        by_head = passage_attention(model, ids, uses_bf16(settings.precision, settings.gpus))
        prefixes = [
            str(tokenizer.decode(ids[1:end], clean_up_tokenization_spaces=False)) for end in range(2, length + 1)
        ]
        arrays |= {
            f"tokens_{number}": np.array(["", *pieces_of_text(prefixes)]),
            f"blocks_{number}": blocks[row, :length],
            f"sentences_{number}": np.asarray(windows.sentence_ids[row, :length]),
            f"attention_{number}": by_head.mean(axis=1).astype(np.float16),
        }
        if settings.heads:
            arrays[f"heads_{number}"] = by_head.astype(np.float16)
    with replacing(output) as temporary:
        np.savez_compressed(temporary, allow_pickle=False, **arrays)
    logger.info("%s: %d passages.", name, len(rows))


if __name__ == "__main__":
    with rule_log(snakemake.log[0]), explained_gpu_errors("explorer.tokens"):
        main(
            model_folder=Path(snakemake.input.model),
            tokens=Path(snakemake.input.tokens),
            blocks_path=Path(snakemake.input.blocks),
            settings=ExplorerSettings(**snakemake.params.settings),
            name=f"{snakemake.wildcards.arm} seed {snakemake.wildcards.seed}",
            output=Path(snakemake.output.passages),
        )
