"""A training run killed in the middle goes on from its checkpoint, through the real workflow."""

import subprocess
import time

import pytest
from training_processes import training_processes

pytestmark = pytest.mark.slow

RUN = "results/smoke/runs/quintic/seed1"
DEADLINE_SECONDS = 240


def test_kill_in_the_middle_of_training_changes_nothing(workplace):
    """Catches anything lost in a kill −9: the resumed run must end with the bytes of an uninterrupted one."""
    # Long enough to be hit in the middle, on any machine.
    config = workplace.config(training={"token_budget": 60_000, "checkpoint_steps": 20})
    target = f"{RUN}/settings.json"
    running = subprocess.Popen(
        workplace.command(config, target),
        cwd=workplace.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    checkpoints = workplace.folder / "results" / "smoke" / "checkpoints"
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not list(checkpoints.rglob("seal.json")):
        assert running.poll() is None and time.monotonic() < deadline, running.communicate()[0]
        time.sleep(0.05)
    (process,) = training_processes(workplace.folder)
    process.kill()
    running.communicate()
    assert running.returncode != 0
    assert not (workplace.folder / target).exists()

    again = workplace.snakemake(config, target)
    assert again.returncode == 0, again.stdout + again.stderr
    log = (workplace.folder / "results/smoke/logs/train_model/quintic/seed1.log").read_text(encoding="utf-8")
    assert "goes on from" in log
    run = workplace.folder / RUN
    resumed = {name: (run / name).read_bytes() for name in ("model/model.safetensors", "history.csv")}
    assert not list(checkpoints.rglob("*.safetensors"))

    whole = workplace.snakemake(config, target, "--forcerun", "train_model")
    assert whole.returncode == 0, whole.stdout + whole.stderr
    log = (workplace.folder / "results/smoke/logs/train_model/quintic/seed1.log").read_text(encoding="utf-8")
    assert "goes on from" not in log
    for name, content in resumed.items():
        assert (run / name).read_bytes() == content, name
