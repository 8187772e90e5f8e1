"""Estimates a run's remaining time from the finished jobs."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, median


@dataclass(frozen=True)
class RunningJob:
    """Times in seconds. left: according to the job's own progress bar, if it shows one."""

    rule: str
    age: float
    left: float | None = None


def seconds_left(
    ahead: Mapping[str, int], done: Mapping[str, Sequence[float]], running: Sequence[RunningJob], elapsed: float
) -> tuple[float, bool] | None:
    """Seconds until the last job is done, and whether this covers all jobs (otherwise it is a lower bound).

    ahead: jobs not yet done of each rule, running ones included. done: seconds of each rule's jobs. elapsed: seconds
    since the first job started.

    Jobs are assumed to take their rule's average time, with the same parallelism as so far. While none of a rule's jobs
    has finished, the progress bars of its running jobs give that time. Without either, a rule with a single job counts
    as the median rule (a job that exceeds it adds nothing), and a rule with several jobs is left out. None before the
    first job is done.
    """
    predicted = defaultdict(list)
    for job in running:
        if job.left is not None:
            predicted[job.rule].append(job.age + job.left)
    typical = {rule: mean(seconds) for known in (predicted, done) for rule, seconds in known.items() if seconds}
    if not any(done.values()) or elapsed <= 0:
        return None
    unknown = [rule for rule, count in ahead.items() if count and rule not in typical]
    expected = typical | {rule: median(typical.values()) for rule in unknown if ahead[rule] == 1}
    work = sum(count * expected.get(rule, 0) for rule, count in ahead.items())
    work -= sum(min(job.age, expected.get(job.rule, 0)) for job in running)
    past = sum(map(sum, done.values())) + sum(job.age for job in running)
    late = any(job.age > expected[job.rule] for job in running if job.rule in unknown and job.rule in expected)
    return work / max(1.0, past / elapsed), not late and all(ahead[rule] == 1 for rule in unknown)


def span(seconds: float) -> str:
    """A duration, to the second below an hour."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def rough_span(seconds: float) -> str:
    """An estimated duration: to ten seconds below a minute and a half, else to the minute."""
    if seconds < 90:
        return f"{max(10, round(seconds / 10) * 10)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"
