"""Ending early: SIGTERM is noticed, and SLURM is asked to requeue the job unless it was cancelled."""

import os
import signal
import stat

import pytest

from localist.plumbing.interruption import noticing_sigterm, requeue


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """Stand-ins for squeue and scontrol that record their calls."""

    def install(state="RUNNING", refusal=""):
        answers = {"squeue": f"echo {state}", "scontrol": f"echo '{refusal}' >&2; exit {1 if refusal else 0}"}
        for name, answer in answers.items():
            program = tmp_path / name
            program.write_text(f'#!/bin/sh\necho "{name} $*" >> {tmp_path}/calls\n{answer}\n')
            program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        monkeypatch.setenv("SLURM_JOB_ID", "71")
        return tmp_path / "calls"

    return install


def test_sigterm_is_noticed_without_ending_the_process():
    """Catches a signal that ends the process in the middle of a step, and a handler that stays installed."""
    before = signal.getsignal(signal.SIGTERM)
    with noticing_sigterm() as came:
        assert not came()
        os.kill(os.getpid(), signal.SIGTERM)
        assert came()
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_running_job_is_requeued(slurm, caplog):
    """Catches a job that ends without a requeue request, or a request for another job."""
    calls = slurm()
    assert requeue()
    assert calls.read_text().splitlines()[-1] == "scontrol requeue 71"
    assert "SLURM will requeue job 71." in caplog.text


@pytest.mark.parametrize("state", ["COMPLETING", "CANCELLED", ""])
def test_a_cancelled_job_stays_cancelled(slurm, state):
    """Catches a job that is requeued although its owner cancelled it."""
    calls = slurm(state)
    assert not requeue()
    assert "scontrol" not in calls.read_text()


def test_a_refusal_is_logged(slurm, caplog):
    """Catches a crash, or a missing warning, if a site forbids requeueing."""
    slurm(refusal="Requested operation is presently disabled")
    assert not requeue()
    assert "SLURM refused to requeue job 71: Requested operation is presently disabled." in caplog.text


def test_nothing_is_requeued_outside_slurm(monkeypatch):
    """Catches a run that looks for SLURM's commands without a SLURM job."""
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    monkeypatch.setenv("PATH", "")
    assert not requeue()
