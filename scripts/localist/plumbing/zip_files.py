"""Untrusted zip files: member names that would leave the target folder."""

import zipfile
from pathlib import PureWindowsPath


def member_outside(archive: zipfile.ZipFile) -> str | None:
    """The first member name that is absolute or contains `..`, also in Windows spelling; None if all are safe."""
    for member in archive.infolist():
        path = PureWindowsPath(member.filename)  # handles both kinds of slashes, and drive letters
        if path.anchor or ".." in path.parts:
            return member.filename
    return None
