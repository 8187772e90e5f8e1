"""What jobs request and where they run, and the messages if a request cannot be met."""

import os
import re
import subprocess

import pytest
from studies import Study

TARGET = "results/smoke/runs/distributed/seed1/settings.json"


@pytest.fixture
def study(local, tmp_path_factory):
    """A study in which everything before training is done."""
    name = tmp_path_factory.mktemp("request").name
    return Study(local.folder.parent / name).prepare_like(local)


@pytest.mark.parametrize("way", ["gpu", "gres"])
def test_a_gpu_job_runs_on_a_gpu_node_and_fails_at_start_if_torch_sees_no_gpu(misplaced, cluster, way):
    """Catches requests that SLURM does not understand, and training on a CPU although a GPU was requested."""
    study, running = misplaced[way]
    assert running.wait(timeout=120) != 0
    (number,) = study.submitted()
    job = cluster.job(number)
    assert (job["NodeList"], job["JobState"]) == ("gpu1", "FAILED")
    asked = {"gpu": ("TresPerJob", "gres:gpu:1"), "gres": ("TresPerNode", "gres:gpu:1")}[way]
    assert job[asked[0]] == asked[1]
    # The device behind it is a stand-in, which torch cannot use.
    said = study.slurm_logs("distributed")
    assert re.search(r"training\.gpus is 1, but the job on \S+ sees no GPU", said) and "Traceback" not in said
    assert not (study.folder / TARGET).exists()


def test_slurm_schedules_the_stand_in_gpus(cluster):
    """Catches stand-ins that are not scheduled, which would make the tests above meaningless."""
    probe = ("srun", "--partition=gpu", "--mem=100", "sh", "-c", "echo $SLURMD_NODENAME: $CUDA_VISIBLE_DEVICES")
    assert cluster.ask(*probe[:2], "--gpus=1", *probe[2:]) == "gpu1: 0"
    assert cluster.ask(*probe[:2], "--gres=gpu:2", *probe[2:]) == "gpu1: 0,1"
    assert cluster.ask(*probe) == "gpu1:"


def refusal(study, profile, environment):
    """The output of a start that must fail before submitting anything."""
    running = study.start(profile, TARGET, environment=environment)
    assert running.wait(timeout=60) != 0
    assert not study.submitted() and "Traceback" not in study.log
    assert not (study.results / "runs").exists()
    return study.log


def test_an_unknown_partition_is_refused_before_submission(study, cluster):
    """Catches a study that is half queued when SLURM refuses the other half."""
    said = refusal(study, study.profile(partition="nowhere"), cluster.environment)
    assert "Nothing was submitted: SLURM would refuse train_model (--partition=nowhere" in said
    assert "invalid partition specified: nowhere" in said and "at the top of config.yaml" in said


def test_a_missing_account_is_refused_before_submission(study, cluster):
    """Catches violations of a site's policy that are reported only in the middle of the study."""
    said = refusal(study, study.profile(partition="bare"), cluster.environment)
    assert "jobs of the partition bare need an account" in said and "sacctmgr show associations" in said


def test_too_long_a_time_limit_is_refused_before_submission(study, cluster):
    """Catches jobs that wait forever because they request more than any node offers."""
    said = refusal(study, study.profile(training_minutes=10_000), cluster.environment)
    assert "Requested time limit is invalid" in said and "training_minutes" in said


def test_a_machine_without_slurm_is_reported(study, cluster, tmp_path):
    """Catches a traceback, or a wait for jobs that were never submitted, on a machine without SLURM."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for program in ("bash", "sh", "env", "which", "git", "hostname", "uname"):
        (folder / program).symlink_to(subprocess.check_output(["which", program], text=True).strip())
    said = refusal(study, study.profile(), os.environ | {"PATH": str(folder)})
    assert "sbatch was not found on this machine" in said and "omit --workflow-profile slurm" in said


def test_a_node_without_python_is_reported(misplaced, cluster):
    """Catches a bare `not found` without a remedy."""
    if "bare1 idle" not in cluster.ask("sinfo", "--Node", "--noheader", "--format", "%N %t"):
        pytest.skip("no right to hide a folder from a node")
    study, running = misplaced["bare"]
    assert running.wait(timeout=60) != 0
    said = study.log + study.slurm_logs("distributed")
    assert re.search(r"does not see \S+python\S* or the folder of the study", said)
    assert "must lie on a file system that all nodes share" in said
    assert not (study.folder / TARGET).exists()


def test_a_second_start_in_the_same_folder_is_refused(study, cluster):
    """Catches two Snakemake processes that write the same files."""
    first = study.start(study.profile(), TARGET, environment=cluster.environment)
    try:
        lock = study.folder / ".snakemake" / "locks"
        while not (lock.is_dir() and any(lock.iterdir())):
            assert first.poll() is None
        second = study.start(study.profile(), TARGET, environment=cluster.environment, log="second.log")
        assert second.wait(timeout=60) != 0
        said = (study.folder / "second.log").read_text(encoding="utf-8")
        assert "Another Snakemake is working on the same files here." in said and "--target-jobs" not in said
    finally:
        assert first.wait(timeout=120) == 0
    assert (study.folder / TARGET).exists()
