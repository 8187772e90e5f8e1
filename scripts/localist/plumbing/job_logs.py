"""Reads the logs written by `rule_log`: why a job failed, its warnings, its progress."""

import re
from dataclasses import dataclass
from pathlib import Path

START = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ([A-Z]+) (\S+): ", re.MULTILINE)
TRACEBACK = "Traceback (most recent call last):"
# A progress bar of tqdm: description, percentage, drawing, the rest.
BAR = re.compile(r"^(.*?) *(\d+%)\|[^|]*\| *(.*)$")
# The time left, between the time so far and the rate: [01:20<03:55, ...; unknown at the start.
LEFT = re.compile(r"<(?:(\d+):)?(\d+):(\d\d)\b")
# The project's own loggers; warnings of libraries appear only in the log.
OWN = re.compile(r"__main__|localist(\..*)?")
END_BYTES = 20_000


@dataclass(frozen=True)
class Said:
    """One record of a log."""

    level: str
    logger: str
    text: str


def end_of(path: Path) -> str:
    """The last END_BYTES of a log; empty if it cannot be read."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - END_BYTES))
            return file.read().decode("utf-8", errors="replace")
    except OSError:
        return ""


def records(log: str) -> list[Said]:
    """The records of a log in order; lines that follow a record belong to it."""
    _, *parts = START.split(log)
    return [
        Said(level, name, text.strip()) for level, name, text in zip(parts[::3], parts[1::3], parts[2::3], strict=True)
    ]


def reason_of(log: str) -> str:
    """Why a job failed: its last error, of a traceback only the last line; "" if it logged none."""
    errors = [one.text for one in records(log) if one.level == "ERROR"]
    if not errors:
        return ""
    return errors[-1].splitlines()[-1] if TRACEBACK in errors[-1] else errors[-1].removeprefix("Error: ")


def messages_of(log: str, *levels: str) -> list[str]:
    """The first lines of the messages that the project's own code logged at these levels, without repeats."""
    own = (one for one in records(log) if one.level in levels and OWN.fullmatch(one.logger))
    return list(dict.fromkeys(one.text.partition("\n")[0] for one in own if one.text))


def progress_of(log: str) -> str:
    """The last state of the last progress bar, without its drawing; "" without one."""
    for line in reversed(re.split(r"[\r\n]+", log)):
        if found := BAR.match(line):
            description, percentage, rest = found.groups()
            return f"{description} {percentage} {rest}".strip()
    return ""


def seconds_left_of(log: str) -> float | None:
    """The time left in seconds according to the last progress bar; None without one, or while it is unknown."""
    if found := LEFT.search(progress_of(log)):
        hours, minutes, seconds = (int(part or 0) for part in found.groups())
        return 3600 * hours + 60 * minutes + seconds
    return None


def shown(text: str) -> str:
    """Text that is safe to write to a terminal: control and invisible characters are escaped; line breaks are kept."""
    return "".join(
        one if one.isprintable() or one == "\n" else one.encode("unicode_escape").decode("ascii")
        for one in text.expandtabs()
    )
