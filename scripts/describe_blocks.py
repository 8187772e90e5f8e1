"""Show what each semantic block is about, and how far the blocks can be trusted."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from localist.plumbing.files import read_json, replacing
from localist.plumbing.rule_log import rule_log
from localist.report.pages import text_table
from localist.report.templates import render

CENTRAL = "sentence_"
LONGEST_QUOTE = 160


def main(blocks: Path, summary: Path, min_stability: float, templates: Sequence[Path], page: Path) -> None:
    """Write the page: stability and chance first, then a row per block with its words and central sentences."""
    table = pd.read_csv(blocks, keep_default_na=False)
    quoted = [name for name in map(str, table) if name.startswith(CENTRAL)]
    sentences = [" • ".join(shortened(text) for text in row if text) for row in table[quoted].to_numpy()]
    shown = table.drop(columns=quoted).rename(columns={"words": "characteristic words"})
    shown["central sentences"] = sentences
    with replacing(page) as temporary:
        text = render(templates, summary=read_json(summary), min_stability=min_stability, blocks=text_table(shown))
        temporary.write_text(text, encoding="utf-8")


def shortened(text: str) -> str:
    """At most LONGEST_QUOTE characters, cut between words."""
    return text if len(text) <= LONGEST_QUOTE else text[:LONGEST_QUOTE].rsplit(" ", 1)[0] + " …"


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(
            blocks=Path(snakemake.input.blocks),
            summary=Path(snakemake.input.summary),
            min_stability=snakemake.params.min_stability,
            templates=[Path(path) for path in snakemake.input.templates],
            page=Path(snakemake.output.page),
        )
