"""Whole studies: the default one, and study files with all defaults filled in."""

from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from checkout import ROOT

from localist.blocks.partitions import PARTITIONS
from localist.corpus.formats.file_kinds import FORMATS
from localist.plumbing.errors import UserError
from localist.study.config import resolve
from localist.study.schedules import SCHEDULES

SCHEMA = ROOT / "workflow" / "schemas" / "config.schema.yaml"
# A control and a dose-matched arm in one, with the other penalty, on spans: what the smoke study's arms leave out.
CONTROL = {
    "reversed_dose": {
        "schedule": "reversed",
        "degree": 3,
        "partition": "spans",
        "penalty": "group_sparsity",
        "dose": "quintic",
    }
}
CHOICES = {"schedule": SCHEDULES, "partition": PARTITIONS, "format": ["auto", *FORMATS]}


def load(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def resolved(config: dict[str, Any]) -> dict[str, Any]:
    """A study file's config with all defaults filled in; the argument is not changed."""
    config = deepcopy(config)
    resolve(config, SCHEMA, CHOICES)
    return config


@cache
def _default_study() -> dict[str, Any]:
    return resolved({})


def default_study() -> dict[str, Any]:
    return deepcopy(_default_study())


def set_key(config: dict[str, Any], key: str, value: Any) -> None:
    """Set one value by its dotted key."""
    *above, last = key.split(".")
    for name in above:
        config = config[name]
    config[last] = value


def changed(key: str, value: Any) -> dict[str, Any]:
    """The default study, in full, with one value set."""
    config = default_study()
    set_key(config, key, value)
    return config


def mistakes(config: dict[str, Any]) -> list[str]:
    """The lines of the error message, without its heading."""
    with pytest.raises(UserError) as caught:
        resolved(config)
    return [line.removeprefix("  - ") for line in str(caught.value).splitlines()[1:]]
