"""Build the attention explorer: one page with passages, attention and blocks, for a browser without a network."""

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
    where_blocks_live,
)


def main(
    passages: Mapping[str, Path],
    losses: Mapping[str, Path],
    layers: Mapping[str, Path],
    sentences_path: Path,
    sentence_blocks: Path,
    block_table: Path | None,
    study: str,
    templates: Sequence[Path],
    style: Path,
    program: Path,
    page: Path,
) -> None:
    """Write the page.

    passages, losses, layers: arm → its passages, losses by token, and sums by layer; block_table: what is known of the
    blocks' words, if these have any.
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
    places = where_blocks_live(pd.read_parquet(sentence_blocks, columns=["sentence", "block"]), sentences)
    table = pd.read_csv(block_table, keep_default_na=False) if block_table else pd.DataFrame({"block": [], "words": []})
    blocks = block_entries(np.unique(np.concatenate(first["blocks"])), table, places)
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
            sentence_blocks=Path(snakemake.input.sentence_blocks),
            block_table=Path(snakemake.input.block_table) if snakemake.input.block_table else None,
            study=snakemake.wildcards.study,
            templates=[Path(path) for path in snakemake.input.templates],
            style=Path(snakemake.input.style),
            program=Path(snakemake.input.program),
            page=Path(snakemake.output.page),
        )
