"""How long a run still takes."""

import pytest

from localist.plumbing.time_left import RunningJob, rough_span, seconds_left, span


def test_work_ahead_is_shared_as_it_was_so_far():
    """Catches jobs that go on side by side and are counted one after the other, and running ones counted in full."""
    done = {"train": [100.0, 140.0], "plot": [2.0]}
    # 3 × 120 + 2 × 2 seconds of work, 60 of them past; 302 seconds of work were done in 151.
    ahead, running = {"train": 3, "plot": 2}, [RunningJob("train", 60.0)]
    assert seconds_left(ahead, done, running, elapsed=151.0) == (pytest.approx(304 / 2), True)


def test_a_job_that_takes_longer_than_usual_is_not_counted_below_nothing():
    """Catches a late job that shortens the time of the others."""
    found = seconds_left({"train": 2}, {"train": [100.0]}, [RunningJob("train", 900.0)], elapsed=1000.0)
    assert found == (pytest.approx(100), True)


@pytest.mark.parametrize(("count", "expected"), [(1, (5 + 5, True)), (4, (5, False))])
def test_what_is_not_known_is_said(count, expected):
    """Catches a forecast that leaves out the rule that takes longest, and does not say so."""
    done = {"a": [1.0], "b": [5.0], "c": [90.0]}
    assert seconds_left({"b": 1, "new": count, "a": 0}, done, [], elapsed=96.0) == expected


@pytest.mark.parametrize(("age", "known"), [(3.0, True), (60.0, False)])
def test_a_job_that_nobody_knows_and_that_goes_on_and_on_is_known_in_part(age, known):
    """Catches a long first job of which it is said again and again that it ends in a moment."""
    assert seconds_left({"new": 1, "a": 0}, {"a": [5.0]}, [RunningJob("new", age)], elapsed=5.0 + age)[1] is known


def test_a_rule_is_as_long_as_the_progress_bars_of_its_first_jobs_say():
    """Catches a time left without the longest rule until its first job is done, or one that ignores finished jobs."""
    running = [RunningJob("train", 30.0, left=90.0), RunningJob("train", 30.0, left=110.0), RunningJob("plot", 1.0)]
    # 6 × 130 seconds of training and one plot of 10, of which 61 are past; 20 + 61 seconds were done in 50.
    ahead, done = {"train": 6, "plot": 1}, {"plot": [10.0, 10.0]}
    assert seconds_left(ahead, done, running, elapsed=50.0) == (pytest.approx(729 / (81 / 50)), True)
    # Once one is done in 100 seconds, that counts: 5 × 100 and 10 seconds, 61 of them past.
    done |= {"train": [100.0]}
    found = seconds_left({"train": 5, "plot": 1}, done, running, elapsed=100.0)
    assert found == (pytest.approx(449 / (181 / 100)), True)


@pytest.mark.parametrize("done", [{}, {"train": []}])
def test_nothing_is_guessed_from_nothing(done):
    """Catches a time left, or a division by zero, before anything is done."""
    assert seconds_left({"train": 3}, done, [RunningJob("train", 4.0)], elapsed=4.0) is None


@pytest.mark.parametrize(
    ("seconds", "exact", "rough"),
    [(0.4, "0 s", "10 s"), (31.2, "31 s", "30 s"), (95, "1 min 35 s", "2 min"), (7512, "2 h 05 min", "2 h 05 min")],
)
def test_times_are_read_at_a_glance(seconds, exact, rough):
    """Catches times in raw seconds, and guesses that look exact."""
    assert (span(seconds), rough_span(seconds)) == (exact, rough)
