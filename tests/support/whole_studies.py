"""Whole studies: the default one, and what a study file means with all defaults filled in."""

from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from checkout import ROOT

from localist.blocks.partitions import PARTITIONS
from localist.corpus.formats.file_kinds import FORMATS
from localist.study.config import resolve
from localist.study.schedules import SCHEDULES

SCHEMA = ROOT / "workflow" / "schemas" / "config.schema.yaml"
CHOICES = {"schedule": SCHEDULES, "partition": PARTITIONS, "format": ["auto", *FORMATS]}


def load(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def resolved(config: dict[str, Any]) -> dict[str, Any]:
    """The whole study that a study file means; the file's own mapping is left as it is."""
    config = deepcopy(config)
    resolve(config, SCHEMA, CHOICES)
    return config


@cache
def _default_study() -> dict[str, Any]:
    return resolved({})


def default_study() -> dict[str, Any]:
    return deepcopy(_default_study())
