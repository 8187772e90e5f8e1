"""The paper's figures beside those of the right arms, always with the differences between the two studies."""

import numpy as np
import pandas as pd
import pytest
from checkout import templates

from localist.claims.published import COLUMNS, published_table
from localist.report.pages import published_page

SUMMARY = pd.DataFrame(
    {
        "arm": ["pretrained", "distributed", "steep", "localist"],
        "perplexity": [32.0, 28.0, 29.4, 31.0],
        "ratio": [1.14, 1.0, 1.05, 1.107],
    }
)
for column in ("perplexity", "ratio"):
    SUMMARY[f"{column}_low"], SUMMARY[f"{column}_high"] = SUMMARY[column] - 0.1, SUMMARY[column] + 0.1
ARMS = {"distributed": "distributed", "quintic": "steep", "localist": "localist"}
MODEL = {"name": "smol", "origin": "<b>4-bit weights</b>"}
CORPUS = {"name": "wiki.xml", "origin": "an encyclopaedia"}


def test_each_figure_is_compared_with_its_own_arm():
    """Catches figures in the wrong rows, and a quintic arm found only by that name."""
    table = published_table(SUMMARY, ARMS, MODEL, CORPUS)
    assert table.columns.tolist() == COLUMNS
    assert table["paper"].tolist() == pytest.approx([14.64, 7.746, 1.89, 6.6], abs=1e-3)
    assert table["study"].tolist() == [29.4, 28.0, 1.05, 1.107]
    assert (table["study_high"] - table["study_low"]).to_numpy() == pytest.approx(0.2)
    assert set(table["alike"]) == {"a different corpus, a different model"}


def test_a_missing_arm_has_no_number():
    """Catches a study without a localist arm that fails, or that shows another arm instead."""
    table = published_table(SUMMARY, ARMS | {"localist": None}, MODEL, CORPUS)
    assert np.isnan(table.loc[3, "study"]) and table["study"].notna().sum() == 3
    assert "n/a" in published_page(table, "", "", templates("published.html.j2"))


@pytest.mark.parametrize(
    ("model", "corpus", "expected"),
    [
        ("gpt2", "book.txt", "a different corpus"),
        ("smol", "The Psychology of Artificial Superintelligence, own copy", "a different model"),
        ("tiny-gpt2", "the psychology of artificial superintelligence", "a different model"),
        ("GPT-2", "the psychology of artificial superintelligence", "by name; method, split and settings are our own"),
    ],
)
def test_differences_are_stated(model, corpus, expected):
    """Catches a comparison that claims more, or less, than the names in the config support."""
    table = published_table(SUMMARY, ARMS, {"name": model, "origin": ""}, {"name": "x", "origin": corpus})
    assert expected in table["alike"].iloc[0]


def test_the_page_shows_the_caveats_as_text():
    """Catches a page that omits the model's origin, or inserts it as markup."""
    table = published_table(SUMMARY, ARMS, MODEL, CORPUS)
    page = published_page(table, MODEL["origin"], CORPUS["origin"], templates("published.html.j2"))
    assert "a different corpus, a different model" in page
    assert "&lt;b&gt;4-bit weights" in page and "<b>" not in page
    assert "Psychology of Artificial Superintelligence" in page and "stated for earlier localist models" in page
