"""docs/troubleshooting.md quotes messages that the program gives."""

import re

import pytest
from checkout import ROOT, SCRIPTS

PAGE = ROOT / "docs" / "troubleshooting.md"
# Messages of Snakemake, the system and SLURM, and names that stand for any.
OTHERS = ("Config file is not valid", "No rule to produce", "Missing input files", "No space left on device", "Killed")
VARYING = re.compile(r"…|\b(?:NAME|SLURM|my_key|line 3|study|html|nan|1)\b|\.pdf|arms\.")


def quoted():
    """The text in backticks in the first column of the tables, without what differs each time."""
    for row in re.findall(r"^\| (.*?) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE):
        for text in re.findall(r"`([^`]+)`", row):
            if not text.startswith(OTHERS):
                yield max(VARYING.split(text), key=len).strip(" :,.")


def source():
    """The program's text, with string literals that continue on the next line joined."""
    workflow = ROOT / "workflow"
    files = [*SCRIPTS.rglob("*.py"), *workflow.rglob("*.smk"), *workflow.rglob("*.j2"), ROOT / "Makefile"]
    return re.sub(r'"\s*\n\s*f?"', "", "\n".join(path.read_text(encoding="utf-8") for path in files))


@pytest.fixture(scope="module")
def program():
    return source()


@pytest.mark.parametrize("text", sorted(set(quoted())))
def test_a_quoted_message_is_one_of_the_program(text, program):
    """Catches a message that was reworded and is searched for in vain."""
    assert text in program
