"""The study's start page: five numbers by hand, omission of unmeasured ones, and hostile names."""

import re

import numpy as np
import pandas as pd
import pytest
from checkout import ROOT

from localist.plumbing.source_files import used_templates
from localist.report.index_page import answer, five_numbers, index_page
from localist.report.trade_off import trade_off

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def tables():
    arms = pd.DataFrame(
        {
            "arm": ["pretrained", "distributed", "quintic"],
            "ratio": [1.2, 1.0, 1.05],
            "ratio_low": [1.1, 1.0, 1.04],
            "ratio_high": [1.3, 1.0, 1.07],
            "late_fidelity_corrected": [0.39, 0.4, 0.75],
            "seeds": [1, 2, 2],
            "sections": 45,
        }
    )
    knockout = pd.DataFrame(
        {
            "arm": ["distributed", "distributed", "quintic", "quintic", "quintic"],
            "partition": ["semantic", "semantic", "semantic", "semantic", "shifted"],
            "delta_nll": [0.1, 0.3, 0.05, 0.07, 9.0],
        }
    )
    faithfulness = pd.DataFrame(
        {
            "arm": ["distributed", "quintic"],
            "rho": [0.3, 0.6],
            "rho_low": [0.2, 0.5],
            "rho_high": [0.4, 0.7],
            "windows": 8,
        }
    )
    dial = pd.DataFrame(
        {
            "arm": ["distributed"] * 2 + ["quintic"] * 4,
            "seed": [1, 1, 1, 1, 2, 2],
            "dial": [0.0, 1.0, 0.0, 1.0, 0.0, 1.0],
            "perplexity": [10.0, 15.0, 10.0, 11.0, 20.0, 20.0],
        }
    )
    claims = pd.DataFrame(
        {
            "claim": ["near_baseline", HOSTILE],
            "statement": HOSTILE,
            "verdict": "supported",
            "sentence": ["It is.", np.nan],
        }
    )
    return {"arms": arms, "knockout": knockout, "faithfulness": faithfulness, "dial": dial, "claims": claims}


def test_five_numbers_by_hand(tables):
    """Catches numbers of another arm or partition, seeds that are not averaged, and a wrong reference for the dial."""
    assert five_numbers(tables, "quintic") == [
        ("price", "+5.0%", "+4.0% to +7.0%"),
        ("late_fidelity", "0.75", "distributed: 0.40"),
        ("knockout", "0.060 nats", "distributed: 0.200"),
        ("faithfulness", "ρ = 0.60", "0.50 to 0.70, 8 windows; distributed: 0.30"),
        ("dial", "+4.9%", "distributed: +50.0%"),
    ]


def test_the_answer_is_one_sentence(tables):
    """Catches another arm's fidelity as that without a constraint, and an answer without data."""
    arms = tables["arms"]

    def answered():
        return answer(arms, trade_off(arms.to_dict("records")))

    # On the line from (1, 0.4) to (1.04, 0.75): 0.4 + 0.35 ln 1.02 / ln 1.04.
    arms.loc[2, "ratio"] = 1.04
    start = "Chance-corrected late fidelity is 0.400 without a constraint"
    assert answered() == f"{start} and 0.577 at +2% perplexity."
    # The same with ln 1.2 as the denominator.
    arms.loc[2, "ratio"] = 1.2
    found = "0.438 at +2% perplexity, 0.494 at +5% perplexity and 0.668 at +15% perplexity"
    assert answered() == f"{start}, {found}."
    arms.loc[2, "ratio"] = 1.01
    assert answered() == ""


def test_unmeasured_numbers_are_left_out(tables):
    """Catches a traceback or a nan in a study without dial, knockouts, or windows for faithfulness."""
    tables["dial"], tables["knockout"] = tables["dial"][:0], tables["knockout"][:0]
    tables["faithfulness"].loc[1, "rho"] = np.nan
    assert [key for key, *_ in five_numbers(tables, "quintic")] == ["price", "late_fidelity"]


def test_a_single_section_has_no_interval(tables):
    """Catches "nan to nan" for a sample that allows no interval, and "1 windows"."""
    tables["faithfulness"].loc[1, ["rho_low", "rho_high", "windows"]] = np.nan, np.nan, 1
    tables["arms"].loc[tables["arms"]["arm"] == "quintic", ["ratio_low", "ratio_high"]] = np.nan
    found = {key: beside for key, _, beside in five_numbers(tables, "quintic")}
    assert found["price"] == "no interval"
    assert found["faithfulness"] == "no interval, 1 window; distributed: 0.30"


def test_the_page_begins_with_the_answer(tables, tmp_path):
    """Catches evidence before the answer, a figure that is not embedded, and names that become markup."""
    picture = tmp_path / "frontier.png"
    picture.write_bytes(b"\x89PNG")
    about = {"model": HOSTILE, "corpus": "a book", "tokens": "12,000"}
    templates = used_templates(ROOT / "workflow/report/templates/index.html.j2")
    page = index_page("mine", tables, "quintic", {"frontier": picture}, "<p>method</p>", about, templates)
    order = ['id="answer"', "data:image/png;base64,", "Five numbers for quintic", "How certain", 'id="claims-list"']
    places = [page.index(what) for what in (*order, 'id="attention"', 'id="method"')]
    assert places == sorted(places) and HOSTILE not in page and "<p>method</p>" in page
    assert "2 seeds" in page and not re.search(r"\bnan\b", page)
    without = index_page("mine", tables, None, {}, "", about, templates)
    assert "Five numbers" not in without and "<img" not in without
