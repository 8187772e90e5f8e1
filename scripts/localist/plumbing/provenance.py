"""Provenance of a result: package versions, processor, and hashes of the inputs."""

import hashlib
import platform
import re
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from localist.plumbing.files import TIMESTAMP, files_in, read_json, write_json

PACKAGES = (
    "snakemake",
    "torch",
    "transformers",
    "sentence-transformers",
    "scikit-learn",
    "pandas",
    "numpy",
    "scipy",
    "statsmodels",
    "sentencex",
    "mwparserfromhell",
    "matplotlib",
)


def package_versions(names: Iterable[str] = PACKAGES) -> dict[str, str]:
    """Versions of Python and of the installed packages that results depend on."""
    versions = {"python": platform.python_version()}
    for name in names:
        with suppress(PackageNotFoundError):
            versions[name] = version(name)
    return versions


def locked_versions(lock: Path) -> dict[str, str]:
    """Installed versions of Python and of all packages pinned in a requirements file."""
    return package_versions(re.findall(r"^([\w.-]+)==", lock.read_text(encoding="utf-8"), re.MULTILINE))


def code_version() -> str:
    """The commit of this code, with -dirty after changes; "not a git checkout" if there is none."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "not a git checkout"


def processor() -> str:
    """The CPU's model name; results are bitwise reproducible for the same processor, threads and precision."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def content_hash(paths: Iterable[Path]) -> str:
    """SHA-256 over names and bytes of files, and of all files in folders, linked folders included."""
    digest = hashlib.sha256()
    for path in map(Path, paths):
        for file in sorted(files_in(path)) if path.is_dir() else [path]:
            if file.is_file() and file.name != TIMESTAMP:
                digest.update(file.name.encode())
                with file.open("rb") as stream:
                    digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()


def noted_content_hash(folder: Path, notes: Path) -> str:
    """content_hash of a folder; files are read again only if sizes or change times differ from the JSON file `notes`.

    The change time (ctime) is set by the system: unlike the modification time, a copy cannot set it back.
    """
    found = ((file, file.stat()) for file in sorted(files_in(folder)) if file.is_file())
    seen = [[str(file.relative_to(folder)), status.st_size, status.st_ctime_ns] for file, status in found]
    known = read_json(notes) if notes.is_file() else {}
    name = str(folder.resolve())
    if known.get(name, {}).get("seen") != seen:
        known[name] = {"seen": seen, "sha256": content_hash([folder])}
        with suppress(OSError):  # a read-only folder, or another job writing the same notes
            write_json(notes, known)
    return known[name]["sha256"]
