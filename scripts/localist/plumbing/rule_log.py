"""Logging for a rule's script: one log file per job, user errors without a traceback."""

import errno
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TextIO

from localist.plumbing.errors import UserError
from localist.plumbing.interruption import EXIT_STATUS, Interrupted, requeue

# Full disk or quota; libraries raise these errors in classes of their own.
NO_SPACE = (os.strerror(errno.ENOSPC), os.strerror(errno.EDQUOT))
# The variable that names the file to which `localist.plumbing.run_screen` writes.
SCREEN = "LOCALIST_SCREEN"


@contextmanager
def rule_log(path: str | Path) -> Iterator[None]:
    """Send log records to `path` and, in short form, to the console.

    Where the console is the run's screen (SCREEN), nothing goes there: all that would (messages, progress bars, what
    libraries say) goes to `path`, from which the screen takes what it shows.

    A `UserError` ends the job with its message alone; so does `Interrupted`, and SLURM then queues the job again. Any
    other exception leaves its traceback in the log.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    to_file = logging.FileHandler(path, mode="w", encoding="utf-8")
    to_file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    to_console = logging.StreamHandler(sys.stderr)
    to_console.setFormatter(logging.Formatter("%(message)s"))
    on_screen = identity(sys.stderr) == os.environ.get(SCREEN, "none")
    logging.basicConfig(level=logging.INFO, handlers=[to_file] if on_screen else [to_file, to_console], force=True)
    logging.captureWarnings(True)
    for chatty in ("httpx", "httpx2", "urllib3", "filelock", "sentence_transformers", "fontTools", "matplotlib"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    try:
        with _console_to(to_file) if on_screen else nullcontext():
            yield
    except UserError as error:
        logging.getLogger("localist").error("Error: %s", error)
        raise SystemExit(1) from None
    except Interrupted as interrupted:
        logging.getLogger("localist").warning("%s", interrupted)
        requeue()
        raise SystemExit(EXIT_STATUS) from None
    except Exception as error:
        if any(reason in str(error) for reason in NO_SPACE):
            said = str(error).strip().splitlines()[-1]
            logging.getLogger("localist").error("Error: %s. Make room, and run again: nothing is half-written.", said)
            raise SystemExit(1) from None
        # The console gets the traceback from Python itself; the file must have it too.
        to_file.emit(logging.LogRecord("localist", logging.ERROR, __file__, 0, "failed", None, sys.exc_info()))
        if on_screen:
            raise SystemExit(1) from None
        raise


def identity(stream: TextIO | None) -> str:
    """Which file a stream writes to, the same for all processes that write there; "" if it is none."""
    try:
        status = os.fstat(stream.fileno() if stream else -1)
    except (OSError, ValueError):
        return ""
    return f"{status.st_dev}:{status.st_ino}"


@contextmanager
def _console_to(log: logging.FileHandler) -> Iterator[None]:
    """Inside, what this process, its libraries and its children write to standard error goes to the log."""
    assert log.stream
    console = os.dup(2)
    sys.stderr.flush()
    # The same open file, so that none writes over the other.
    os.dup2(log.stream.fileno(), 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(console, 2)
        os.close(console)
