"""Documents as found in practice: each folder of tests/data/documents reproduces one reported problem.

case.json states the problem, the changes to the corpus settings, and the expected result.
"""

import json
from pathlib import Path
from typing import Any

import hostile
import pandas as pd
import pytest
from rapidfuzz.distance import Levenshtein
from sample_files import corpus
from whole_studies import default_study

from localist.corpus.cleaning import STEPS
from localist.corpus.corpus_files import corpus_files
from localist.corpus.extraction import extract
from localist.corpus.sentences import split_sentences
from localist.plumbing.errors import UserError

process, one_process = hostile.process, hostile.one_process  # fixtures

DOCUMENTS = Path(__file__).parents[2] / "data" / "documents"
QUOTES = str.maketrans("’‘“”", "''\"\"")
# Deliberately read differently: MHTML is read, not refused; verse in a PDF, which is not marked, is a paragraph.
OPEN: set[str] = {
    "mhtml_as_text",
    "pdf_verse",
}


def cases() -> list[Any]:
    names = sorted(path.parent.name for path in DOCUMENTS.glob("*/case.json"))
    return [pytest.param(name, marks=pytest.mark.xfail(strict=True) if name in OPEN else ()) for name in names]


@pytest.mark.usefixtures("one_process")
@pytest.mark.parametrize("name", cases())
def test_a_reported_document_is_read_as_expected(name, tmp_path):
    """Catches the problem that case.json describes."""
    case = json.loads((DOCUMENTS / name / "case.json").read_text(encoding="utf-8"))
    expected, changes = case["expect"], case.get("config", {})
    inputs = case["input"] if isinstance(case["input"], list) else [case["input"]]
    clean = dict.fromkeys(STEPS, True) | changes.get("clean", {})
    defaults = {key: default_study()["corpus"][key] for key in ("drop_sections", "section_words")}
    settings = corpus(**defaults | changes | {"clean": clean})
    sections = tmp_path / "sections.parquet"
    try:
        report = extract(corpus_files(DOCUMENTS / name / one for one in inputs), settings, sections)
    except UserError as error:
        assert "error_has" in expected, error
        assert [part for part in expected["error_has"] if part.lower() not in str(error).lower()] == []
        return
    assert "error_has" not in expected, "it was read without an error"
    check(expected, pd.read_parquet(sections), report, settings.language)


def check(expected: dict[str, Any], sections: pd.DataFrame, report: dict[str, Any], language: str) -> None:
    """Compare what was read with a case's expectation, key by key."""
    lines = [line for text in sections["text"] for line in text.split("\n")]
    whole = "\n".join(lines)
    warnings = [warning for file in report["files"] for warning in file["warnings"]]
    if "lines" in expected:
        assert lines == expected["lines"]
    if "text" in expected:
        assert whole.split() == expected["text"].split()
    assert [part for part in expected.get("has", []) if part not in whole] == []
    assert [part for part in expected.get("lacks", []) if part in whole] == []
    if "sentences" in expected:
        found = [text[start:end] for text in sections["text"] for start, end in split_sentences(text, language)]
        assert found == expected["sentences"]
    if "near" in expected:
        got, wanted = plain(whole), plain("\n".join(expected["near"]["lines"]))
        assert Levenshtein.distance(got, wanted) / len(wanted) <= expected["near"]["cer"]
    assert len(sections) >= expected.get("sections_at_least", 1)
    headings = sections["heading"].tolist()
    assert [one for one in expected.get("headings_has", []) if not any(one in heading for heading in headings)] == []
    if "documents" in expected:
        assert sections["title"].tolist() == expected["documents"]
    assert [one for one in expected.get("warns", []) if not any(one in warning for warning in warnings)] == []


def plain(text: str) -> str:
    """Text with straight quotes and single spaces."""
    return " ".join(text.translate(QUOTES).split())
