"""A rule's log: messages for users, tracebacks for developers."""

import errno
import logging
import os
import subprocess
import sys
import warnings

import pytest

from localist.plumbing.errors import UserError
from localist.plumbing.rule_log import SCREEN, identity, rule_log


@pytest.fixture(autouse=True)
def own_logging():
    """Give each test an empty logging setup, and restore that of the test runner."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers.clear()
    yield
    logging.captureWarnings(False)
    for handler in root.handlers:
        handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)


def of_a_library(number):
    return RuntimeError(f"I/O error: {os.strerror(number)} (os error {number})")


def test_a_user_error_shows_only_its_message(tmp_path, capsys):
    """Catches a traceback, or a lost message, if the user only has to correct the config."""
    path = tmp_path / "logs" / "rule.log"
    with pytest.raises(SystemExit) as caught, rule_log(path):
        raise UserError("corpus.source.path: λ.txt does not exist.")
    assert caught.value.code == 1
    for text in (path.read_text(encoding="utf-8"), capsys.readouterr().err):
        assert "corpus.source.path: λ.txt does not exist." in text
        assert "Traceback" not in text


def test_ctrl_c_is_not_reported_as_an_error(tmp_path, capsys):
    """Catches a traceback when a user stops a run."""
    with pytest.raises(SystemExit) as caught, rule_log(tmp_path / "rule.log"):
        raise KeyboardInterrupt
    assert caught.value.code == 130
    assert "Stopped by Ctrl-C." in (tmp_path / "rule.log").read_text(encoding="utf-8")
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("reason", [errno.ENOSPC, errno.EDQUOT], ids=["full disk", "used quota"])
@pytest.mark.parametrize("library", [lambda number: OSError(number, os.strerror(number)), of_a_library])
def test_a_full_disk_is_reported_without_a_traceback(tmp_path, reason, library):
    """Catches a traceback for a full disk or quota, whichever library reports it."""
    path = tmp_path / "rule.log"
    with pytest.raises(SystemExit) as caught, rule_log(path):
        raise library(reason)
    assert caught.value.code == 1
    said = path.read_text(encoding="utf-8")
    assert os.strerror(reason) in said and "Free disk space and run again" in said and "Traceback" not in said


def test_other_exceptions_leave_a_traceback_in_the_log(tmp_path):
    """Catches a crash that is not logged, and an exception that is swallowed."""
    path = tmp_path / "rule.log"
    with pytest.raises(ZeroDivisionError), rule_log(path):
        _ = 1 / 0
    text = path.read_text(encoding="utf-8")
    assert "Traceback" in text
    assert "ZeroDivisionError" in text
    assert "1 / 0" in text


def test_messages_and_warnings_reach_file_and_console(tmp_path, capsys):
    """Catches a log without the package's messages or warnings, and chatter that hides them."""
    path = tmp_path / "rule.log"
    with rule_log(path):
        logging.getLogger("localist.x").info("%d sentences", 3)
        logging.getLogger("localist.x").debug("detail")
        logging.getLogger("httpx").info("GET something")
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("beware", UserWarning, stacklevel=1)
    for text in (path.read_text(encoding="utf-8"), capsys.readouterr().err):
        assert "3 sentences" in text
        assert "beware" in text
        assert "detail" not in text
        assert "GET" not in text


def test_a_new_run_starts_a_new_log(tmp_path):
    """Catches a log that still shows an error of the previous run."""
    path = tmp_path / "rule.log"
    for message in ("first", "second"):
        with rule_log(path):
            logging.getLogger("localist").info(message)
    text = path.read_text(encoding="utf-8")
    assert "second" in text
    assert "first" not in text


@pytest.fixture
def on_screen(monkeypatch, capfd):
    """Make the console the run's screen; returns a function that reads it."""
    monkeypatch.setenv(SCREEN, identity(sys.stderr))
    return lambda: capfd.readouterr().err


def test_a_job_does_not_write_to_the_runs_screen(tmp_path, on_screen):
    """Catches messages, progress bars, and output of libraries or child processes between the lines of a run."""
    path = tmp_path / "rule.log"
    with rule_log(path):
        logging.getLogger("localist").warning("first")
        os.write(2, b"\rbar\nfrom a library\n")
        subprocess.run(["sh", "-c", "echo from a child >&2"], check=True)
        logging.getLogger("localist").warning("last")
    first, bar, *others, last = path.read_bytes().decode().split("\n")[:-1]
    assert first.endswith("first") and last.endswith("last")
    assert [bar, *others] == ["\rbar", "from a library", "from a child"]
    print("afterwards", file=sys.stderr)
    assert on_screen() == "afterwards\n"


def test_a_crash_leaves_its_traceback_only_in_the_log(tmp_path, on_screen):
    """Catches a traceback on the screen of a run, and a crash that Snakemake takes for success."""
    path = tmp_path / "rule.log"
    with pytest.raises(SystemExit) as caught, rule_log(path):
        _ = 1 / 0
    assert caught.value.code == 1 and on_screen() == ""
    assert "ZeroDivisionError" in path.read_text(encoding="utf-8")


def test_a_separate_console_gets_everything(tmp_path, monkeypatch, capfd):
    """Catches a cluster job whose own console stays empty because it inherits the variable."""
    monkeypatch.setenv(SCREEN, "1:2")
    with rule_log(tmp_path / "rule.log"):
        logging.getLogger("localist").info("3 sentences")
        os.write(2, b"bar\n")
    assert capfd.readouterr().err == "3 sentences\nbar\n"
