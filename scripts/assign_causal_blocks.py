"""Compute the centres of the semantic blocks, and the causal own keys of tokens in the probed windows."""

import logging
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from localist.blocks.centres import centres
from localist.blocks.embeddings import load_embeddings
from localist.blocks.encoder import load_encoder
from localist.evaluation.block_knockouts import knockout_sample
from localist.evaluation.causal_blocks import CausalBlocks, SentenceBlocks
from localist.plumbing.files import replacing
from localist.plumbing.rule_log import rule_log
from localist.tokens.tokenizer import load_tokenizer
from localist.tokens.windows import Windows

logger = logging.getLogger(__name__)


def main(
    inputs: Mapping[str, Path],
    language: str,
    windows: int,
    seed: int,
    threads: int,
    outputs: Mapping[str, Path],
) -> None:
    """Write the centres of the semantic blocks and the own keys in a sample of test windows.

    inputs: embeddings, sentence_blocks, tokens, blocks (reference partition, test), encoder, model.
    """
    torch.set_num_threads(threads)
    blocks = pd.read_parquet(inputs["sentence_blocks"])
    training = (blocks["split"] == "train").to_numpy()
    vectors = load_embeddings(inputs["embeddings"], len(blocks))
    block_centres = centres(vectors[training], blocks.loc[training, "block"].to_numpy())
    sentence_blocks = SentenceBlocks(
        encode=load_encoder(inputs["encoder"]),
        centres=block_centres,
        language=language,
    )
    tokenizer, _ = load_tokenizer(inputs["model"])
    causal = CausalBlocks(lambda ids: str(tokenizer.decode(ids)), sentence_blocks)
    test = Windows.load(inputs["tokens"])
    rows = knockout_sample(np.load(inputs["blocks"]), windows, seed)
    context = test.input_ids.shape[1]
    own = np.zeros((len(rows), context, context), dtype=bool)
    for place, row in enumerate(tqdm(rows, desc="Causal blocks", unit="window", mininterval=2)):
        length = int(test.is_text[row].sum()) + 1
        own[place, :length, :length] = causal.own_keys(test.input_ids[row, :length])
    with replacing(outputs["centres"]) as temporary:
        np.save(temporary, block_centres)
    with replacing(outputs["own_keys"]) as temporary:
        np.savez_compressed(temporary, allow_pickle=False, rows=rows, own=own)
    if len(rows) < windows:
        logger.warning("Only %d test windows have enough blocks to be ranked (evaluation.knockout_windows).", len(rows))


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(
            inputs={
                name: Path(snakemake.input[name])
                for name in ("embeddings", "sentence_blocks", "tokens", "blocks", "encoder", "model")
            },
            language=snakemake.params.language,
            windows=snakemake.params.windows,
            seed=snakemake.params.seed,
            threads=snakemake.params.threads,
            outputs={name: Path(path) for name, path in snakemake.output.items()},
        )
