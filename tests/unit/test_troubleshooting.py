"""docs/troubleshooting.md quotes messages that the program really contains."""

import re

import pytest
from checkout import ROOT, SCRIPTS

PAGE = ROOT / "docs" / "troubleshooting.md"
# Messages of Snakemake, the system and SLURM; and placeholders and values that vary.
OTHERS = ("Config file is not valid", "No rule to produce", "Missing input files", "No space left on device", "Killed")
VARYING = re.compile(r"…|\b(?:NAME|SLURM|my_key|line 3|study|html|nan|1)\b|\.pdf|arms\.")


def quoted():
    """The longest invariable part of each text in backticks in the first column of the tables."""
    for row in re.findall(r"^\| (.*?) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE):
        for text in re.findall(r"`([^`]+)`", row):
            if not text.startswith(OTHERS):
                yield max(VARYING.split(text), key=len).strip(" :,.")


def source():
    """The program's source, with string literals that continue on the next line joined."""
    workflow = ROOT / "workflow"
    files = [*SCRIPTS.rglob("*.py"), *workflow.rglob("*.smk"), *workflow.rglob("*.j2"), ROOT / "Makefile"]
    return re.sub(r'"\s*\n\s*f?"', "", "\n".join(path.read_text(encoding="utf-8") for path in files))


@pytest.fixture(scope="module")
def program():
    return source()


@pytest.mark.parametrize("text", sorted(set(quoted())))
def test_quoted_messages_exist_in_the_source(text, program):
    """Catches a documented message that was reworded in the program."""
    assert text in program
