"""Torture rounds: their plan, the processes they may signal, and the comparison of results."""

import os
import signal

import psutil
import pytest
from compared_results import differences
from disturbed_study import DisturbedStudy
from torture import KINDS, planned


def test_a_round_is_determined_by_seed_and_number():
    """Catches rounds that cannot be repeated, or a kind of disturbance that never occurs."""
    rounds = range(1, len(KINDS) + 1)
    plans = [planned(3, number) for number in rounds]
    assert plans == [planned(3, number) for number in rounds] != [planned(4, number) for number in rounds]
    assert [plan.disturbances[0].kind for plan in plans] == list(KINDS)


def test_a_foreign_process_gets_no_signal(tmp_path):
    """Catches signals to processes outside the study, such as this test's parent or this process itself."""
    with DisturbedStudy(tmp_path / "round") as study:
        for pid in (os.getppid(), os.getpid()):
            with pytest.raises(AssertionError, match="none of ours"):
                study.send(signal.SIGCONT, [psutil.Process(pid)])


def test_every_difference_is_reported(tmp_path):
    """Catches a comparison that overlooks missing, extra or changed files, or that includes logs."""
    for name, texts in {"ours": {"a": "1", "b": "2", "logs/x": "1"}, "theirs": {"a": "1", "b": "3", "c": "4"}}.items():
        for path, text in texts.items():
            (tmp_path / name / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name / path).write_text(text, encoding="utf-8")
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    assert differences(ours, theirs) == ["c is missing", "b has other bytes"]
    assert differences(ours, theirs, ["c"]) == ["b has other bytes"]
    assert differences(theirs, ours) == ["c is left over", "b has other bytes"]
    assert differences(ours, ours) == []
