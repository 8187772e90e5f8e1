"""The conda environments, the direct requirements and the lock speak of the same versions."""

import re
from pathlib import Path

import pytest
import yaml

BASE = Path(__file__).resolve().parents[2]


def pins(text):
    return dict(re.findall(r"^([A-Za-z0-9_.-]+)==(\S+)$", text, re.MULTILINE))


LOCK = pins((BASE / "requirements.txt").read_text(encoding="utf-8"))


def test_direct_requirements_equal_the_lock():
    """Catches a version raised in one file alone."""
    direct = pins((BASE / "requirements.in").read_text(encoding="utf-8"))
    assert direct and all(LOCK[name] == version for name, version in direct.items())


@pytest.mark.parametrize("name", ["analysis", "training"])
def test_conda_environments_equal_the_lock(name):
    """Catches cluster jobs that run other versions than local ones."""
    environment = yaml.safe_load((BASE / "envs" / f"{name}.yaml").read_text(encoding="utf-8"))
    packages = pins("\n".join(environment["dependencies"][-1]["pip"]))
    assert packages and all(LOCK[package] == version for package, version in packages.items())
