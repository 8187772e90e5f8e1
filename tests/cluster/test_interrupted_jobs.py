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


@pytest.fixture(scope="module")
def storm(cluster, local, undisturbed, short_of_all):
    """Three runs on two nodes. One is cancelled, one's node is lost, and what is on the other node is preempted."""
    study = Study(local.folder.parent / "storm", training=DISTURBED | {"memory_mb": HALF_A_NODE_MB}).prepare_like(local)
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
def test_a_storm_changes_no_weight(storm, undisturbed, fate):
    """Catches anything lost when jobs are cancelled, preempted, or go down with their node: bytes must be equal."""
    study, arms, _ = storm
    calm = undisturbed()
    assert "resumes from" in study.slurm_logs(arms[fate])
    assert study.model(arms[fate]) == calm.model(arms[fate])


def test_a_job_whose_node_is_lost_goes_on_elsewhere(storm, cluster):
    """Catches a job that waits for its old node, or that Snakemake submits a second time beside SLURM."""
    study, arms, first = storm
    before = first[arms["lost"]]
    last = cluster.job(before["JobId"])
    assert (last["JobState"], last["Restarts"]) == ("COMPLETED", "1")
    assert last["NodeList"] != before["NodeList"]
    assert study.job_of(arms["lost"]) == before["JobId"]


def test_a_preempted_job_comes_back_by_itself_with_the_memory_it_had(storm, cluster):
    """Catches retries that take a preemption for a lack of memory, and checkpoints older than the last step."""
    study, arms, first = storm
    number = first[arms["preempted"]]["JobId"]
    last = cluster.job(number)
    assert (last["JobState"], last["MinMemoryNode"]) == ("COMPLETED", f"{HALF_A_NODE_MB}M")
    assert int(last["Restarts"]) >= 1
    assert study.job_of(arms["preempted"]) == number
    assert TOLD_TO_END in study.slurm_logs(arms["preempted"])


def test_a_cancelled_job_is_submitted_again_by_snakemake(storm, cluster):
    """Catches a job that its own training brings back although it was cancelled."""
    study, arms, first = storm
    number = first[arms["cancelled"]]["JobId"]
    assert study.job_of(arms["cancelled"]) != number
    assert cluster.job(number)["JobState"] == "CANCELLED"


def test_too_little_memory_and_too_little_time_only_take_longer(short_of_all, cluster, undisturbed):
    """Catches an out-of-memory kill that is retried with as little, and a time limit that ends a run for good."""
    study, running = short_of_all
    study.finished(running)
    jobs = [cluster.job(number) for number in study.submitted()]
    # A signal that comes before Python does ends a job like an error, and on a busy machine a job may not save in time:
    # one more try, with more memory, is right then.
    assert [job["MinMemoryNode"] for job in jobs] == [f"{TOO_LITTLE_MB * 2**tries}M" for tries in range(len(jobs))]
    *failed, last = (job["JobState"] for job in jobs)
    assert failed and set(failed) <= {"FAILED", "TIMEOUT"} and last == "COMPLETED"
    assert "Exceeded job memory limit" in study.slurm_logs(SHORT_OF_ALL)
    assert study.slurm_logs(SHORT_OF_ALL).count(TOLD_TO_END) >= 2
    assert study.model(SHORT_OF_ALL) == undisturbed().model(SHORT_OF_ALL)
    assert not list((study.results / "checkpoints").rglob("*.safetensors"))
