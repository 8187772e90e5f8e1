"""The paper's figures beside ours: the right arm's, and never without what sets the two apart."""

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


def test_each_figure_stands_beside_its_own_arm():
    """Catches figures in each other's rows, and a quintic that is known by its name alone."""
    table = published_table(SUMMARY, ARMS, MODEL, CORPUS)
    assert table.columns.tolist() == COLUMNS
    assert table["paper"].tolist() == pytest.approx([14.64, 7.746, 1.89, 6.6], abs=1e-3)
    assert table["study"].tolist() == [29.4, 28.0, 1.05, 1.107]
    assert (table["study_high"] - table["study_low"]).to_numpy() == pytest.approx(0.2)
    assert set(table["alike"]) == {"not the same corpus, not the same model"}


def test_an_arm_that_is_missing_has_no_number():
    """Catches a study without localist arm that fails, or shows another arm in its place."""
    table = published_table(SUMMARY, ARMS | {"localist": None}, MODEL, CORPUS)
    assert np.isnan(table.loc[3, "study"]) and table["study"].notna().sum() == 3
    assert "n/a" in published_page(table, "", "", templates("published.html.j2"))


@pytest.mark.parametrize(
    ("model", "corpus", "expected"),
    [
        ("gpt2", "book.txt", "not the same corpus"),
        ("smol", "The Psychology of Artificial Superintelligence, own copy", "not the same model"),
        ("tiny-gpt2", "the psychology of artificial superintelligence", "not the same model"),
        ("GPT-2", "the psychology of artificial superintelligence", "by name; method, split and settings are our own"),
    ],
)
def test_what_differs_is_said(model, corpus, expected):
    """Catches a comparison that claims more, or less, than the names in the config bear out."""
    table = published_table(SUMMARY, ARMS, {"name": model, "origin": ""}, {"name": "x", "origin": corpus})
    assert expected in table["alike"].iloc[0]


def test_the_page_carries_the_caveats_as_text():
    """Catches a page that leaves out what the model is, or that lets it become markup."""
    table = published_table(SUMMARY, ARMS, MODEL, CORPUS)
    page = published_page(table, MODEL["origin"], CORPUS["origin"], templates("published.html.j2"))
    assert "not the same corpus, not the same model" in page
    assert "&lt;b&gt;4-bit weights" in page and "<b>" not in page
    assert "Psychology of Artificial Superintelligence" in page and "stated for earlier localist models" in page
