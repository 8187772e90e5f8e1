"""Asking SLURM whether it would accept a job."""

import pytest

from localist.plumbing.errors import UserError
from localist.plumbing.slurm import check_requests, sbatch_options


@pytest.fixture
def sbatch(tmp_path, monkeypatch):
    """A stand-in for sbatch that refuses the partition `nowhere`, and records its calls."""
    program = tmp_path / "sbatch"
    program.write_text(
        f'#!/bin/sh\necho "$*" >> {tmp_path}/calls\n'
        'case "$*" in *nowhere*) echo "sbatch: error: no such partition" >&2; exit 1;; esac\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return tmp_path / "calls"


def test_resources_become_the_options_used_by_the_plugin():
    """Catches a check that differs from the actual request; resources that are not requested are left out."""
    resources = {"mem_mb": 1500, "runtime": 60, "gpu": 2, "slurm_account": "", "gpu_jobs": 1, "slurm_partition": "big"}
    assert sbatch_options(resources, 4) == (
        *("--partition=big", "--mem=1500", "--time=60", "--gpus=2"),
        "--cpus-per-task=4",
    )


def test_every_request_is_only_tested(sbatch):
    """Catches a check that submits jobs."""
    check_requests({("--mem=1",): "a", ("--mem=2",): "b"})
    assert sbatch.read_text().splitlines() == [f"--test-only --mem={n} --wrap true" for n in (1, 2)]


def test_a_refusal_names_rule_request_reason_and_remedy(sbatch):
    """Catches a message that does not say what to change."""
    with pytest.raises(
        UserError, match=r"refuse train_model \(--partition=nowhere\): no such partition.*profiles/slurm"
    ):
        check_requests({("--partition=main",): "evaluate_model", ("--partition=nowhere",): "train_model"})


def test_missing_sbatch_is_reported(monkeypatch):
    """Catches a traceback on a machine without SLURM."""
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match="sbatch was not found on this machine"):
        check_requests({})
