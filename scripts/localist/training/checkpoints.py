"""Checkpoints of a run: sealed once they are complete, and verified before a run resumes from one.

The folder of a run's checkpoints is named by the hash of the run's settings.
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
    """Mark a checkpoint as complete: write the run's name, precision, processors so far, and file hashes."""
    files = {
        path.relative_to(checkpoint).as_posix(): sha256_of(path)
        for path in sorted(files_in(checkpoint))
        if path.name != SEAL
    }
    processors = processors_of(checkpoint.parent, processor)
    about = {"run": checkpoint.parent.name, "precision": precision, "processors": processors}
    write_json(checkpoint / SEAL, about | {"files": files})


def last_whole_checkpoint(folder: Path) -> Path | None:
    """The newest complete checkpoint in a run's folder; None if there is none.

    Newer ones that are incomplete, damaged or from another run are logged and renamed, so that nothing resumes from
    them; only the last one renamed is kept.
    """
    for checkpoint in sorted(Path(folder).glob("checkpoint-*"), key=_step, reverse=True):
        fault = _fault(checkpoint)
        if fault is None:
            return checkpoint
        logger.warning("Skipping %s: %s.", checkpoint, fault)
        for earlier in checkpoint.parent.glob(f"{SET_ASIDE}*"):
            shutil.rmtree(earlier, ignore_errors=True)
        checkpoint.rename(checkpoint.with_name(SET_ASIDE + checkpoint.name))
    return None


def processors_of(folder: Path, processor: str) -> list[str]:
    """Model names of the processors that have computed a run, including `processor`, sorted."""
    return sorted({processor}.union(*(content.get("processors", ()) for content in _seals(folder))))


def precision_of(folder: Path) -> str | None:
    """The precision in which a run was started, bf16 or fp32; None if it has no checkpoint yet."""
    seals = (content for content in _seals(folder) if content.get("run") == folder.name)
    return next((content.get("precision") for content in seals), None)


def _fault(checkpoint: Path) -> str | None:
    """Why a run cannot resume from this checkpoint; None if it can."""
    content = _read_seal(checkpoint)
    if not content:
        return "it is incomplete"
    if content.get("run") != checkpoint.parent.name:
        return "it belongs to another run"
    for name, sha256 in content["files"].items():
        path = checkpoint / name
        if not path.is_file():
            return f"{name} is missing"
        if sha256_of(path) != sha256:
            return f"{name} is truncated or modified"
    return None


def _seals(folder: Path) -> list[Mapping[str, Any]]:
    return [_read_seal(checkpoint) for checkpoint in Path(folder).glob("checkpoint-*")]


def _read_seal(checkpoint: Path) -> Mapping[str, Any]:
    """The content of a checkpoint's seal; empty if there is no readable seal."""
    try:
        content = json.loads((checkpoint / SEAL).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) and isinstance(content.get("files"), dict) else {}


def _step(checkpoint: Path) -> int:
    digits = checkpoint.name.rpartition("-")[2]
    return int(digits) if digits.isdigit() else -1
