"""Exact bytes written by plumbing: it is not an input of rules, so a change of these would leave old results."""

import hashlib

import pytest

from localist.plumbing.files import files_in, sha256_of, write_json
from localist.plumbing.job_environment import JOB_ENVIRONMENT
from localist.plumbing.provenance import content_hash


def test_json_format_is_unchanged(tmp_path):
    """Catches changed indentation, key order, escaping or number format in JSON results."""
    write_json(tmp_path / "x.json", {"b": [1, 0.1, 1e-7, None, True], "a": {"ü": "τ\n", "A": {}}})
    lines = (
        *("{", '  "a": {', '    "A": {},', '    "ü": "τ\\n"', "  },"),
        *('  "b": [', "    1,", "    0.1,", "    1e-07,", "    null,", "    true", "  ]", "}", ""),
    )
    expected = "\n".join(lines)
    assert (tmp_path / "x.json").read_bytes() == expected.encode()


def test_hashes_are_unchanged(tmp_path):
    """Catches changed input hashes, which name checkpoints and the folders of partial embeddings."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "b.bin").write_bytes(b"weights")
    (tmp_path / "model" / "a.json").write_bytes(b"{}")
    (tmp_path / "model" / ".snakemake_timestamp").write_bytes(b"changes")
    (tmp_path / "one.txt").write_bytes(b"text")
    assert sha256_of(tmp_path / "one.txt") == hashlib.sha256(b"text").hexdigest()
    assert {path.name for path in files_in(tmp_path / "model")} == {"b.bin", "a.json", ".snakemake_timestamp"}
    found = content_hash([tmp_path / "one.txt", tmp_path / "model"])
    parts = (("one.txt", b"text"), ("a.json", b"{}"), ("b.bin", b"weights"))
    expected = hashlib.sha256(b"".join(name.encode() + hashlib.sha256(content).digest() for name, content in parts))
    assert found == expected.hexdigest()


@pytest.mark.parametrize("name", ["MKL_CBWR", "MKL_DYNAMIC", "TOKENIZERS_PARALLELISM", "HF_HUB_OFFLINE"])
def test_environment_that_affects_bits_is_unchanged(name):
    """Catches a changed setting of arithmetic, which alters the last digits of every result."""
    expected = {"MKL_CBWR": "AUTO,STRICT", "MKL_DYNAMIC": "FALSE", "TOKENIZERS_PARALLELISM": "false"}
    assert JOB_ENVIRONMENT[name] == (expected | {"HF_HUB_OFFLINE": "1"})[name]
