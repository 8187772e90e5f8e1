"""The screen output of a run, for each event that Snakemake reports."""

import io
import logging
import os
import uuid
from pathlib import Path

import pytest
from snakemake.settings.enums import Quietness
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_interface_logger_plugins.registry import LoggerPluginRegistry
from snakemake_interface_logger_plugins.tests import MockOutputSettings, TestLogHandlerBase

from localist.plumbing import run_screen
from localist.plumbing.rule_log import SCREEN
from localist.plumbing.run_screen import COLUMNS, SILENT_SECONDS, LogHandler, Run, job_name, registered

START = 1_700_000_000.0
AT = "2026-01-02 03:04:05,678"


def record(event, at=0.0, level=logging.INFO, text="", **fields):
    one = logging.LogRecord("snakemake", level, "x.py", 1, text, (), None)
    one.__dict__ |= {"event": event, "created": START + at} | fields
    return one


def planned(**counts):
    return record(LogEvent.RUN_INFO, text="Job stats:", stats=counts | {"total": sum(counts.values())})


def started(number, rule, at=0.0, log=(), output=("out",), **wildcards):
    fields = {"rule_name": rule, "wildcards": {"study": "s"} | wildcards, "log": list(map(str, log))}
    return record(LogEvent.JOB_INFO, at, jobid=number, input=["in/secret.txt"], output=list(output), **fields)


def finished(number, at):
    return record(LogEvent.JOB_FINISHED, at, job_id=number)


def failed(number, rule, at, log=(), message=None, indent=False):
    fields = {"rule_msg": message, "input": ["in/secret.txt"], "log": list(map(str, log)), "indent": indent}
    return record(LogEvent.JOB_ERROR, at, logging.ERROR, jobid=number, rule_name=rule, **fields)


def lines(run, *records):
    return [line for one in records for line in run.lines(one)]


