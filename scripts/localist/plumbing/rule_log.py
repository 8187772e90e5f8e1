"""Logging for rule scripts: one log file per job, user errors without a traceback."""

import errno
import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TextIO

from localist.plumbing.errors import UserError
from localist.plumbing.interruption import EXIT_STATUS, Interrupted, requeue

# Full disk or quota; libraries raise these errors with their own exception classes.
NO_SPACE = (os.strerror(errno.ENOSPC), os.strerror(errno.EDQUOT))
# Environment variable that names the file to which `localist.plumbing.run_screen` writes.
SCREEN = "LOCALIST_SCREEN"


@contextmanager
def rule_log(path: str | Path) -> Iterator[None]:
    """Send log records to `path` and, in short form, to the console.

    If the console is the run's screen (SCREEN), nothing is written there: messages, progress bars and library output
    all go to `path`, from which the screen takes what it shows.

    A `UserError` or Ctrl-C ends the job with only a message; so does `Interrupted`, after which SLURM requeues the job.
    Any other exception leaves its traceback in the log.
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
    except KeyboardInterrupt:
        logging.getLogger("localist").warning("Stopped by Ctrl-C.")
        raise SystemExit(128 + signal.SIGINT) from None
    except Exception as error:
        if any(reason in str(error) for reason in NO_SPACE):
            said = str(error).strip().splitlines()[-1]
            logging.getLogger("localist").error(
                "Error: %s. Free disk space and run again; no partial output was left.", said
            )
            raise SystemExit(1) from None
        # Python prints the traceback to the console; the file needs it too.
        to_file.emit(logging.LogRecord("localist", logging.ERROR, __file__, 0, "failed", None, sys.exc_info()))
        if on_screen:
            raise SystemExit(1) from None
        raise


def identity(stream: TextIO | None) -> str:
    """Identifies the file that a stream writes to, consistently across processes; "" if there is none."""
    try:
        status = os.fstat(stream.fileno() if stream else -1)
    except (OSError, ValueError):
        return ""
    return f"{status.st_dev}:{status.st_ino}"


@contextmanager
def _console_to(log: logging.FileHandler) -> Iterator[None]:
    """Redirect standard error of this process, its libraries and its children to the log."""
    assert log.stream
    console = os.dup(2)
    sys.stderr.flush()
    # The same open file, so that writers do not overwrite each other.
    os.dup2(log.stream.fileno(), 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(console, 2)
        os.close(console)
