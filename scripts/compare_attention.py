"""Compare the attention of two runs on the same held-out tokens."""

import logging
from pathlib import Path

import pandas as pd
import torch

from localist.attention.models import load_model
from localist.attention.precision import uses_bf16
from localist.evaluation.divergence import attention_divergence
from localist.evaluation.settings import ComparisonSettings
from localist.plumbing.files import replacing
from localist.plumbing.rule_log import rule_log
from localist.tokens.windows import Windows

logger = logging.getLogger(__name__)


def main(
    model: Path,
    other: Path,
    tokens: Path,
    sentences: Path,
    settings: ComparisonSettings,
    name: str,
    layers: Path,
) -> None:
    """Write the Jensen–Shannon divergence by layer and section, as sums and counts."""
    torch.set_num_threads(settings.threads)
    windows = Windows.load(tokens)
    one, two = (load_model(folder, windows.input_ids.shape[1], settings.gpus) for folder in (model, other))
    table = attention_divergence(
        one,
        two,
        windows,
        pd.read_parquet(sentences, columns=["section"])["section"].to_numpy(),
        batch_size=settings.batch_size,
        bf16=uses_bf16(settings.precision, settings.gpus),
        description=name,
    )
    with replacing(layers) as temporary:
        table.to_parquet(temporary, index=False)
    logger.info("%s: %.4f bits on average.", name, table["divergence"].sum() / table["queries"].sum())


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        names = snakemake.wildcards
        main(
            model=Path(snakemake.input.model),
            other=Path(snakemake.input.other),
            tokens=Path(snakemake.input.tokens),
            sentences=Path(snakemake.input.sentences),
            settings=ComparisonSettings(**snakemake.params.settings),
            name=f"{names.arm} seed {names.seed} against {names.other} seed {names.other_seed}",
            layers=Path(snakemake.output.layers),
        )
