"""Information taken from job logs."""

import pytest

from localist.plumbing.job_logs import END_BYTES, end_of, messages_of, progress_of, reason_of, seconds_left_of, shown

AT = "2026-01-02 03:04:05,678"
TRACEBACK = 'Traceback (most recent call last):\n  File "x.py", line 1, in f\nValueError: 3 rows, 4 names'


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        (
            f"{AT} INFO localist.x: go\n{AT} ERROR localist: Error: x.txt: empty.\n  - or not\n",
            "x.txt: empty.\n  - or not",
        ),
        (f"{AT} ERROR localist: failed\n{TRACEBACK}\n", "ValueError: 3 rows, 4 names"),
        (f"{AT} ERROR localist: Error: first\n{AT} ERROR localist: Error: second", "second"),
        (f"{AT} WARNING localist: quintic seed 1 was asked to end\n", ""),
        ("", ""),
    ],
)
def test_the_reason_is_the_last_error(log, reason):
    """Catches a failure explained by the inside of a traceback, part of a message, or a warning."""
    assert reason_of(log) == reason


def test_only_the_projects_own_messages_are_shown():
    """Catches library messages on the screen, and messages that are shown twice."""
    log = (
        f"{AT} WARNING __main__: Only 3 windows.\n{AT} WARNING py.warnings: x.py:3: beware\n  f()\n"
        f"{AT} WARNING localist.blocks.partitions: No width.\nmore of it\n{AT} WARNING __main__: Only 3 windows.\n"
        f"{AT} INFO __main__: 5 documents.\n"
    )
    assert messages_of(log, "WARNING") == ["Only 3 windows.", "No width."]
    assert messages_of(log, "INFO") == ["5 documents."]


def test_progress_is_the_state_of_the_last_bar():
    """Catches an outdated state, a drawn bar, and a bar that is missed because of later output."""
    log = f"{AT} INFO localist: 8 steps\n\rquintic seed 1:   0%|          | 0/1900 [00:00<?, ?tok/s]"
    log += "\rquintic seed 1:  34%|███▍      | 646/1900 [00:04<00:08, 152tok/s, loss=6.8]\n[transformers] a remark\n"
    assert progress_of(log) == "quintic seed 1: 34% 646/1900 [00:04<00:08, 152tok/s, loss=6.8]"
    assert progress_of(f"{AT} INFO localist: 34% | of it | done") == progress_of("") == ""


@pytest.mark.parametrize(
    ("bar", "seconds"),
    [
        ("quintic: 34%|###   | 646/1900 [00:04<01:08, 152tok/s]", 68),
        ("quintic: 3%|   | 1/1900 [02:00<1:02:03, 1tok/s]", 3723),
        ("quintic: 0%|   | 0/1900 [00:00<?, ?tok/s]", None),
        ("", None),
    ],
)
def test_the_time_left_is_read_from_a_progress_bar(bar, seconds):
    """Catches elapsed time taken for time left, dropped hours, and a crash before tqdm has an estimate."""
    assert seconds_left_of(f"{AT} INFO localist: go\n\r{bar}") == seconds


def test_text_cannot_control_the_terminal():
    """Catches book titles that move the cursor, colour the screen, or reverse the writing direction."""
    hostile = "a\tb\x1b[2J\x9b1m\rb\u202ec\x07\ne"
    assert shown(hostile) == "a       b\\x1b[2J\\x9b1m\\rb\\u202ec\\x07\ne"
    assert shown("Ännchen – 東京 “λ”") == "Ännchen – 東京 “λ”"


def test_the_end_of_any_log_can_be_read(tmp_path):
    """Catches a crash of the screen output on a log that is missing, long, or cut inside a character."""
    path = tmp_path / "x.log"
    assert end_of(path) == ""
    path.write_bytes("λ".encode() * END_BYTES + b"end\xff")
    assert end_of(path).endswith("λend�") and len(end_of(path)) <= END_BYTES
