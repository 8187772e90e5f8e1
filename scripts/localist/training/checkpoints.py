"""Checkpoints of a run: sealed once they are wholly written, and checked before a run goes on from one.

A run's checkpoints lie in a folder of its own, whose name tells the run from every other one.
"""

import json
import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from localist.plumbing.files import files_in, sha256_of, write_json

logger = logging.getLogger(__name__)

SEAL = "seal.json"
SET_ASIDE = "unusable-"


def seal(checkpoint: Path, precision: str, processor: str) -> None:
    """Mark a checkpoint as whole: the run that it is of, its files' hashes, its precision, the processors until now."""
    files = {
        path.relative_to(checkpoint).as_posix(): sha256_of(path)
        for path in sorted(files_in(checkpoint))
        if path.name != SEAL
    }
    processors = processors_of(checkpoint.parent, processor)
    about = {"run": checkpoint.parent.name, "precision": precision, "processors": processors}
    write_json(checkpoint / SEAL, about | {"files": files})


def last_whole_checkpoint(folder: Path) -> Path | None:
    """The newest whole checkpoint of the run whose folder this is.

    Newer ones that are not whole (cut short by a kill, truncated, changed) or of another run are named in the log and
    renamed, so that nothing goes on from them; the last one of these is kept.
    """
    for checkpoint in sorted(Path(folder).glob("checkpoint-*"), key=_step, reverse=True):
        fault = _fault(checkpoint)
        if fault is None:
            return checkpoint
        logger.warning("%s is passed over: %s.", checkpoint, fault)
        for earlier in checkpoint.parent.glob(f"{SET_ASIDE}*"):
            shutil.rmtree(earlier, ignore_errors=True)
        checkpoint.rename(checkpoint.with_name(SET_ASIDE + checkpoint.name))
    return None


def processors_of(folder: Path, processor: str) -> list[str]:
    """Every processor that a run has been computed on, this one included, sorted."""
    return sorted({processor}.union(*(found.get("processors", ()) for found in _seals(folder))))


def precision_of(folder: Path) -> str | None:
    """The precision in which a run was begun; None where it is yet to begin."""
    return next((found.get("precision") for found in _seals(folder) if found.get("run") == folder.name), None)


def _fault(checkpoint: Path) -> str | None:
    """Why a run cannot go on from this checkpoint."""
    found = _read_seal(checkpoint)
    if not found:
        return "it was not wholly written"
    if found.get("run") != checkpoint.parent.name:
        return "it is of another run"
    for name, sha256 in found["files"].items():
        path = checkpoint / name
        if not path.is_file():
            return f"{name} is missing"
        if sha256_of(path) != sha256:
            return f"{name} is truncated or was changed"
    return None


def _seals(folder: Path) -> list[Mapping[str, Any]]:
    return [_read_seal(checkpoint) for checkpoint in Path(folder).glob("checkpoint-*")]


def _read_seal(checkpoint: Path) -> Mapping[str, Any]:
    """The seal, or nothing where there is none that can be read."""
    try:
        found = json.loads((checkpoint / SEAL).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and isinstance(found.get("files"), dict) else {}


def _step(checkpoint: Path) -> int:
    digits = checkpoint.name.rpartition("-")[2]
    return int(digits) if digits.isdigit() else -1
