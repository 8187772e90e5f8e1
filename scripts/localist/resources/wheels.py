"""Extracts a file or folder from a pinned wheel, which pip downloads from the package registry."""

import difflib
import logging
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from localist.plumbing.errors import UserError
from localist.plumbing.zip_files import member_outside

logger = logging.getLogger(__name__)

_NETWORK_TROUBLE = re.compile(
    r"connection broken by|Could not fetch URL|HTTP error \d|ConnectionError|Timeout|SSLError|ProxyError|"
    r"Max retries exceeded|Connection (?:refused|reset)|Name or service not known"
)


def fetch_wheel(package: Mapping[str, str], folder: Path) -> Path:
    """Download the wheel pinned by `package` (name, version, sha256, tag) into the empty `folder`; return its path.

    Raises UserError for a wrong hash, an unknown version or an unreachable registry.
    """
    requirement = f"{package['name']}=={package['version']}"
    _check_pin(package)
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{requirement} --hash=sha256:{package['sha256']}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--require-hashes"]
    # The wheel is only unpacked, so it need not be compatible with this Python.
    command += ["--ignore-requires-python", *_tag_options(package.get("tag") or "py3-none-any")]
    command += ["--quiet", "--no-input", "--disable-pip-version-check", "--retries", "2", "--progress-bar", "off"]
    command += ["--dest", str(folder), "--requirement", str(requirements)]
    logger.info("Fetching the package %s from the package registry.", requirement)
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    requirements.unlink()
    if done.returncode != 0:
        raise _explained(done.stderr + done.stdout, package, requirement)
    (wheel,) = folder.glob("*.whl")
    return wheel


def extract_member(wheel: Path, member: str, destination: Path) -> None:
    """Write the file or folder `member` of a wheel to `destination`, which must not exist.

    Raises UserError for a missing member, and for member names that lead outside the wheel.
    """
    wanted = member.strip("/")
    with zipfile.ZipFile(wheel) as archive:
        outside = member_outside(archive)
        if outside is not None:
            raise UserError(f"{wheel.name}: unsafe member name {outside!r}. Do not use this package.")
        files = [info.filename for info in archive.infolist() if not info.is_dir()]
        if wanted in files:
            _copy(archive, wanted, destination)
            return
        inside = [name for name in files if name.startswith(wanted + "/")]
        if not inside:
            raise UserError(
                f"{wheel.name} has no file or folder {member!r} (key package.file). "
                f"Near matches: {', '.join(_near(wanted, files)) or 'none'}."
            )
        for name in inside:
            _copy(archive, name, destination / name.removeprefix(wanted + "/"))


def _copy(archive: zipfile.ZipFile, name: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(name) as source, target.open("wb") as sink:
        shutil.copyfileobj(source, sink, 1 << 20)


def _near(wanted: str, files: list[str]) -> list[str]:
    """Members that the user may have meant: the same last part first, then similar spellings."""
    folders = {str(parent) for name in files for parent in PurePosixPath(name).parents} - {"."}
    names = sorted(folders.union(files))
    same_end = [name for name in names if PurePosixPath(name).name == PurePosixPath(wanted).name]
    similar = difflib.get_close_matches(wanted, names, n=4, cutoff=0.4)
    return list(dict.fromkeys(same_end + similar))[:4]


def _check_pin(package: Mapping[str, str]) -> None:
    # These go into a requirements file, where a space or a line break would change the meaning.
    patterns = {"name": r"[A-Za-z0-9._-]+", "version": r"[A-Za-z0-9.!+_-]+", "sha256": r"[0-9a-f]{64}"}
    for key, pattern in patterns.items():
        if not re.fullmatch(pattern, str(package[key])):
            raise UserError(f"package.{key} is {package[key]!r}; it must match {pattern}.")


def _tag_options(tag: str) -> list[str]:
    """The pip options that select the wheel with this tag on any platform."""
    parts = tag.split("-")
    pythons = [re.fullmatch(r"([a-z]+)(\d)(\d*)", part) for part in parts[0].split(".")]
    last = pythons[-1]
    if len(parts) != 3 or last is None or None in pythons:
        raise UserError(f"package.tag is {tag!r}; a wheel tag looks like py3-none-any (the end of the file name).")
    implementation, major, minor = last.groups()
    options = ["--implementation", implementation, "--python-version", f"{major}.{minor}" if minor else major]
    for name, part in (("--abi", parts[1]), ("--platform", parts[2])):
        for value in part.split("."):
            options += [name, value]
    return options


def _explained(output: str, package: Mapping[str, str], requirement: str) -> UserError:
    """Translate pip's output into one message."""
    if "DO NOT MATCH THE HASHES" in output:
        got = re.search(r"Got\s+([0-9a-f]{64})", output)
        return UserError(
            f"The wheel of {requirement} does not have the sha256 pinned in the config: expected {package['sha256']}, "
            f"got {got[1] if got else 'another'}. It was not opened. Correct package.sha256 only if you trust the file."
        )
    if "No module named pip" in output:
        return UserError(f"{sys.executable} has no pip, which fetches {requirement}. Install pip in this environment.")
    if _NETWORK_TROUBLE.search(output):
        return UserError(
            f"The package registry could not be reached for {requirement}. Check the network and pip's settings "
            f"(pip config list), or set `path` to a local copy. pip's message: {_last_errors(output)}"
        )
    versions = re.search(r"\(from versions: (.*?)\)", output)
    if versions:
        tag = package.get("tag") or "py3-none-any"
        known = versions.group(1)
        remedy = "check package.name and package.tag" if known == "none" else f"available versions: {known}"
        return UserError(f"The package registry has no {requirement} with a wheel for {tag}; {remedy}.")
    return UserError(f"pip could not fetch {requirement}: {_last_errors(output)}")


def _last_errors(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")] or lines
    return " ".join(errors[-2:])
