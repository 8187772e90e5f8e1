"""Build a randomly initialised GPT-2 with a tokenizer trained on the training text."""

import logging
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from transformers import GPT2Config, GPT2LMHeadModel, set_seed

from localist.plumbing.files import replacing
from localist.plumbing.rule_log import rule_log
from localist.tokens.tokenizer import END_OF_TEXT, train_tokenizer

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Architecture:
    """Dimensions of the model; vocabulary: size for its tokenizer; seed: for its weights."""

    layers: int
    heads: int
    width: int
    vocabulary: int
    seed: int


def main(sentences: Path, architecture: Architecture, context: int, folder: Path) -> None:
    """Write a Hugging Face model folder; context: the model's number of positions."""
    table = pd.read_parquet(sentences, columns=["split", "text"])
    tokenizer = train_tokenizer(table.loc[table["split"] == "train", "text"], architecture.vocabulary)
    set_seed(architecture.seed)
    end_of_text = tokenizer.convert_tokens_to_ids(END_OF_TEXT)
    assert isinstance(end_of_text, int)
    model = GPT2LMHeadModel(
        GPT2Config(
            vocab_size=len(tokenizer),
            n_positions=context,
            n_embd=architecture.width,
            n_layer=architecture.layers,
            n_head=architecture.heads,
            bos_token_id=end_of_text,
            eos_token_id=end_of_text,
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
            architecture=Architecture(**snakemake.params.architecture),
            context=snakemake.params.context,
            folder=Path(snakemake.output.folder),
        )
