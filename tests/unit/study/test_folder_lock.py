"""Locked folders: the processes that work there, and how to remove a stale lock."""

import shlex
import subprocess
import sys
from contextlib import contextmanager

import pytest

from localist.study.folder_lock import is_snakemake, job_of, lock_message, study_arguments, unlocking

SLEEPS = "import time\nprint(flush=True)\ntime.sleep(600)\n"
COMMAND = ["bin/snakemake", "--cores", "2", "--configfile", "my study.yaml"]


@contextmanager
def working(folder, script):
    """A Python process that runs a script of this name in the folder."""
    path = folder / script
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(SLEEPS, encoding="utf-8")
    command = [sys.executable, str(path), "--cores", "2", "--configfile", "my study.yaml"]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE)
    try:
        process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_running_snakemake_is_reported_without_unlock_advice(tmp_path):
    """Catches advice to unlock a folder in which another Snakemake is working."""
    with working(tmp_path, "bin/snakemake") as other, working(tmp_path, ".snakemake/scripts/tmpa.train_model.py"):
        message = lock_message(tmp_path, COMMAND)
    assert f"process {other.pid}: " in message and "--cores 2" in message
    assert "--unlock" not in message


def test_a_snakemake_on_another_study_is_not_taken_for_the_owner(tmp_path):
    """Catches advice only to wait for another study although a killed Snakemake left the locks."""
    with working(tmp_path, "bin/snakemake") as other:
        message = lock_message(tmp_path, ["bin/snakemake", "--configfile", "another.yaml", "--cores", "2"])
    assert f"process {other.pid}: " in message and "apparently on another study" in message
    assert "bin/snakemake --unlock --configfile another.yaml" in message


def test_study_arguments_of_a_command():
    """Catches values that belong to other options."""
    command = ["snakemake", "--configfile", "a.yaml", "b.yaml", "--cores", "2", "--config", "study=x", "-n", "target"]
    assert study_arguments(command) == ["a.yaml", "b.yaml", "study=x"]
    assert study_arguments(["snakemake", "--configfile=a.yaml", "all"]) == ["a.yaml"]


def test_jobs_of_a_killed_snakemake_are_reported(tmp_path):
    """Catches a folder that is unlocked while jobs still write to it."""
    with working(tmp_path, ".snakemake/scripts/tmpa.train_model.py") as job:
        message = lock_message(tmp_path, COMMAND)
    assert f"{job.pid} (train_model)" in message and f"kill {job.pid}" in message


@pytest.mark.parametrize("elsewhere", ["", "bin/snakemake"])
def test_a_stale_lock_is_reported_with_the_unlock_command(tmp_path, elsewhere):
    """Catches an unlock command for another study, or a Snakemake in another folder taken for the owner."""
    (tmp_path / "study").mkdir()
    if elsewhere:
        with working(tmp_path, elsewhere):
            message = lock_message(tmp_path / "study", COMMAND)
    else:
        message = lock_message(tmp_path / "study", COMMAND)
    assert "has ended" in message
    assert shlex.split(message.splitlines()[-1]) == ["bin/snakemake", "--unlock", *COMMAND[1:]]


def test_python_m_snakemake_is_unlocked_in_the_same_way():
    """Catches a command that runs __main__.py, which is not executable, if Snakemake was started with python -m."""
    command = unlocking(["/env/snakemake/__main__.py", "--cores", "1"])
    assert shlex.split(command) == [sys.executable, "-m", "snakemake", "--unlock", "--cores", "1"]


def test_other_processes_are_not_jobs():
    """Catches an editor or a shell taken for a job."""
    assert job_of(["python", "/study/.snakemake/scripts/tmpa1.plot_entropy.py"]) == "plot_entropy"
    assert not any(map(job_of, (["bash"], ["vim", "scripts/train_model.py"], ["python", "-m", "snakemake"])))


def test_job_processes_are_not_taken_for_snakemake_itself():
    """Catches a message that lists, besides Snakemake itself, each of its jobs on this machine."""
    assert is_snakemake(["/env/bin/python", "/env/bin/snakemake", "--cores", "2"])
    assert is_snakemake(["/env/bin/python", "-m", "snakemake", "--cores", "2"])
    assert not is_snakemake(["/env/bin/python", "-m", "snakemake", "--target-jobs", "train_model:arm=quintic"])
