"""Build a randomly initialised GPT-2 with a tokenizer trained on the training text."""

import logging
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from transformers import GPT2Config, GPT2LMHeadModel, set_seed

from localist.plumbing.files import replacing
from localist.plumbing.rule_log import rule_log
from localist.tokens.tokenizer import train_tokenizer

logger = logging.getLogger(__name__)


def main(sentences: Path, architecture: Mapping[str, int], context: int, folder: Path) -> None:
    """Write a Hugging Face model folder."""
    table = pd.read_parquet(sentences, columns=["split", "text"])
    tokenizer = train_tokenizer(table.loc[table["split"] == "train", "text"], architecture["vocabulary"])
    set_seed(architecture["seed"])
    model = GPT2LMHeadModel(
        GPT2Config(
            vocab_size=len(tokenizer),
            n_positions=context,
            n_embd=architecture["width"],
            n_layer=architecture["layers"],
            n_head=architecture["heads"],
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
        )
    )
    with replacing(folder) as temporary:
        model.save_pretrained(temporary)
        tokenizer.save_pretrained(temporary)
    logger.info("An untrained GPT-2 with %d parameters and %d tokens.", model.num_parameters(), len(tokenizer))


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(
            sentences=Path(snakemake.input.sentences),
            architecture=snakemake.params.architecture,
            context=snakemake.params.context,
            folder=Path(snakemake.output.folder),
        )
