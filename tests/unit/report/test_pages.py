"""Report pages: escaped, whole, and formatted for reading."""

from html.parser import HTMLParser

import numpy as np
import pandas as pd

from localist.report.pages import html_page, html_pairs, html_table, shown_arms

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


def test_no_text_becomes_markup():
    """Catches text of a config or corpus that runs as a script in the reader's browser."""
    parts = [
        (EVIL, html_table(pd.DataFrame({EVIL: [EVIL]}))),
        ("pairs", html_pairs({EVIL: EVIL, "nested": {EVIL: [EVIL]}})),
    ]
    read = Reader(html_page(EVIL, parts))
    assert "script" not in read.tags
    assert sum(EVIL in text for text in read.text) >= 7


def test_nested_settings_are_shown_with_dotted_keys():
    """Catches settings that vanish because they are nested or empty."""
    read = Reader(html_pairs({"a": {"b": {"c": 1}, "d": None}, "e": {}, "f": [1, 2]}))
    cells = [text.strip() for text in read.text if text.strip()]
    assert cells == ["a.b.c", "1", "a.d", "None", "e", "{}", "f", "[1, 2]"]


def test_long_tables_and_cells_are_shown_whole():
    """Catches rows and texts that are cut off with dots."""
    long = "word " * 40 + "end"
    page = html_table(pd.DataFrame({"a": [long] * 120, "b": range(120)}))
    assert page.count(long) == 120


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
