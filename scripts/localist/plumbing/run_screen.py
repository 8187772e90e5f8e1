"""The screen output of a run: a Snakemake logger plugin with a line for each finished stage and each failed job.

All messages of Snakemake are in its own log file (.snakemake/log), those of jobs in theirs (results/{study}/logs).
"""

from __future__ import annotations

import os
import re
import sys
import textwrap
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from logging import INFO, WARNING, LogRecord
from pathlib import Path
from typing import Any, TextIO

from snakemake.logging import ColorizingTextHandler, DefaultFilter, DefaultFormatter
from snakemake.settings.enums import Quietness
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_interface_logger_plugins.registry import LoggerPluginRegistry

from localist.plumbing.job_logs import end_of, messages_of, progress_of, reason_of, seconds_left_of, shown
from localist.plumbing.rule_log import SCREEN, identity
from localist.plumbing.time_left import RunningJob, rough_span, seconds_left, span

NAME = "localist"
COLUMNS = 100
# Shorter jobs share a line with the others of their rule.
LONG_SECONDS = 10
# On a terminal, the last line shows the running jobs. Elsewhere, a line does so after this long without output.
REDRAWN_SECONDS = 1
SILENT_SECONDS = 120
SHOWN_JOBS = 3
# Rules whose messages the user wants to see: what was read from the books, and how long training will take.
TELLING_RULES = ("describe_corpus", "forecast_training")
# Snakemake's messages about itself, by their beginning.
CHATTER = (
    *("Assuming unrestricted", "Building DAG", "Using shell", "Group jobs: inactive", "Conda environments: ignored"),
    *("Singularity containers: ignored", "Select jobs", "Removing temporary output", "Touching output file"),
    *(
        "Processed ",
        "Removing output files of failed job",
        "Shutting down",
        "Exiting because a job execution failed",
        "Elapsed time",
    ),
)
FULL_LOG = "Complete log(s): "
SOME_FAILED = "At least one job did not complete successfully."
STOPPING = "Terminating processes on user request"
# Repeated, with the reason from the job's log, by the record that follows.
JOB_FAILED = "returned non-zero exit status"
ENDED = re.compile(r"CalledProcessError in .* died with <Signals\.(\w+): \d+>", re.DOTALL)


@dataclass
class Job:
    """A job that has started or was submitted; `logs` are the logs at that time, which belong to an earlier attempt."""

    rule: str
    name: str
    started: float
    makes_files: bool
    logs: dict[Path, int | None] = field(default_factory=dict)

    def log(self) -> str:
        """What the job has logged so far."""
        return "".join(end_of(path) for path, before in self.logs.items() if _changed(path) != before)


