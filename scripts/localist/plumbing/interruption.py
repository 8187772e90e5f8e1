"""Ends a job early without losing work: SIGTERM is deferred, and SLURM is asked to requeue the job."""

import logging
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

logger = logging.getLogger(__name__)

# The exit status reported by shells for a process killed by SIGTERM.
EXIT_STATUS = 128 + signal.SIGTERM
SLURM_SECONDS = 20


class Interrupted(Exception):
    """The job was asked to end early and has saved its work."""


@contextmanager
def noticing_sigterm() -> Iterator[Callable[[], bool]]:
    """Defer SIGTERM; yields a callable that returns whether it arrived. Main thread only."""
    received: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: received.append(number))
    try:
        yield lambda: bool(received)
    finally:
        signal.signal(signal.SIGTERM, before)


def requeue() -> bool:
    """Ask SLURM to requeue this job; False if it is not a running SLURM job or if SLURM refuses.

    A job that is preempted or near its time limit is still running; a cancelled job is not, and stays cancelled.
    """
    job = os.environ.get("SLURM_JOB_ID")
    if not job:
        return False
    try:
        if _answer("squeue", "--noheader", "--jobs", job, "--format", "%T") != "RUNNING":
            return False
        _answer("scontrol", "requeue", job)
    except (OSError, subprocess.SubprocessError) as error:
        said = (getattr(error, "stderr", None) or str(error)).strip()
        logger.warning("SLURM refused to requeue job %s: %s. The next start of the study will resume it.", job, said)
        return False
    logger.warning("SLURM will requeue job %s.", job)
    return True


def _answer(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=SLURM_SECONDS)
    return done.stdout.strip()
