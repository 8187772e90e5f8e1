"""The page on blocks: their words, escaped, and a plain warning where they do not come back."""

import json
import re

import pandas as pd
import pytest
from checkout import templates

from describe_blocks import main


def page_of(folder, seeds: float | None, resamples: float | None, within_bounds=True) -> str:
    blocks = {
        "block": [0, 1],
        "sentences": [7, 5],
        "words": ["cat, mouse", "<b>market</b>"],
        "sentence_1": ["Cats chase mice.", "<script>alert(1)</script>"],
        "sentence_2": ["A mouse " + "runs " * 60, ""],
    }
    pd.DataFrame(blocks).to_csv(folder / "blocks.csv", index=False)
    summary = {
        "blocks": 2,
        "smallest_block": 5,
        "largest_block": 7,
        "within_bounds": within_bounds,
        "stability": {"seeds": seeds, "resamples": resamples},
        "splits": {"train": {"median_blocks_per_window": 2.0, "mean_chance": 0.71234}},
    }
    (folder / "summary.json").write_text(json.dumps(summary))
    main(folder / "blocks.csv", folder / "summary.json", 0.5, templates("blocks.html.j2"), folder / "page.html")
    return (folder / "page.html").read_text(encoding="utf-8")


def test_the_page_shows_words_and_sentences_as_text(tmp_path):
    """Catches markup of the corpus that becomes markup of the page, and quotes that fill it."""
    page = page_of(tmp_path, 0.9, 0.8)
    assert "cat, mouse" in page and "Cats chase mice." in page and "0.712" in page
    assert "<script>" not in page and "<b>" not in page and "&lt;script&gt;" in page
    assert max(len(cell) for cell in re.findall(r"<td>(.*?)</td>", page)) < 250
    assert "LOW" not in page


@pytest.mark.parametrize(("seeds", "resamples"), [(0.2, 0.9), (0.9, 0.2)])
def test_blocks_that_do_not_come_back_are_warned_of(seeds, resamples, tmp_path):
    """Catches a warning that looks at one of the two only."""
    assert page_of(tmp_path, seeds, resamples).count("LOW (below 0.5)") == 1


def test_a_single_block_has_no_stability(tmp_path):
    """Catches a crash, or a verdict, where there is nothing to compare."""
    page = page_of(tmp_path, None, None)
    assert page.count("nothing to compare") == 2 and "LOW" not in page


def test_blocks_that_fill_a_window_are_warned_of(tmp_path):
    """Catches a study whose windows see one block, told as if locality meant something there."""
    assert "None of the numbers tried" in page_of(tmp_path, 0.9, 0.9, within_bounds=False)
    assert "None of the numbers tried" not in page_of(tmp_path, 0.9, 0.9)
