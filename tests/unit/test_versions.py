"""The version agrees between package, citation and changelog."""

import re

import yaml
from checkout import ROOT

from localist import __version__


def test_the_version_is_the_same_everywhere():
    """Catches a release whose citation or changelog has another version or date."""
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    released = re.findall(r"^## (\d+\.\d+\.\d+) \((\d{4}-\d\d-\d\d)\)$", changelog, re.MULTILINE)
    assert released[0] == (__version__, citation["date-released"]) and citation["version"] == __version__
