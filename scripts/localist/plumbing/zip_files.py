"""Zip files from strangers: member names that would leave the archive's own folder."""

import zipfile
from pathlib import PureWindowsPath


def member_outside(archive: zipfile.ZipFile) -> str | None:
    """The first member name that is absolute or has a part `..`, in Windows' spelling too; None where all are safe."""
    for member in archive.infolist():
        path = PureWindowsPath(member.filename)  # takes both kinds of slashes, and drives
        if path.anchor or ".." in path.parts:
            return member.filename
    return None
