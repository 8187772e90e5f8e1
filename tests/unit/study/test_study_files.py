"""Study files: repeated keys, which YAML would drop silently."""

from pathlib import Path

import pytest
from test_config import SHIPPED

from localist.plumbing.errors import UserError
from localist.study.study_files import refuse_repeated_keys


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seeds: [1]\nstudy: x\nseeds: [2]\n", "line 3: the key seeds is already set in line 1"),
        ("arms:\n  quintic: {a: 1}\n\n  quintic: {a: 2}\n", "line 4: the key quintic is already set in line 2"),
        ('list:\n- {a: 1, b: 2, "a": 3}\n', "line 2: the key a is already set in line 2"),
    ],
)
def test_repeated_keys_are_refused_with_their_lines(tmp_path: Path, text: str, message: str):
    """Catches an arm, or a list of seeds, that is dropped because its key is repeated further down."""
    file = tmp_path / "study.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=message):
        refuse_repeated_keys(file)


@pytest.mark.parametrize("text", ["", "a: {b: 1}\nc: {b: 1}\n", "a: &x {b: 1}\nc: *x\n", "a: [", '{"a": 1}'])
def test_files_without_repeated_keys_are_accepted(tmp_path: Path, text: str):
    """Catches equal keys in different mappings, an empty file, or JSON reported as a mistake."""
    file = tmp_path / "study.yaml"
    file.write_text(text, encoding="utf-8")
    refuse_repeated_keys(file)


@pytest.mark.parametrize("file", SHIPPED, ids=lambda path: path.name)
def test_shipped_studies_have_no_repeated_keys(file: Path):
    """Catches a shipped study with a repeated key."""
    refuse_repeated_keys(file)
