"""Report pages: escaped, whole, and formatted for reading."""

from html.parser import HTMLParser

import numpy as np
import pandas as pd
from checkout import templates

from localist.report.pages import claims_page, shown_arms, shown_claims, summary_page, text_pairs

EVIL = "<script>alert('x')</script> & \"more\""
SUMMARY = pd.DataFrame(
    {
        "arm": ["distributed", "quintic"],
        "seeds": [3, 3],
        "sections": [21, 21],
        "perplexity": [7.754, 14.64],
        "perplexity_low": [7.0, 13.0],
        "perplexity_high": [8.0, 16.0],
        "ratio": [1.0, 1.8881],
        "ratio_low": [1.0, 1.7],
        "ratio_high": [1.0, 2.1],
        "late_fidelity_corrected": [-0.0123, 0.5],
        "late_sink_share": [0.4, 0.25],
    }
)

CLAIMS = pd.DataFrame(
    {
        "claim": ["near_baseline", "robust_across_seeds"],
        "statement": ["Near.", "Robust."],
        "verdict": ["supported", "not tested"],
        "sentence": ["It was near.", "There are too few seeds."],
        "effect": [3.55, None],
        "unit": ["% perplexity", None],
        "ci_low": [2.0, None],
        "ci_high": [5.0, None],
        "p_holm": [0.0123, None],
    }
)
CHECKS = pd.DataFrame(
    {
        "arm": ["quintic", "uniform"],
        "partition": ["semantic", "semantic"],
        "gain": [0.3, 0.04],
        "gain_low": [0.2, 0.03],
        "gain_high": [0.4, 0.05],
        "minimum": [0.05, 0.05],
        "passed": [True, False],
        "active_first": [0.97, 0.9],
        "active_last": [0.03, np.nan],
    }
)


class Reader(HTMLParser):
    """Collects tags, and text by tag."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.text.append(data)


def rendered(table: pd.DataFrame) -> Reader:
    return Reader(summary_page(table, templates("summary.html.j2")))


def test_no_text_becomes_markup():
    """Catches text of a config or corpus that runs as a script in the reader's browser."""
    read = rendered(pd.DataFrame({EVIL: [EVIL]}))
    assert "script" not in read.tags and sum(EVIL in text for text in read.text) == 2
    claims = CLAIMS.assign(claim=EVIL, statement=EVIL, sentence=EVIL)
    read = Reader(claims_page(claims, CHECKS.assign(arm=EVIL, partition=EVIL), templates("claims.html.j2")))
    assert "script" not in read.tags and sum(EVIL in text for text in read.text) >= 5


def test_nested_settings_are_shown_with_dotted_keys():
    """Catches settings that vanish because they are nested or empty."""
    found = text_pairs({"a": {"b": {"c": 1}, "d": None}, "e": {}, "f": [1, 2]})
    assert found == [("a.b.c", "1"), ("a.d", "None"), ("e", "{}"), ("f", "[1, 2]")]


def test_long_tables_and_cells_are_shown_whole():
    """Catches rows and texts that are cut off with dots."""
    long = "word " * 40 + "end"
    page = rendered(pd.DataFrame({"a": [long] * 120, "b": range(120)}))
    assert page.text.count(long) == 120 and "119" in page.text


def test_the_claims_page_shows_verdicts_numbers_and_checks():
    """Catches a verdict without its symbol, a check that passes below its minimum, and a part that is left out."""
    page = claims_page(CLAIMS, CHECKS, templates("claims.html.j2"))
    for text in ("✔ supported", "– not tested", "It was near.", "Near. (near_baseline)", "+0.300 (+0.200 to +0.400)"):
        assert text in page, text
    assert "at least 0.05 is required" in page and "active, last tenth" in page
    assert page.count("<td>yes</td>") == page.count("<td>no</td>") == 1
    assert "Is the constraint active?" not in claims_page(CLAIMS, CHECKS.iloc[:0], templates("claims.html.j2"))


def test_what_was_not_tested_shows_no_numbers():
    """Catches NaN on a page."""
    shown = shown_claims(CLAIMS)
    assert not shown.astype(str).isin(["nan", "<NA>", "None"]).any(axis=None)
    assert shown.iloc[1].tolist() == ["robust across seeds", "not tested", "n/a", "", "n/a", "n/a"]


def test_arms_are_shown_with_rounded_numbers():
    """Catches swapped bounds and unreadable numbers."""
    shown = shown_arms(SUMMARY)
    assert shown.iloc[1].tolist() == [
        "quintic",
        "14.64",
        "13.00 – 16.00",
        "1.888 (1.700 – 2.100)",
        "+0.500",
        "n/a",
        "0.250",
        "3",
        "21",
    ]
    assert shown.iloc[0]["late fidelity, chance-corrected"] == "-0.012"
    control = shown_arms(SUMMARY.assign(late_fidelity_corrected_shifted=[0.1, 0.25]))
    assert control["under shifted blocks"].tolist() == ["+0.100", "+0.250"]


def test_what_was_not_measured_is_not_shown_as_a_number():
    """Catches “+nan” in the report where no query of the late layers was counted."""
    missing = SUMMARY.assign(late_fidelity_corrected=np.nan, late_sink_share=np.nan)
    assert not shown_arms(missing).map(lambda cell: "nan" in cell).any(axis=None)
