"""Build the attention explorer: a page with passages, attention and blocks that works offline."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from localist.plumbing.files import replacing
from localist.plumbing.rule_log import rule_log
from localist.report.explorer import (
    ArmPassages,
    block_entries,
    explorer_page,
    passage_losses,
    passage_title,
    read_passages,
)


def main(
    passages: Mapping[str, Path],
    losses: Mapping[str, Path],
    layers: Mapping[str, Path],
    sentences_path: Path,
    block_tables: Sequence[Path],
    study: str,
    templates: Sequence[Path],
    style: Path,
    program: Path,
    page: Path,
) -> None:
    """Write the page.

    passages, losses, layers: arm → its passages, losses by token, and sums by layer; block_tables: blocks.csv and
    topics.csv, if the blocks have words.
    """
    read = {arm: read_passages(path) for arm, path in passages.items()}
    first = next(iter(read.values()))
    lengths = [len(tokens) for tokens in first["tokens"]]
    arms = []
    for arm, found in read.items():
        tokens = pd.read_parquet(losses[arm], columns=["window", "position", "nll"], filters=[("split", "==", "test")])
        sums = pd.read_parquet(layers[arm], columns=["layer", "queries", "fidelity"]).groupby("layer").sum()
        fidelity = (sums["fidelity"] / sums["queries"]).tolist()
        arms.append(
            ArmPassages(
                arm, found["attention"], found.get("heads"), passage_losses(tokens, found["rows"], lengths), fidelity
            )
        )
    sentences = pd.read_parquet(sentences_path, columns=["sentence", "title", "heading"])
    shown = [
        {
            "title": passage_title(sentences, numbers),
            "tokens": tokens.tolist(),
            "blocks": blocks.tolist(),
            "sentences": numbers.tolist(),
        }
        for tokens, blocks, numbers in zip(first["tokens"], first["blocks"], first["sentences"], strict=True)
    ]
    tables = [pd.read_csv(path, keep_default_na=False) for path in block_tables] or [pd.DataFrame(), pd.DataFrame()]
    blocks = block_entries(np.unique(np.concatenate(first["blocks"])), *tables)
    with replacing(page) as temporary:
        temporary.write_text(explorer_page(study, arms, shown, blocks, templates, style, program), encoding="utf-8")


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        of_arms = {
            name: dict(zip(snakemake.params.arms, map(Path, snakemake.input[name]), strict=True))
            for name in ("passages", "losses", "layers")
        }
        main(
            **of_arms,
            sentences_path=Path(snakemake.input.sentences),
            block_tables=[Path(path) for path in snakemake.input.block_tables],
            study=snakemake.wildcards.study,
            templates=[Path(path) for path in snakemake.input.templates],
            style=Path(snakemake.input.style),
            program=Path(snakemake.input.program),
            page=Path(snakemake.output.page),
        )
