"""The fenced blocks of the documents: commands (`sh`), studies (`yaml`), `python`, and program output (`text`)."""

import re
from pathlib import Path

from checkout import ROOT

DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "results/README.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LANGUAGES = {"sh", "yaml", "python", "text", "math"}


def blocks(language: str) -> list[tuple[Path, str]]:
    """The fenced blocks of one language. Blocks without a language are commands."""
    found = [(path, *match) for path in DOCUMENTS for match in FENCED.findall(path.read_text(encoding="utf-8"))]
    assert {spoken or "sh" for _, spoken, _ in found} <= LANGUAGES
    return [(path, text) for path, spoken, text in found if (spoken or "sh") == language]
