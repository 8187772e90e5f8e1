"""Estimates of a run's remaining time."""

import pytest

from localist.plumbing.time_left import RunningJob, rough_span, seconds_left, span


def test_parallelism_is_assumed_to_continue():
    """Catches parallel jobs counted as sequential, and running jobs counted in full."""
    done = {"train": [100.0, 140.0], "plot": [2.0]}
    # 3 × 120 + 2 × 2 seconds of work, 60 of them done; 302 seconds of work took 151.
    ahead, running = {"train": 3, "plot": 2}, [RunningJob("train", 60.0)]
    assert seconds_left(ahead, done, running, elapsed=151.0) == (pytest.approx(304 / 2), True)


def test_an_overdue_job_does_not_count_negatively():
    """Catches an overdue job that shortens the time of the others."""
    found = seconds_left({"train": 2}, {"train": [100.0]}, [RunningJob("train", 900.0)], elapsed=1000.0)
    assert found == (pytest.approx(100), True)


@pytest.mark.parametrize(("count", "expected"), [(1, (5 + 5, True)), (4, (5, False))])
def test_an_incomplete_estimate_is_marked(count, expected):
    """Catches an estimate that omits the longest rule without being marked as a lower bound."""
    done = {"a": [1.0], "b": [5.0], "c": [90.0]}
    assert seconds_left({"b": 1, "new": count, "a": 0}, done, [], elapsed=96.0) == expected


@pytest.mark.parametrize(("age", "known"), [(3.0, True), (60.0, False)])
def test_an_overdue_job_of_unknown_length_makes_a_lower_bound(age, known):
    """Catches a long first job that is always predicted to end in a moment."""
    assert seconds_left({"new": 1, "a": 0}, {"a": [5.0]}, [RunningJob("new", age)], elapsed=5.0 + age)[1] is known


def test_progress_bars_predict_a_rules_length_until_a_job_is_done():
    """Catches an estimate that omits a rule until its first job is done, or that ignores finished jobs."""
    running = [RunningJob("train", 30.0, left=90.0), RunningJob("train", 30.0, left=110.0), RunningJob("plot", 1.0)]
    # 6 × 130 seconds of training and one plot of 10, of which 61 are done; 20 + 61 seconds of work took 50.
    ahead, done = {"train": 6, "plot": 1}, {"plot": [10.0, 10.0]}
    assert seconds_left(ahead, done, running, elapsed=50.0) == (pytest.approx(729 / (81 / 50)), True)
    # Once a job has finished in 100 seconds, that counts: 5 × 100 and 10 seconds, 61 of them done.
    done |= {"train": [100.0]}
    found = seconds_left({"train": 5, "plot": 1}, done, running, elapsed=100.0)
    assert found == (pytest.approx(449 / (181 / 100)), True)


@pytest.mark.parametrize("done", [{}, {"train": []}])
def test_there_is_no_estimate_before_a_job_is_done(done):
    """Catches an estimate, or a division by zero, before any job is done."""
    assert seconds_left({"train": 3}, done, [RunningJob("train", 4.0)], elapsed=4.0) is None


@pytest.mark.parametrize(
    ("seconds", "exact", "rough"),
    [(0.4, "0 s", "10 s"), (31.2, "31 s", "30 s"), (95, "1 min 35 s", "2 min"), (7512, "2 h 05 min", "2 h 05 min")],
)
def test_times_are_readable(seconds, exact, rough):
    """Catches times in raw seconds, and estimates that look exact."""
    assert (span(seconds), rough_span(seconds)) == (exact, rough)
