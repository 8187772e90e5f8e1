"""Files of each run, from lists in the order of the rule's inputs."""

from pathlib import Path

import pytest

from collect_metrics import files_by_run

RUNS = [("pretrained", 0), ("quintic", 1)]


def test_every_run_gets_its_own_files():
    """Catches files of another run or partition: the rule lists all runs of one partition, then those of the next."""
    layers = [f"{arm}-{partition}" for partition in ("semantic", "shifted") for arm, _ in RUNS]
    found = files_by_run(RUNS, ["semantic", "shifted"], ["m0", "m1"], ["p0", "p1"], ["t0", "t1"], ["a0", "a1"], layers)
    assert list(found) == RUNS
    quintic = found["quintic", 1]
    assert [quintic.metrics, quintic.precision, quintic.tokens, quintic.at_tokens] == [
        *map(Path, ("m1", "p1", "t1", "a1")),
    ]
    assert quintic.layers == {"semantic": Path("quintic-semantic"), "shifted": Path("quintic-shifted")}


def test_lists_of_different_lengths_are_refused():
    """Catches a missing input file, which would assign all later files to the wrong runs."""
    with pytest.raises(ValueError):
        files_by_run(RUNS, ["semantic"], ["m0"], ["p0", "p1"], ["t0", "t1"], ["a0", "a1"], ["a", "b"])
