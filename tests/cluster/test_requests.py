"""What a job asks for and where it lands; and what is said where that cannot be."""

import os
import re
import subprocess

import pytest
from studies import Study

TARGET = "results/smoke/runs/distributed/seed1/settings.json"


@pytest.fixture
def study(local, tmp_path_factory):
    """A study that has everything before training."""
    name = tmp_path_factory.mktemp("request").name
    return Study(local.folder.parent / name).prepare_like(local)


@pytest.mark.parametrize("way", ["gpu", "gres"])
def test_a_job_that_asks_for_a_gpu_lands_where_one_is_and_fails_at_once_if_it_cannot_be_used(misplaced, cluster, way):
    """Catches requests that SLURM does not understand, and days of training on a CPU where a GPU was asked for."""
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


def test_a_gpu_is_given_to_the_job_that_asks(cluster):
    """Catches a stand-in that is not scheduled: the tests above would say nothing."""
    probe = ("srun", "--partition=gpu", "--mem=100", "sh", "-c", "echo $SLURMD_NODENAME: $CUDA_VISIBLE_DEVICES")
    assert cluster.ask(*probe[:2], "--gpus=1", *probe[2:]) == "gpu1: 0"
    assert cluster.ask(*probe[:2], "--gres=gpu:2", *probe[2:]) == "gpu1: 0,1"
    assert cluster.ask(*probe) == "gpu1:"


def refusal(study, profile, environment):
    """What Snakemake says where it must not submit anything."""
    running = study.start(profile, TARGET, environment=environment)
    assert running.wait(timeout=60) != 0
    assert not study.submitted() and "Traceback" not in study.log
    assert not (study.results / "runs").exists()
    return study.log


def test_an_unknown_partition_is_refused_before_anything_is_submitted(study, cluster):
    """Catches a study of which half is queued when the other half is refused."""
    said = refusal(study, study.profile(partition="nowhere"), cluster.environment)
    assert "Nothing was submitted: SLURM would refuse train_model (--partition=nowhere" in said
    assert "invalid partition specified: nowhere" in said and "at the top of config.yaml" in said


def test_a_missing_account_is_refused_before_anything_is_submitted(study, cluster):
    """Catches a site's policy that shows only in the middle of the study."""
    said = refusal(study, study.profile(partition="bare"), cluster.environment)
    assert "jobs of the partition bare need an account" in said and "sacctmgr show associations" in said


def test_more_time_than_the_partition_allows_is_refused_before_anything_is_submitted(study, cluster):
    """Catches jobs that wait for ever because they ask for what no node gives."""
    said = refusal(study, study.profile(training_minutes=10_000), cluster.environment)
    assert "Requested time limit is invalid" in said and "training_minutes" in said


def test_without_slurm_the_message_says_so(study, cluster, tmp_path):
    """Catches a traceback, or a wait for jobs that were never submitted, where somebody is on the wrong machine."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for program in ("bash", "sh", "env", "which", "git", "hostname", "uname"):
        (folder / program).symlink_to(subprocess.check_output(["which", program], text=True).strip())
    said = refusal(study, study.profile(), os.environ | {"PATH": str(folder)})
    assert "sbatch was not found on this machine" in said and "omit --workflow-profile slurm" in said


def test_a_node_without_python_is_named(misplaced, cluster):
    """Catches `not found` without a hint at what is to be done."""
    if "bare1 idle" not in cluster.ask("sinfo", "--Node", "--noheader", "--format", "%N %t"):
        pytest.skip("no right to hide a folder from a node")
    study, running = misplaced["bare"]
    assert running.wait(timeout=60) != 0
    said = study.log + study.slurm_logs("distributed")
    assert re.search(r"does not see \S+python\S* or the folder of the study", said)
    assert "must lie on a file system that all nodes share" in said
    assert not (study.folder / TARGET).exists()


def test_two_people_in_one_folder(study, cluster):
    """Catches two Snakemakes that write the same files."""
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