@dataclass
class Run:
    """The state of a run according to Snakemake's reports; times in seconds since 1970."""

    total: int = 0
    done: int = 0
    failed: set[object] = field(default_factory=set)
    stopped: bool = False
    started: float = 0
    ahead: dict[str, int] = field(default_factory=dict)
    running: dict[object, Job] = field(default_factory=dict)
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    warnings: set[str] = field(default_factory=set)
    untold: dict[str, list[tuple[str, float]]] = field(default_factory=lambda: defaultdict(list))

    def lines(self, record: Any) -> list[str]:
        """The lines that a record adds to the screen. A record has the fields of its event and those of logging."""
        told = {
            None: self._said,
            LogEvent.ERROR: self._error,
            LogEvent.RUN_INFO: self._planned,
            LogEvent.JOB_INFO: self._job_started,
            LogEvent.JOB_FINISHED: self._job_finished,
            LogEvent.JOB_ERROR: self._job_failed,
            LogEvent.GROUP_ERROR: self._group_failed,
            LogEvent.PROGRESS: self._progress,
        }.get(getattr(record, "event", None))
        return [line for text in (told(record) if told else ()) for line in shown(text).split("\n")]

    def status(self, now: float, columns: int = COLUMNS) -> str:
        """The running jobs on one line; "" if there are none."""
        if not self.running:
            return ""
        jobs = sorted(self.running.values(), key=lambda job: job.started)
        told = [f"{job.rule} {bar}" if (bar := progress_of(job.log())) else job.name for job in jobs[:SHOWN_JOBS]]
        text = f"[{self._count()}] {self._time_left(now)}{len(jobs)} running: {'; '.join(told)}"
        return text if len(text := shown(text)) <= columns else f"{text[: columns - 1]}…"

    def _planned(self, record: Any) -> Iterable[str]:
        self.total = record.stats["total"]
        # The rule that only collects targets takes no time.
        self.ahead = {rule: count for rule, count in record.stats.items() if rule not in ("total", "all")}
        yield f"{_jobs(self.total)} to run. Jobs of ten seconds or more get a line; a rule's shorter jobs share one."

    def _job_started(self, record: Any) -> Iterable[str]:
        self.started = self.started or record.created
        name = job_name(record.rule_name, record.wildcards)
        logs = {Path(path): _changed(Path(path)) for path in record.log}
        self.running[record.jobid] = Job(record.rule_name, name, record.created, bool(record.output), logs)
        return ()

    def _job_finished(self, record: Any) -> Iterable[str]:
        job = self.running.pop(record.job_id, None)
        if job is None:
            return
        self.done += 1
        self.failed.discard(record.job_id)
        took = record.created - job.started
        self.seconds[job.rule].append(took)
        self.ahead[job.rule] = left = max(0, self.ahead.get(job.rule, 1) - 1)
        if not job.makes_files:
            return
        warnings = [text for text in messages_of(job.log(), "WARNING") if text not in self.warnings]
        self.warnings.update(warnings)
        told = messages_of(job.log(), "INFO") if job.rule in TELLING_RULES else []
        if took >= LONG_SECONDS or warnings or told:
            yield self._done(job.name, took, record.created)
        else:
            self.untold[job.rule].append((job.name, took))
        for text in told:
            yield from _wrapped(text)
        for text in warnings:
            yield from _wrapped(f"warning: {text}")
        if not left and (short := self.untold.pop(job.rule, [])):
            name = short[0][0] if len(short) == 1 else f"{job.rule}: {_jobs(len(short))}"
            yield self._done(name, sum(seconds for _, seconds in short), record.created)

    def _job_failed(self, record: Any) -> Iterable[str]:
        unknown = Job(record.rule_name, record.rule_name, record.created, makes_files=True)
        job = self.running.pop(record.jobid, unknown)
        log = job.log()
        reason = reason_of(log)
        if getattr(record, "indent", False) and not reason:
            return  # another job of its group failed
        if self.stopped:
            yield f"{job.name} stopped after {span(record.created - job.started)}."
            return
        self.failed.add(record.jobid)
        yield f"{job.name} FAILED after {span(record.created - job.started)}{':' if reason else '.'}"
        last = progress_of(log) or log.strip().rpartition("\n")[2]
        for line in (reason or (f"Last in its log: {last}" if last else "It logged nothing.")).split("\n"):
            yield from _wrapped(line)
        if said := getattr(record, "rule_msg", None):
            yield from _wrapped(str(said))
        for path in record.log:
            yield f"  log: {path}"

    def _group_failed(self, record: Any) -> Iterable[str]:
        rules = dict.fromkeys(one["rule_name"] for one in record.job_error_info)
        yield f"A grouped job FAILED ({', '.join(rules)})"
        for path in record.aux_logs:
            yield f"  log: {path}"

    def _progress(self, record: Any) -> Iterable[str]:
        self.done, self.total = record.done, record.total
        return ()

    def _error(self, record: Any) -> Iterable[str]:
        text = record.getMessage()
        if self.stopped:
            return ()
        if ended := ENDED.search(text):
            return (f"A job was killed by {ended[1]}{' (often out of memory)' * (ended[1] == 'SIGKILL')}.",)
        return () if JOB_FAILED in text or (self.failed and SOME_FAILED in text) else (text,)

    def _said(self, record: Any) -> Iterable[str]:
        text = str(record.msg or "")
        if text.startswith(FULL_LOG):
            files = ", ".join(os.path.relpath(path) for path in text.removeprefix(FULL_LOG).split(", "))
            failed = f" and {len(self.failed)} failed" if self.failed else ""
            took = f" after {span(record.created - self.started)}" if self.started else ""
            resume = " Stopped; the same command resumes the study." if self.stopped else ""
            yield f"{self.done} of {_jobs(self.total)} done{failed}{took}.{resume} Full log: {files}"
        elif text.startswith(STOPPING):
            self.stopped = True
            yield "Stopping, as requested; running jobs may take a moment to end ..."
        elif text.strip() and not text.startswith(CHATTER):
            yield text

    def _done(self, name: str, took: float, now: float) -> str:
        return f"[{self._count()}] {name:<44} done after {span(took):<12} {self._time_left(now)}".rstrip("; ")

    def _count(self) -> str:
        return f"{self.done:>{len(str(self.total))}}/{self.total}"

    def _time_left(self, now: float) -> str:
        # Finished jobs predict the time better than progress bars: once a rule has any, its logs are no longer read.
        running = [
            RunningJob(job.rule, now - job.started, None if self.seconds.get(job.rule) else seconds_left_of(job.log()))
            for job in self.running.values()
        ]
        found = seconds_left(self.ahead, self.seconds, running, now - self.started)
        if found is None or found[0] < 5:
            return ""
        return f"{'about' if found[1] else 'at least'} {rough_span(found[0])} left; "


