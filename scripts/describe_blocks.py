"""Show what each semantic block is about, and how far the blocks can be trusted."""

from pathlib import Path

import pandas as pd

from localist.plumbing.files import read_json, replacing
from localist.plumbing.rule_log import rule_log
from localist.report.pages import html_page, html_pairs, html_table

CENTRAL = "sentence_"
LONGEST_QUOTE = 160


def main(blocks: Path, summary: Path, min_stability: float, page: Path) -> None:
    """Write the page: stability and chance first, then a row per block with its words and central sentences."""
    found = read_json(summary)
    table = pd.read_csv(blocks, keep_default_na=False)
    quoted = [name for name in table if name.startswith(CENTRAL)]
    sentences = [" • ".join(shortened(text) for text in row if text) for row in table[quoted].to_numpy()]
    shown = table.drop(columns=quoted).rename(columns={"words": "telling words"})
    shown["central sentences"] = sentences
    parts = [
        ("Can they be trusted?", html_pairs(trust(found, min_stability))),
        ("What each block is about", html_table(shown, prose=True)),
    ]
    with replacing(page) as temporary:
        temporary.write_text(html_page("Semantic blocks", parts), encoding="utf-8")


def trust(found: dict, min_stability: float) -> dict[str, str]:
    """What a reader should know before believing in the blocks, from the partition's summary."""
    says = {}
    for kind, how in (("seeds", "with other seeds"), ("resamples", "on resampled sentences")):
        value = found["stability"][kind]
        verdict = "one block: nothing to compare" if value is None else f"{value:.2f}"
        if value is not None and value < min_stability:
            verdict += (
                f" – LOW (below {min_stability}): another run would cut the text differently. Read the blocks as one "
                "partition among many, and try another clusterer, context or number of blocks."
            )
        says[f"adjusted Rand index {how}"] = verdict
    training = found["splits"]["train"]
    says["blocks"] = f"{found['blocks']}, of {found['smallest_block']} to {found['largest_block']} training sentences"
    says["blocks in a training window (median)"] = f"{training['median_blocks_per_window']:g}"
    says["mean chance C on training windows"] = f"{training['mean_chance']:.3f}"
    if not found["within_bounds"]:
        says["numbers of blocks"] = (
            "No number that was tried keeps the bounds on C and on blocks per window (blocks.semantic); the one with "
            "the lowest C was taken. Where a window sees little but one block, fidelity says little."
        )
    return says


def shortened(text: str) -> str:
    """At most LONGEST_QUOTE characters, cut between words."""
    return text if len(text) <= LONGEST_QUOTE else text[:LONGEST_QUOTE].rsplit(" ", 1)[0] + " …"


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(
            blocks=Path(snakemake.input.blocks),
            summary=Path(snakemake.input.summary),
            min_stability=snakemake.params.min_stability,
            page=Path(snakemake.output.page),
        )
