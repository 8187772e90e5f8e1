"""Paths, checksums and JSON; files are written atomically."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from localist.plumbing.errors import UserError

# Snakemake puts this file into every output folder.
TIMESTAMP = ".snakemake_timestamp"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary sibling of `path`; move it (file or folder) to `path` on success, delete it on failure."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Always the same name, so that the next attempt removes what a killed job left behind. The suffix stays last, since
    # many writers choose the format by it.
    temporary = path.with_name(f".{path.stem}.partial{path.suffix}")
    _remove(temporary)
    try:
        yield temporary
        if temporary.is_dir() and path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)  # a folder cannot replace another
        temporary.replace(path)
    finally:
        _remove(temporary)


def exists(path: Path) -> bool:
    """Whether `path` exists. Also False for invalid or inaccessible paths."""
    try:
        return path.exists()
    except OSError:
        return False


def check_path(path: str | Path, what: str) -> Path:
    """Return `path`. Raises UserError, naming the config key `what`, if it does not exist or is empty."""
    found = Path(path).expanduser()
    if not exists(found):
        raise UserError(f"{what}: {path} does not exist (looked in {Path.cwd()}). Correct the path.")
    if found.is_dir() and not any(found.iterdir()):
        raise UserError(f"{what}: the folder {path} is empty.")
    if found.is_file() and found.stat().st_size == 0:
        raise UserError(f"{what}: the file {path} is empty.")
    return found


def check_complete(folder: Path, names: Iterable[str]) -> None:
    """Raises UserError if an output folder lacks one of these files: Snakemake only checks that the folder exists."""
    if missing := [name for name in names if not (folder / name).exists()]:
        raise unusable(folder, f"{folder} lacks {', '.join(missing)}.")


def unusable(folder: Path, reason: str) -> UserError:
    """The error for a folder that cannot be used; with the remedy if it is the output of a rule."""
    if (folder / TIMESTAMP).exists():
        reason += f" If it is damaged, delete the folder {folder}; the next run recreates it."
    return UserError(reason)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def files_in(folder: Path) -> Iterator[Path]:
    """All files, including those in linked folders (cached resources have some), except links to a parent folder."""
    for root, folders, names in os.walk(folder, followlinks=True):
        above = {path.resolve() for path in (Path(root), *Path(root).parents)}
        folders[:] = [name for name in folders if Path(root, name).resolve() not in above]
        yield from (Path(root, name) for name in names)


def write_json(path: Path, content: Any) -> None:
    """Write `content` as JSON with sorted keys, so that equal content gives equal bytes."""
    with replacing(path) as temporary:
        text = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """Read a JSON file written by `write_json`."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
