"""The page on topics and blocks: escaped words and quotes, and one sentence on the quality of the blocks."""

import json
import re

import pandas as pd
import pytest
from checkout import templates

from describe_blocks import main, worth_of

GOOD = {"returned": 0.6, "runs": 0.3, "same_block": 0.45, "other_block": 0.25, "p": 0.005}
NOTHING = dict.fromkeys(GOOD)


def page_of(folder, check: dict, within_bounds=True) -> str:
    blocks = {
        "block": [0, 1, 2],
        "topic": [1, 0, 1],
        "split": ["train", "train", "test"],
        "name": ["cat, mouse", "<b>market</b>", ""],
        "sentences": [7, 5, 2],
        "words": ["cat, mouse", "market", ""],
        "sentence_1": ["Cats chase mice.", "<script>alert(1)</script>", "Purr."],
        "sentence_2": ["A mouse " + "runs " * 60, "", ""],
    }
    pd.DataFrame(blocks).to_csv(folder / "blocks.csv", index=False)
    topics = {
        "topic": [0, 1],
        "name": ["market", "cat, mouse"],
        "blocks": [1, 2],
        "sentences": [5, 9],
        "places": ["<i>Trade</i> (100%)", "Cats (90%)"],
        "words": ["market, price", "cat, mouse, purr"],
    }
    pd.DataFrame(topics).to_csv(folder / "topics.csv", index=False)
    summary = {
        "blocks": 2,
        "smallest_block": 5,
        "largest_block": 7,
        "within_bounds": within_bounds,
        "splits": {"train": {"median_blocks_per_window": 2.0, "mean_chance": 0.71234}},
    }
    (folder / "summary.json").write_text(json.dumps(summary))
    (folder / "check.json").write_text(json.dumps(check))
    tables = (folder / name for name in ("blocks.csv", "topics.csv", "summary.json", "check.json"))
    main(*tables, 0.4, templates("blocks.html.j2"), folder / "page.html")
    return (folder / "page.html").read_text(encoding="utf-8")


def test_words_and_sentences_are_escaped_and_shortened(tmp_path):
    """Catches markup in the corpus that becomes markup of the page, or quotes of unlimited length."""
    page = page_of(tmp_path, GOOD)
    assert "cat, mouse" in page and "Cats chase mice." in page and "0.712" in page
    assert "<script>" not in page and "<i>" not in page and "&lt;script&gt;" in page
    assert max(len(cell) for cell in re.findall(r"<td>(.*?)</td>", page)) < 250


def test_blocks_are_listed_under_their_topic(tmp_path):
    """Catches blocks under the wrong topic, or broken links in the table of contents."""
    page = page_of(tmp_path, GOOD)
    contents, market, cats = re.split(r'<h2 id="topic-\d">', page)
    assert "Cats chase mice." in cats and "Purr." in cats and "alert" in market
    assert re.findall(r'href="#(topic-\d)"', contents) == re.findall(r'id="(topic-\d)"', page) == ["topic-0", "topic-1"]


@pytest.mark.parametrize(
    ("change", "worth", "says"),
    [
        ({}, "good", "are closer in meaning"),
        ({"returned": 0.35}, "unstable", "stability is LOW (below 0.4)"),
        ({"p": 0.3}, "no_meaning", "finds no meaning"),
        ({"returned": 0.25}, "no_meaning", "finds no meaning"),
        (NOTHING, "nothing_to_compare", "cannot be checked"),
    ],
)
def test_one_sentence_states_the_quality_of_blocks(change, worth, says, tmp_path):
    """Catches praise based on only one of the figures, or a crash if there is nothing to compare."""
    assert worth_of(GOOD | change, 0.4) == worth
    page = page_of(tmp_path, GOOD | change)
    sentences = ("are closer in meaning", "is LOW", "finds no meaning", "cannot be checked")
    assert says in page and sum(sentence in page for sentence in sentences) == 1


def test_blocks_that_fill_a_window_raise_a_warning(tmp_path):
    """Catches a missing warning if windows hold so few blocks that locality means little."""
    assert "None of the sizes tried" in page_of(tmp_path, GOOD, within_bounds=False)
    assert "None of the sizes tried" not in page_of(tmp_path, GOOD)