class LogHandler(LogHandlerBase):
    """Writes the lines of a `Run`, and on a terminal a last line that changes.

    With --dry-run, --verbose, --debug-dag or --printshellcmds, Snakemake's own output is shown. With --quiet, only
    messages are shown; with --quiet all, only warnings and errors.
    """

    writes_to_stream = property(lambda self: True)
    writes_to_file = property(lambda self: False)
    has_filter = property(lambda self: True)
    has_formatter = property(lambda self: True)
    needs_rulegraph = property(lambda self: False)

    def __post_init__(self) -> None:
        asked = self.common_settings
        quiet = set(asked.quiet or ())
        self.stream: TextIO = sys.stdout if asked.stdout else sys.stderr
        self.is_terminal = self.stream.isatty() and os.environ.get("TERM") != "dumb"
        self.level_shown = WARNING if Quietness.ALL in quiet else INFO
        self.tells_of_jobs = not quiet & {Quietness.ALL, Quietness.PROGRESS, Quietness.RULES}
        self.run = Run()
        self.written = time.time()
        self.last_status = ""
        self.over = threading.Event()
        self.own_words: ColorizingTextHandler | None = None
        if asked.dryrun or asked.verbose or asked.debug_dag or asked.printshellcmds:
            self.own_words = ColorizingTextHandler(asked.nocolor, self.stream)
            self.own_words.setFormatter(DefaultFormatter(quiet, asked.show_failed_logs))
            self.own_words.addFilter(
                DefaultFilter(quiet, asked.debug_dag, asked.verbose, asked.dryrun, asked.printshellcmds)
            )
            return
        # Jobs that would write here write only to their logs.
        if screen := identity(self.stream):
            os.environ[SCREEN] = screen
        if self.tells_of_jobs:
            self.watching = threading.Thread(target=self._watch, daemon=True)
            self.watching.start()

    def emit(self, record: LogRecord) -> None:
        if self.own_words:
            self.own_words.handle(record)
            return
        try:
            lines = self.run.lines(record)
            of_a_job = getattr(record, "event", None) in (LogEvent.RUN_INFO, LogEvent.JOB_FINISHED)
            if lines and record.levelno >= self.level_shown and (self.tells_of_jobs or not of_a_job):
                self._write(lines)
        except Exception:
            self.handleError(record)

    def close(self) -> None:
        self.over.set()
        if self.is_terminal and not self.own_words:
            self._write([])
        super().close()

    def _watch(self) -> None:
        assert self.lock
        while not self.over.wait(REDRAWN_SECONDS):
            with self.lock, suppress(OSError):  # the terminal may be closed
                if self.is_terminal:
                    self._write([])
                elif time.time() - self.written > SILENT_SECONDS and (status := self.run.status(time.time())):
                    self._write([status])

    def _write(self, lines: list[str]) -> None:
        """Write lines, followed by the running jobs, in one call, since jobs may write too."""
        if lines:
            self.written = time.time()
        text = "".join(f"{line}\n" for line in lines)
        if self.is_terminal:
            # Some terminals report a width of 0.
            columns = (os.get_terminal_size(self.stream.fileno()).columns or COLUMNS) - 1
            status = self.run.status(time.time(), columns) if self.tells_of_jobs and not self.over.is_set() else ""
            text = f"\r\x1b[K{text}{status}" if lines or status != self.last_status else ""
            self.last_status = status
        self.stream.write(text)
        self.stream.flush()


def job_name(rule: str, wildcards: Mapping[str, object]) -> str:
    """The display name of a job: train_model quintic seed 1. Words of the rule's name are not repeated."""
    values = {key: str(value) for key, value in wildcards.items() if key != "study" and not rule.endswith(f"_{value}")}
    told = [f"seed {value}" if key == "seed" else value for key, value in values.items()]
    return " ".join([rule, *told])


def registered() -> str:
    """Register the plugin with Snakemake without installing it; returns its name."""
    LoggerPluginRegistry().register_plugin(f"snakemake_logger_plugin_{NAME}", sys.modules[__name__])
    return NAME


def _changed(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:  # Snakemake may be removing it
        return None


def _jobs(count: int) -> str:
    return f"{count} job" if count == 1 else f"{count} jobs"


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(
        text, COLUMNS, initial_indent="  ", subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )
