"""A training run that is killed midway resumes from its checkpoint, in the real workflow."""

import os
import shutil
import subprocess
import time

import pytest
from training_processes import training_processes

pytestmark = pytest.mark.slow

RUN = "results/smoke/runs/quintic/seed1"
TARGET = f"{RUN}/settings.json"
DEADLINE_SECONDS = 240


def training_once(there, place, config, environment=None):
    """Start Snakemake, wait until `there(folder)` is true, and return Snakemake and the training process."""
    running = subprocess.Popen(
        place.command(config, TARGET),
        cwd=place.folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not there(place.folder):
        assert running.poll() is None and time.monotonic() < deadline, running.communicate()[0]
        time.sleep(0.05)
    (process,) = training_processes(place.folder)
    return running, process


def checkpoints(folder):
    return list((folder / "results" / "smoke" / "checkpoints").rglob("seal.json"))


def test_a_killed_run_resumes_to_the_same_bytes(prepared):
    """Catches state lost in a kill −9: the resumed run must end with the bytes of an uninterrupted one."""
    # Long enough to be killed midway on any machine.
    config = prepared.config(
        training={"token_budget": 15_000, "checkpoint_steps": 10}, constraint={"applies_to": "weight"}
    )
    running, process = training_once(checkpoints, prepared, config)
    process.kill()
    running.communicate()
    assert running.returncode != 0
    assert not (prepared.folder / TARGET).exists()

    again = prepared.snakemake(config, TARGET)
    assert again.returncode == 0, again.stdout + again.stderr
    log = (prepared.folder / "results/smoke/logs/train_model/quintic/seed1.log").read_text(encoding="utf-8")
    assert "resumes from" in log
    run = prepared.folder / RUN
    resumed = {name: (run / name).read_bytes() for name in ("model/model.safetensors", "history.csv")}
    assert not list((prepared.folder / "results" / "smoke" / "checkpoints").rglob("*.safetensors"))

    whole = prepared.snakemake(config, TARGET, "--forcerun", "train_model")
    assert whole.returncode == 0, whole.stdout + whole.stderr
    log = (prepared.folder / "results/smoke/logs/train_model/quintic/seed1.log").read_text(encoding="utf-8")
    assert "resumes from" not in log
    for name, content in resumed.items():
        assert (run / name).read_bytes() == content, name


def test_no_shell_runs_between_snakemake_and_training(prepared, tmp_path):
    """Catches a job that ends before training has saved: SIGTERM to all of its processes ends bash immediately.

    From version 5.1 on, bash replaces itself with the last command; the wrapper here behaves like older versions.
    """
    bash = tmp_path / "bin" / "bash"
    bash.parent.mkdir()
    bash.write_text(f"#!{shutil.which('bash')}\n" + '[ "$1" = -c ] || exec "$BASH" "$@"\nexec "$BASH" -c "$2\n:"\n')
    bash.chmod(0o755)
    environment = os.environ | {"PATH": f"{bash.parent}:{os.environ['PATH']}"}
    running, process = training_once(training_processes, prepared, prepared.config(), environment)
    above = process.parent()
    process.kill()
    assert above.name() != "bash"
    running.communicate()
