"""Checks, before anything is submitted, whether SLURM would accept a study's jobs."""

import shutil
import subprocess
from collections.abc import Mapping
from typing import Any

from localist.plumbing.errors import UserError

# Resource of a rule, as named by the executor plugin → sbatch option.
OPTIONS = {
    "slurm_partition": "partition",
    "slurm_account": "account",
    "qos": "qos",
    "constraint": "constraint",
    "mem_mb": "mem",
    "runtime": "time",
    "gpu": "gpus",
    "gres": "gres",
    "nodes": "nodes",
}
REMEDY = (
    "Set partition, account, training_minutes and gpu_request at the top of config.yaml in your profile, a copy of "
    "workflow/profiles/slurm. `sinfo` lists partitions and their limits; `sacctmgr show associations user=$USER` lists "
    "accounts."
)


def sbatch_options(resources: Mapping[str, Any], threads: int) -> tuple[str, ...]:
    """The sbatch options that request these resources."""
    given = {option: resources[name] for name, option in OPTIONS.items() if resources.get(name)}
    return (*(f"--{option}={value}" for option, value in given.items()), f"--cpus-per-task={threads}")


def check_requests(requests: Mapping[tuple[str, ...], str]) -> None:
    """Raises UserError if SLURM would refuse a job. requests: sbatch options → the rule that needs them."""
    if not shutil.which("sbatch"):
        raise UserError(
            "sbatch was not found on this machine. Start the study on a login node of the cluster or, to compute on "
            "this machine, omit --workflow-profile slurm."
        )
    for options, rule in requests.items():
        command = ["sbatch", "--test-only", *options, "--wrap", "true"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            said = " ".join(line.removeprefix("sbatch: error: ") for line in done.stderr.splitlines())
            raise UserError(f"SLURM would refuse {rule} ({' '.join(options)}): {said} {REMEDY}")
