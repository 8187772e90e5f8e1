"""How long a run still takes, judged by the jobs that are done."""

from collections.abc import Mapping, Sequence
from statistics import mean, median


def seconds_left(
    ahead: Mapping[str, int], done: Mapping[str, Sequence[float]], running: Sequence[tuple[str, float]], elapsed: float
) -> tuple[float, bool] | None:
    """Seconds until the last job is done, and whether that is all, or what is known of at least.

    ahead: jobs not yet done of each rule, running ones included. done: seconds of each rule's jobs. running: rule and
    age in seconds of each running job. elapsed: seconds since the first job started.

    Jobs of a rule take as long as they took on average, and go on side by side as they did so far. A rule without a job
    done counts as the median rule where it has one job, and is left out where it has several; so is what a job of it
    takes beyond that. None before the first job is done.
    """
    typical = {rule: mean(seconds) for rule, seconds in done.items() if seconds}
    if not typical or elapsed <= 0:
        return None
    unknown = [rule for rule, count in ahead.items() if count and rule not in typical]
    expected = typical | {rule: median(typical.values()) for rule in unknown if ahead[rule] == 1}
    work = sum(count * expected.get(rule, 0) for rule, count in ahead.items())
    work -= sum(min(age, expected.get(rule, 0)) for rule, age in running)
    past = sum(map(sum, done.values())) + sum(age for _, age in running)
    late = any(age > expected[rule] for rule, age in running if rule in unknown and rule in expected)
    return work / max(1.0, past / elapsed), not late and all(ahead[rule] == 1 for rule in unknown)


def span(seconds: float) -> str:
    """A time, to the second below an hour."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def rough_span(seconds: float) -> str:
    """A time as it may be guessed: to ten seconds below a minute and a half, else to the minute."""
    if seconds < 90:
        return f"{max(10, round(seconds / 10) * 10)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"
