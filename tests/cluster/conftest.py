"""Fixtures of the cluster tests: a SLURM cluster, and studies that run on it or locally."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from studies import (
    DISTURBED,
    PROGRAMS,
    SHORT_OF_ALL,
    STORM,
    TOLD_TO_END,
    TOO_LITTLE_MB,
    Cluster,
    Study,
    repeating,
    settings_of,
)
from whole_studies import CONTROL


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.cluster)
            # The first test waits for studies that all tests share.
            item.add_marker(pytest.mark.timeout(1200))


@pytest.fixture(scope="session")
def place():
    """A folder that the daemons can read, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="cluster-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def cluster(place):
    missing = [program for program in PROGRAMS if not shutil.which(program)]
    if missing:
        pytest.skip(f"no {', '.join(missing)} here: install slurm-wlm and munge")
    folder = place / "slurm"
    here = Path(__file__).parent
    started = subprocess.run(
        [here / "start_slurm.sh", folder],
        env=os.environ | {"HIDDEN": str(Path(sys.executable).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    if started.returncode:
        pytest.skip(f"SLURM does not start here: {started.stdout}{started.stderr}")
    cluster = Cluster(folder)
    with repeating(cluster.start_delayed_jobs, seconds=1):
        yield cluster
    subprocess.run([here / "stop_slurm.sh", folder], check=False)


@pytest.fixture(scope="session")
def whole_study(cluster, place):
    """The smoke study on the cluster, started first and still running."""
    study = Study(place / "on_slurm")
    running = study.start(study.profile(), environment=cluster.environment)
    yield study, running
    running.kill()


@pytest.fixture(scope="session")
def local(place, whole_study):
    """The smoke study, run on this machine alone."""
    study = Study(place / "local")
    return study.finished(study.start_here())


@pytest.fixture(scope="session")
def undisturbed(local):
    """The disturbed runs without disturbance, on this machine; they run while the cluster works."""
    study = Study(local.folder.parent / "calm", arms=CONTROL, training=DISTURBED).prepare_like(local)
    running = study.start_here(*map(settings_of, STORM))
    yield lambda: study.finished(running)
    running.kill()


@pytest.fixture(scope="session")
def short_of_all(cluster, local, undisturbed):
    """A run with too little memory and a time limit that it reaches twice; still running."""
    study = Study(local.folder.parent / "short", training=DISTURBED | {"memory_mb": TOO_LITTLE_MB}).prepare_like(local)
    profile = study.profile(partition="gpu", training_minutes=3, grace_seconds=120)
    # On a busy machine, SIGTERM may arrive before training has started, which ends the job like an error.
    running = study.start(profile, settings_of(SHORT_OF_ALL), "--retries", "5", environment=cluster.environment)
    with study.held(as_long_as=lambda: study.slurm_logs(SHORT_OF_ALL).count(TOLD_TO_END) < 2):
        yield study, running
    running.kill()


@pytest.fixture(scope="session")
def misplaced(cluster, local):
    """Studies that request a GPU in either way, and one on a node without Python; still running."""
    # The plugin checks accounts against a database, which is missing here; sbatch also reads one from its environment.
    with_account = cluster.environment | {"SBATCH_ACCOUNT": "any"}
    asked = {
        "gpu": ({"gpus": 1}, {"gpu_partition": "gpu", "gpu_request": "gpu"}, cluster.environment),
        "gres": ({"gpus": 1}, {"gpu_partition": "gpu", "gpu_request": "gres"}, cluster.environment),
        "bare": ({}, {"partition": "bare"}, with_account),
    }
    started = {}
    for name, (changes, keys, environment) in asked.items():
        study = Study(local.folder.parent / name, training=changes).prepare_like(local)
        running = study.start(
            study.profile(**keys), settings_of("distributed"), "--retries", "0", environment=environment
        )
        started[name] = study, running
    yield started
    for _, running in started.values():
        running.kill()


@pytest.fixture(scope="session")
def on_slurm(whole_study, undisturbed, short_of_all, misplaced):
    """The finished smoke study on the cluster; the other studies keep running meanwhile."""
    study, running = whole_study
    return study.finished(running)