@pytest.fixture
def log(tmp_path, monkeypatch):
    """A function that writes a job's log in the run's folder and returns its path as given by Snakemake."""
    monkeypatch.chdir(tmp_path)

    def write(text, name="job.log"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return name

    return write


def test_each_job_is_reported_once():
    """Catches a line for every short job, and a long job that is missing or reported twice."""
    run = Run()
    told = lines(
        run,
        planned(train_model=2, partition=3, plot=1, all=1),
        started(1, "train_model", arm="quintic", seed="1"),
        started(2, "partition", partition="fixed"),
        finished(2, 2),
        started(3, "partition", at=2, partition="spans"),
        finished(3, 14),
        finished(1, 20),
        started(4, "partition", at=20, partition="shifted"),
        started(5, "train_model", at=20, arm="quintic", seed="2"),
        finished(4, 23),
        finished(5, 40),
        started(6, "plot", at=40),
        finished(6, 41),
        started(0, "all", at=41, output=()),
        finished(0, 41),
        record(None, 41, text=f"Complete log(s): {Path('.snakemake/log/x.log').absolute()}"),
    )
    assert told == [
        "7 jobs to run. Jobs of ten seconds or more get a line; a rule's shorter jobs share one.",
        "[2/7] partition spans                              done after 12 s         at least 10 s left",
        "[3/7] train_model quintic seed 1                   done after 20 s         about 20 s left",
        "[4/7] partition: 2 jobs                            done after 5 s          about 20 s left",
        "[5/7] train_model quintic seed 2                   done after 20 s         about 10 s left",
        "[6/7] plot                                         done after 1 s",
        "7 of 7 jobs done after 41 s. Full log: .snakemake/log/x.log",
    ]
    assert max(map(len, told)) <= COLUMNS


def test_a_single_short_job_is_named():
    """Catches "train: 1 job", which does not name the job."""
    run = Run()
    lines(run, planned(a=2), started(1, "a", arm="x"), started(2, "a", arm="y"), finished(1, 3))
    assert [line.split("  ")[0] for line in lines(run, finished(2, 30))] == ["[2/2] a y", "[2/2] a x"]


def test_a_failure_shows_its_message_and_its_log(log):
    """Catches input files on the screen instead of the error message."""
    run = Run()
    lines(run, planned(train_model=1, fetch=1, all=1), started(1, "train_model", arm="a", seed="1", log=["job.log"]))
    path = log(f"{AT} INFO localist: 8 steps\n{AT} ERROR localist: Error: model.source: no weights.\n  - name others\n")
    words = "RuleException:\nCalledProcessError in file x.smk, line 3:\nCommand 'x' returned non-zero exit status 1."
    assert lines(
        run,
        record(LogEvent.ERROR, 12, logging.ERROR, words, exception="RuleException"),
        failed(1, "train_model", 12, [path]),
        record(None, 12, text="Exiting because a job execution failed. Look below for error messages"),
        record(None, 12, text="Complete log(s): /x.log"),
        record(LogEvent.ERROR, 12, logging.ERROR, "WorkflowError:\nAt least one job did not complete successfully."),
    )[:-1] == [
        "train_model a seed 1 FAILED after 12 s:",
        "  model.source: no weights.",
        "    - name others",
        "  log: job.log",
    ]


def test_a_failure_without_a_message_shows_the_known_details(log):
    """Catches missing details of a job that was killed or never wrote a log, and an error from an older log."""
    run = Run()
    path, other = log(f"{AT} ERROR localist: Error: of an earlier run", "old.log"), "new.log"
    lines(run, planned(a=1, b=1), started(1, "a", log=[path]), started(2, "b", log=[other]))
    log(f"{AT} INFO localist: go\n\rbar:  50%|██   | 1/2 [00:01<00:01]", other)
    words = "CalledProcessError in file x, line 3:\nCommand 'x' died with <Signals.SIGKILL: 9>."
    assert lines(
        run,
        failed(1, "a", 1, [path]),
        record(LogEvent.ERROR, 2, logging.ERROR, words),
        failed(2, "b", 2, [other], message="SLURM status is: 'OUT_OF_MEMORY'."),
    ) == [
        "a FAILED after 1 s.",
        "  It logged nothing.",
        "  log: old.log",
        "A job was killed by SIGKILL (often out of memory).",
        "b FAILED after 2 s.",
        "  Last in its log: bar: 50% 1/2 [00:01<00:01]",
        "  SLURM status is: 'OUT_OF_MEMORY'.",
        "  log: new.log",
    ]


def test_the_failed_job_of_a_group_is_named(log):
    """Catches several failures reported if one job of a group failed, and a retry that counts as a failure."""
    run = Run()
    lines(run, planned(a=2), started(1, "a", arm="x", log=["1.log"]), started(2, "a", arm="y", log=["2.log"]))
    log(f"{AT} ERROR localist: Error: bad", "2.log")
    group = {"job_error_info": [{"rule_name": "a"}, {"rule_name": "a"}], "aux_logs": ["slurm/7.log"]}
    told = lines(
        run,
        record(LogEvent.GROUP_ERROR, 3, logging.ERROR, groupid="g", **group),
        failed(1, "a", 3, ["1.log"], indent=True),
        failed(2, "a", 3, ["2.log"], indent=True),
    )
    expected = ["a y FAILED after 3 s:", "  bad", "  log: 2.log"]
    assert told == ["A grouped job FAILED (a)", "  log: slurm/7.log", *expected]
    lines(run, started(2, "a", at=4, arm="y"), finished(2, 5), record(LogEvent.PROGRESS, done=2, total=2))
    assert lines(run, record(None, 5, text="Complete log(s): x.log")) == ["2 of 2 jobs done after 5 s. Full log: x.log"]


def test_warnings_are_shown_once_and_cannot_control_the_terminal(log):
    """Catches warnings that are only in the logs or repeated by every job, and book titles with control sequences."""
    run = Run()
    lines(run, planned(a=3), started(1, "a", arm="x", log=["1.log"]), started(2, "a", arm="y", log=["2.log"]))
    for name in ("1.log", "2.log"):
        log(f"{AT} WARNING localist.corpus: \x1b[2J: {'word ' * 20}\n", name)
    assert lines(run, finished(1, 1), finished(2, 2)) == [
        "[1/3] a x                                          done after 1 s",
        f"  warning: \\x1b[2J: {'word ' * 15}word",
        "  word word word word",
    ]


def test_results_of_describe_corpus_are_shown(log):
    """Catches `make inspect` that does not show its results."""
    run = Run()
    lines(run, planned(describe_corpus=1), started(1, "describe_corpus", log=["job.log"]))
    log(f"{AT} INFO __main__: words: 8,866\n{AT} INFO __main__: Page: results/x.html\n")
    assert lines(run, finished(1, 1))[1:] == ["  words: 8,866", "  Page: results/x.html"]


@pytest.mark.parametrize(
    ("text", "level", "expected"),
    [
        ("Select jobs to execute...", logging.INFO, []),
        ("Nothing to be done.", logging.INFO, ["Nothing to be done."]),
        ("Job 7 has been submitted with SLURM jobid 9 (log: x).", logging.INFO, 1),
        ("careful\nindeed", logging.WARNING, ["careful", "indeed"]),
    ],
)
def test_snakemake_messages_are_kept_but_not_its_chatter(text, level, expected):
    """Catches warnings and answers lost among Snakemake's messages about itself."""
    assert Run().lines(record(None, level=level, text=text)) == ([text] if expected == 1 else expected)


def test_config_errors_are_shown_in_full():
    """Catches a config error that is cut off, or taken for a job's failure."""
    words = "WorkflowError in file x.smk, line 3:\nThe config has mistakes:\n  - nonsense: unknown key."
    assert Run().lines(record(LogEvent.ERROR, level=logging.ERROR, text=words)) == words.split("\n")


def test_the_status_shows_running_jobs(log):
    """Catches a long job whose progress is not shown, and a status wider than the terminal."""
    run = Run()
    lines(run, planned(train_model=3, all=1), started(1, "train_model", arm="quintic", seed="1", log=["1.log"]))
    lines(run, started(2, "train_model", at=5, arm="linear", seed="1"))
    log(f"{AT} INFO localist: go\n\rquintic seed 1:  34%|███   | 646/1900 [00:04<00:08, 152tok/s]", "1.log")
    told = (
        "[0/4] 2 running: train_model quintic seed 1: 34% 646/1900 [00:04<00:08, 152tok/s]; train_model linear seed 1"
    )
    assert run.status(START + 9, 200) == told
    assert run.status(START + 9, 30) == told[:29] + "…"
    assert Run().status(START, 80) == ""


def test_job_names_are_distinct_without_repetition():
    """Catches jobs with the same name, and names that repeat words of the rule."""
    assert job_name("train_model", {"study": "s", "arm": "a", "seed": "1"}) == "train_model a seed 1"
    assert job_name("plot_dial", {"study": "s", "name": "dial"}) == "plot_dial"


class Stream(io.StringIO):
    """A stream that keeps what is written, with or without a terminal."""

    def __init__(self, terminal):
        super().__init__()
        self.isatty = lambda: terminal

    def fileno(self):
        return 2


@pytest.fixture
def handled(monkeypatch):
    """A function that returns a handler's output for events, on a terminal of 60 columns or elsewhere."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv(SCREEN, raising=False)
    monkeypatch.setattr(run_screen.os, "get_terminal_size", lambda number: os.terminal_size((60, 24)))

    def handle(*records, terminal=False, now=START, **settings):
        stream, asked = Stream(terminal), MockOutputSettings()
        asked.printshellcmds = False
        vars(asked).update(settings)
        monkeypatch.setattr(run_screen.sys, "stderr", stream)
        monkeypatch.setattr(run_screen.sys, "stdout", stream)
        monkeypatch.setattr(run_screen.time, "time", lambda: now)
        handler = LogHandler(asked, None)
        for one in records:
            handler.handle(one)
        handler.close()
        return stream.getvalue()

    return handle


EVENTS = [planned(a=2), started(1, "a", arm="x"), finished(1, 20), started(2, "a", at=20, arm="y")]


def test_lines_are_plain_without_a_terminal(handled):
    """Catches control characters in CI and cluster logs."""
    told = handled(*EVENTS)
    assert told.isprintable() or set(told) - set(filter(str.isprintable, told)) == {"\n"}
    assert told.splitlines()[1:] == [
        "[1/2] a x                                          done after 20 s         about 20 s left"
    ]


def test_on_a_terminal_the_last_line_is_replaced(handled):
    """Catches lines appended to the status, or a status that stays after the run."""
    two = [planned(a=2), started(1, "a", arm="x"), started(2, "a", at=10, arm="y"), finished(1, 20)]
    assert handled(*two, terminal=True, now=START + 21).split("\r\x1b[K") == [
        "",
        "2 jobs to run. Jobs of ten seconds or more get a line; a rule's shorter jobs share one.\n",
        "[1/2] a x                                          done after 20 s         about 10 s left\n"
        "[1/2] about 10 s left; 1 running: a y",
        "",
    ]


def test_dumb_terminals_and_dry_runs_get_no_control_sequences(handled, monkeypatch):
    """Catches a status line in editors' consoles, and a dry run without Snakemake's own output."""
    dry = handled(planned(a=2), dryrun=True, nocolor=True)
    assert dry == "Job stats:\n" and SCREEN not in os.environ
    monkeypatch.setenv("TERM", "dumb")
    assert "\r" not in handled(*EVENTS, terminal=True)


@pytest.mark.parametrize(
    ("quiet", "expected"),
    [
        (set(), ["2 jobs", "[1/2] a x", "kept", "wrong"]),
        ({Quietness.PROGRESS, Quietness.RULES}, ["kept", "wrong"]),
        ({Quietness.ALL}, ["wrong"]),
    ],
)
def test_quiet_runs_still_show_errors(handled, quiet, expected):
    """Catches a failure that is not shown, although make then refers to the messages above."""
    said = [record(None, text="kept"), record(None, level=logging.ERROR, text="wrong")]
    told = handled(*EVENTS, *said, quiet=quiet).splitlines()
    assert len(told) == len(expected)
    assert all(line.startswith(words) for line, words in zip(told, expected, strict=True))


def test_jobs_can_identify_the_screen(handled):
    """Catches a wrong file identity, with which jobs write between the lines of the screen."""
    handled()
    status = os.fstat(2)
    assert os.environ[SCREEN] == f"{status.st_dev}:{status.st_ino}"


def test_long_silence_without_a_terminal_is_broken(handled, monkeypatch):
    """Catches a CI log without any output while a model trains."""
    times = iter([START, *[START + SILENT_SECONDS + 1] * 100])
    handler_time = lambda: next(times)  # noqa: E731
    stream, asked = Stream(False), MockOutputSettings()
    asked.printshellcmds = False
    monkeypatch.setattr(run_screen.sys, "stderr", stream)
    monkeypatch.setattr(run_screen.time, "time", handler_time)
    monkeypatch.setattr(run_screen.threading.Event, "wait", lambda self, seconds: self.is_set() or bool(self.set()))
    monkeypatch.setattr(run_screen.threading.Thread, "start", lambda self: None)
    handler = LogHandler(asked, None)
    handler.run.lines(started(1, "a", arm="x"))
    handler._watch()
    assert stream.getvalue() == "[0/0] 1 running: a x\n"


def test_snakemake_accepts_the_plugin():
    """Catches a module that Snakemake would refuse as a plugin."""
    assert registered() == registered() == "localist"
    assert LoggerPluginRegistry().get_plugin("localist").log_handler is LogHandler


class TestEveryEvent(TestLogHandlerBase):
    """The interface's own tests: each event as Snakemake may send it."""

    __test__ = True

    @pytest.fixture(autouse=True)
    def apart(self, monkeypatch):
        monkeypatch.setenv(SCREEN, str(uuid.uuid4()))
        monkeypatch.setattr(run_screen.threading.Thread, "start", lambda self: None)
        monkeypatch.setattr(logging, "raiseExceptions", True)
        monkeypatch.setattr(LogHandler, "handleError", self.broken)

    def broken(self, *_):
        raise

    def get_log_handler_cls(self):
        return LogHandler

    def get_log_handler_settings(self):
        return None


def test_a_stopped_run_is_not_reported_as_failed(log):
    """Catches Ctrl-C reported as an error of the running jobs, or without a hint on how to resume."""
    run = Run()
    shown = lines(
        run,
        planned(train_model=2, all=1),
        started(1, "train_model", log=[log("text of a library")], arm="quintic", seed="1"),
        record(None, 5, text="Terminating processes on user request, this might take some time."),
        record(LogEvent.ERROR, 6, logging.ERROR, "CalledProcessError in file x died with <Signals.SIGINT: 2>."),
        failed(1, "train_model", 7, log=["job.log"]),
        record(None, 8, text="Complete log(s): x.log"),
    )
    assert shown[1:] == [
        "Stopping, as requested; running jobs may take a moment to end ...",
        "train_model quintic seed 1 stopped after 7 s.",
        "0 of 3 jobs done after 8 s. Stopped; the same command resumes the study. Full log: x.log",
    ]
