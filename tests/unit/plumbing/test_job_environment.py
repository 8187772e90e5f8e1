"""The environment of jobs."""

import os
from pathlib import Path

from localist.plumbing.job_environment import set_job_environment


def test_settings_that_affect_bits_are_overridden():
    """Catches a job that keeps a user's settings of arithmetic, or loses other settings."""
    environment = {"MKL_CBWR": "COMPATIBLE", "ATEN_CPU_CAPABILITY": "default", "HF_HOME": "/hub"}
    set_job_environment(environment, Path("/ours"))
    assert environment["MKL_CBWR"] == "AUTO,STRICT" and environment["HF_HOME"] == "/hub"
    assert "ATEN_CPU_CAPABILITY" not in environment


def test_our_package_comes_first_on_the_path():
    """Catches jobs that import the package from another checkout on PYTHONPATH, and lost or duplicated paths."""
    environment = {"PYTHONPATH": os.pathsep.join(["/theirs", "", "/more"])}
    for _ in range(2):  # a job on a cluster reads the Snakefile again
        set_job_environment(environment, Path("/ours"))
    assert environment["PYTHONPATH"].split(os.pathsep) == ["/ours", "/theirs", "/more"]
    alone: dict[str, str] = {}
    set_job_environment(alone, Path("/ours"))
    assert alone["PYTHONPATH"] == "/ours"
