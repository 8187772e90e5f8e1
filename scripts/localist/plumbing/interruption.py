"""Ending a job early without losing its work: SIGTERM is noticed, and SLURM is asked to queue the job again."""

import logging
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

logger = logging.getLogger(__name__)

# What shells report of a process that SIGTERM ended.
EXIT_STATUS = 128 + signal.SIGTERM
SLURM_SECONDS = 20


class Interrupted(Exception):
    """The job was asked to end before it was done, and has saved what it did."""


@contextmanager
def noticing_sigterm() -> Iterator[Callable[[], bool]]:
    """Inside, SIGTERM ends nothing; the function that is yielded says whether one has come. Main thread only."""
    received: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: received.append(number))
    try:
        yield lambda: bool(received)
    finally:
        signal.signal(signal.SIGTERM, before)


def requeue() -> bool:
    """Ask SLURM to queue this job again; False where it is no SLURM job, or not a running one, or SLURM refuses.

    A job that is preempted or nears its time limit still runs; one that was cancelled does not, and stays so.
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
        logger.warning("SLURM does not queue job %s again: %s. The next start goes on.", job, said)
        return False
    logger.warning("SLURM queues job %s again.", job)
    return True


def _answer(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=SLURM_SECONDS)
    return done.stdout.strip()
