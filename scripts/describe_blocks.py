"""Show what the text is about, topic by topic and block by block, and the quality of the blocks."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.colors import to_hex

from localist.plumbing.files import read_json, replacing
from localist.plumbing.rule_log import rule_log
from localist.report.figures import topic_colours
from localist.report.pages import text_table
from localist.report.templates import render

CENTRAL = "sentence_"
LONGEST_QUOTE = 160
# Above this p, blocks count as no more coherent in meaning than the same blocks shifted out of place.
LARGEST_P = 0.05


def main(
    blocks: Path,
    topics: Path,
    summary: Path,
    check: Path,
    min_stability: float,
    templates: Sequence[Path],
    page: Path,
) -> None:
    """Write the page: the quality of the blocks, the topics as a table of contents, then each topic's blocks."""
    table = pd.read_csv(blocks, keep_default_na=False)
    quoted = [name for name in map(str, table) if name.startswith(CENTRAL)]
    table["central sentences"] = [
        " • ".join(shortened(text) for text in row if text) for row in table[quoted].to_numpy()
    ]
    shown = table.drop(columns=["words", *quoted])
    listed = pd.read_csv(topics, keep_default_na=False)
    colours = topic_colours(len(listed))
    contents = [
        {
            **{str(key): value for key, value in topic.items()},
            "colour": to_hex(colours[topic["topic"]]),
            "members": text_table(shown[shown["topic"] == topic["topic"]].drop(columns="topic")),
        }
        for topic in listed.to_dict("records")
    ]
    found = read_json(check)
    with replacing(page) as temporary:
        text = render(
            templates,
            summary=read_json(summary),
            check=found,
            worth=worth_of(found, min_stability),
            min_stability=min_stability,
            topics=contents,
        )
        temporary.write_text(text, encoding="utf-8")


def worth_of(check: dict[str, Any], min_stability: float) -> str:
    """nothing_to_compare, no_meaning, unstable or good: the conclusion from the results of `block_check`."""
    if check["p"] is None or check["returned"] is None:
        return "nothing_to_compare"
    if check["p"] > LARGEST_P or check["returned"] <= check["runs"]:
        return "no_meaning"
    return "unstable" if check["returned"] < min_stability else "good"


def shortened(text: str) -> str:
    """The text, cut between words to at most LONGEST_QUOTE characters."""
    return text if len(text) <= LONGEST_QUOTE else text[:LONGEST_QUOTE].rsplit(" ", 1)[0] + " …"


if __name__ == "__main__":
    with rule_log(snakemake.log[0]):
        main(
            blocks=Path(snakemake.input.blocks),
            topics=Path(snakemake.input.topics),
            summary=Path(snakemake.input.summary),
            check=Path(snakemake.input.check),
            min_stability=snakemake.params.min_stability,
            templates=[Path(path) for path in snakemake.input.templates],
            page=Path(snakemake.output.page),
        )
