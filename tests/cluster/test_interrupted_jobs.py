"""Jobs that are cancelled, pre-empted, lost with their node, out of memory or out of time: nothing of a run is lost."""

import pytest
from studies import (
    HALF_A_NODE_MB,
    SHORT_OF_ALL,
    STORM,
    STORM_TOKENS,
    TOO_LITTLE_MB,
    Study,
    settings_of,
    training,
    wait_until,
)


@pytest.fixture(scope="module")
def storm(cluster, local, undisturbed, short_of_all):
    """Four runs on two nodes. One is cancelled, one's node is lost, those on the other node are pre-empted."""
    study = Study(
        local.folder.parent / "storm", training=training(STORM_TOKENS, memory_mb=HALF_A_NODE_MB)
    ).prepare_like(local)
    running = study.start(study.profile(), *map(settings_of, STORM), environment=cluster.environment)
    try:
        wait_until(lambda: all(study.checkpoints(arm) for arm in STORM), "checkpoints of all four runs")
        first = {arm: cluster.job(study.job_of(arm)) for arm in STORM}
        lost = first["quintic"]["NodeList"]
        on_lost = [arm for arm in STORM if first[arm]["NodeList"] == lost]
        others = [arm for arm in STORM if arm not in on_lost]
        assert len(on_lost) == len(others) == 2
        cancelled = next(arm for arm in on_lost if arm != "quintic")
        cluster.ask("scancel", first[cancelled]["JobId"])
        cluster.lose(lost)
        here = first[others[0]]["NodeList"]
        cluster.ask("sbatch", "-p", "urgent", "-w", here, "--exclusive", "--output=/dev/null", "--wrap", "sleep 2")
        study.finished(running)
    finally:
        running.kill()
        cluster.bring_back(lost)
    fates = {cancelled: "cancelled", "quintic": "lost"} | dict.fromkeys(others, "pre-empted")
    return study, fates, first


def test_a_storm_changes_no_weight(storm, undisturbed):
    """Catches anything lost when jobs are cancelled, pre-empted, or go down with their node: bytes must be equal."""
    study, fates, _ = storm
    calm, _ = undisturbed()
    assert sorted(fates.values()) == ["cancelled", "lost", "pre-empted", "pre-empted"]
    for arm, fate in fates.items():
        assert "goes on from" in study.slurm_logs(arm), (arm, fate)
        assert study.model(arm) == calm.model(arm), (arm, fate)


def test_a_job_whose_node_is_lost_goes_on_elsewhere(storm, cluster):
    """Catches a job that waits for its old node, or that Snakemake submits a second time beside SLURM."""
    study, _, first = storm
    last = cluster.job(first["quintic"]["JobId"])
    assert (last["JobState"], last["Restarts"]) == ("COMPLETED", "1")
    assert last["NodeList"] != first["quintic"]["NodeList"]
    assert study.job_of("quintic") == first["quintic"]["JobId"]


def test_a_preempted_job_comes_back_by_itself_with_the_memory_it_had(storm, cluster):
    """Catches retries that take a pre-emption for a lack of memory, and checkpoints older than the last step."""
    study, fates, first = storm
    for arm in (arm for arm, fate in fates.items() if fate == "pre-empted"):
        last = cluster.job(first[arm]["JobId"])
        assert (last["JobState"], last["MinMemoryNode"]) == ("COMPLETED", f"{HALF_A_NODE_MB}M")
        assert int(last["Restarts"]) >= 1
        assert study.job_of(arm) == first[arm]["JobId"]
        assert "was asked to end after step" in study.slurm_logs(arm)


def test_a_cancelled_job_is_submitted_again_by_snakemake(storm, cluster):
    """Catches a job that its own training brings back although it was cancelled."""
    study, fates, first = storm
    (arm,) = (arm for arm, fate in fates.items() if fate == "cancelled")
    assert study.job_of(arm) != first[arm]["JobId"]
    assert cluster.job(first[arm]["JobId"])["JobState"] == "CANCELLED"


def test_too_little_memory_and_too_little_time_only_take_longer(short_of_all, cluster, undisturbed):
    """Catches an out-of-memory kill that is retried with as little, and a time limit that ends a run for good."""
    study, running = short_of_all
    study.finished(running)
    jobs = [cluster.job(number) for number in study.submitted()]
    assert [job["MinMemoryNode"] for job in jobs] == [f"{TOO_LITTLE_MB}M", f"{2 * TOO_LITTLE_MB}M"]
    assert [job["JobState"] for job in jobs] == ["FAILED", "COMPLETED"]
    assert "memory" in study.slurm_logs(SHORT_OF_ALL)
    assert int(jobs[1]["Restarts"]) >= 2
    assert study.slurm_logs(SHORT_OF_ALL).count("was asked to end after step") >= 2
    _, calm = undisturbed()
    assert study.model(SHORT_OF_ALL) == calm.model(SHORT_OF_ALL)
    assert not list((study.results / "checkpoints").rglob("*.safetensors"))
