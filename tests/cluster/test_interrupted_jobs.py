"""Jobs that are cancelled, preempted, lost with their node, out of memory or out of time: nothing of a run is lost."""

import pytest
from studies import (
    DISTURBED,
    HALF_A_NODE_MB,
    SHORT_OF_ALL,
    STORM,
    TOLD_TO_END,
    TOO_LITTLE_MB,
    Study,
    settings_of,
    wait_until,
)
from whole_studies import CONTROL


@pytest.fixture(scope="module")
def storm(cluster, local, undisturbed, short_of_all):
    """Three runs on two nodes: one is cancelled, one loses its node, and the one on the other node is preempted."""
    training = DISTURBED | {"memory_mb": HALF_A_NODE_MB}
    study = Study(local.folder.parent / "storm", arms=CONTROL, training=training).prepare_like(local)
    running = study.start(study.profile(), *map(settings_of, STORM), environment=cluster.environment)
    try:
        with study.held() as held:
            wait_until(lambda: len(held) == len(STORM), "a checkpoint of every run")
            first = {arm: cluster.job(study.job_of(arm)) for arm in STORM}
            on = {node: [arm for arm in STORM if first[arm]["NodeList"] == node] for node in ("cpu1", "cpu2")}
            down, up = sorted(on, key=lambda node: len(on[node]), reverse=True)
            (cancelled, lost), (preempted,) = on[down], on[up]
            cluster.ask("scancel", first[cancelled]["JobId"])
            cluster.lose(down)
            cluster.ask("sbatch", "-p", "urgent", "-w", up, "--exclusive", "--output=/dev/null", "--wrap", "sleep 2")
            wait_until(lambda: TOLD_TO_END in study.slurm_logs(preempted), "the preemption")
        study.finished(running)
        cluster.bring_back(down)
    finally:
        running.kill()
    return study, {"cancelled": cancelled, "lost": lost, "preempted": preempted}, first


@pytest.mark.parametrize("fate", ["cancelled", "lost", "preempted"])
def test_disturbed_runs_end_with_the_same_bytes(storm, undisturbed, fate):
    """Catches training state that is lost when a job is cancelled, is preempted or loses its node."""
    study, arms, _ = storm
    calm = undisturbed()
    assert "resumes from" in study.slurm_logs(arms[fate])
    assert study.model(arms[fate]) == calm.model(arms[fate])


def test_a_job_that_loses_its_node_resumes_on_another(storm, cluster):
    """Catches a job that waits for its old node, or that both SLURM and Snakemake restart."""
    study, arms, first = storm
    before = first[arms["lost"]]
    last = cluster.job(before["JobId"])
    assert (last["JobState"], last["Restarts"]) == ("COMPLETED", "1")
    assert last["NodeList"] != before["NodeList"]
    assert study.job_of(arms["lost"]) == before["JobId"]


def test_a_preempted_job_is_requeued_with_the_same_memory(storm, cluster):
    """Catches a preemption treated as a lack of memory or as a failure, and one that training does not notice."""
    study, arms, first = storm
    number = first[arms["preempted"]]["JobId"]
    last = cluster.job(number)
    assert (last["JobState"], last["MinMemoryNode"]) == ("COMPLETED", f"{HALF_A_NODE_MB}M")
    assert int(last["Restarts"]) >= 1
    assert study.job_of(arms["preempted"]) == number
    assert TOLD_TO_END in study.slurm_logs(arms["preempted"])


def test_a_cancelled_job_is_resubmitted_by_snakemake(storm, cluster):
    """Catches a training job that requeues itself after it was cancelled."""
    study, arms, first = storm
    number = first[arms["cancelled"]]["JobId"]
    assert study.job_of(arms["cancelled"]) != number
    assert cluster.job(number)["JobState"] == "CANCELLED"


def test_a_run_short_of_memory_and_time_still_finishes(short_of_all, cluster, undisturbed):
    """Catches an out-of-memory kill that is retried with the same memory, and a time limit that ends a run for good."""
    study, running = short_of_all
    study.finished(running)
    jobs = [cluster.job(number) for number in study.submitted()]
    # A signal that arrives before Python has started ends a job like an error, and on a busy machine a job may not save
    # in time: one more try, with more memory, is then correct.
    assert [job["MinMemoryNode"] for job in jobs] == [f"{TOO_LITTLE_MB * 2**tries}M" for tries in range(len(jobs))]
    *failed, last = (job["JobState"] for job in jobs)
    assert failed and set(failed) <= {"FAILED", "TIMEOUT"} and last == "COMPLETED"
    assert "Exceeded job memory limit" in study.slurm_logs(SHORT_OF_ALL)
    assert study.slurm_logs(SHORT_OF_ALL).count(TOLD_TO_END) >= 2
    assert study.model(SHORT_OF_ALL) == undisturbed().model(SHORT_OF_ALL)
    assert not list((study.results / "checkpoints").rglob("*.safetensors"))
