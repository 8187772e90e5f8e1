"""Report pages: escaped, complete, and formatted for reading."""

from html.parser import HTMLParser

import numpy as np
import pandas as pd
from checkout import templates
from judged_claims import CLAIMS

from localist.report.pages import claims_page, summary_page, text_pairs

EVIL = "<script>alert('x')</script> & \"more\""
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
    """Collects tags and text."""

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
    return Reader(summary_page(table, [("2%", "<b>", "+1.0 %", "+0.500")], "fp32", templates("summary.html.j2")))


def test_no_text_becomes_markup():
    """Catches config or corpus text that runs as a script in the reader's browser."""
    read = rendered(pd.DataFrame({EVIL: [EVIL]}))
    assert "script" not in read.tags and sum(EVIL in text for text in read.text) == 2
    claims = CLAIMS.assign(claim=EVIL, statement=EVIL, sentence=EVIL)
    read = Reader(claims_page(claims, CHECKS.assign(arm=EVIL, partition=EVIL), templates("claims.html.j2")))
    assert "script" not in read.tags and sum(EVIL in text for text in read.text) >= 5


def test_the_summary_states_the_precision():
    """Catches bf16 results that could be mistaken for float32 results."""
    assert any("Evaluated in fp32" in text for text in rendered(pd.DataFrame({"arm": ["x"]})).text)


def test_nested_settings_are_shown_with_dotted_keys():
    """Catches settings that vanish because they are nested or empty."""
    found = text_pairs({"a": {"b": {"c": 1}, "d": None}, "e": {}, "f": [1, 2]})
    assert found == [("a.b.c", "1"), ("a.d", "None"), ("e", "{}"), ("f", "[1, 2]")]


def test_long_tables_and_cells_are_shown_in_full():
    """Catches rows and texts that are truncated."""
    long = "word " * 40 + "end"
    page = rendered(pd.DataFrame({"a": [long] * 120, "b": range(120)}))
    assert page.text.count(long) == 120 and "119" in page.text


def test_the_claims_page_shows_verdicts_numbers_and_checks():
    """Catches a verdict without its symbol, a failed check shown as passed, and a missing part."""
    page = claims_page(CLAIMS, CHECKS, templates("claims.html.j2"))
    for text in ("✔ supported", "– not tested", "It was near.", "Near. (near_baseline)", "+0.300 (+0.200 to +0.400)"):
        assert text in page, text
    assert "at least 0.05, or less for another schedule's dose" in page and "active, last tenth" in page
    assert page.count("<td>yes</td>") == page.count("<td>no</td>") == 1
    assert "Is the constraint active?" not in claims_page(CLAIMS, CHECKS.iloc[:0], templates("claims.html.j2"))
