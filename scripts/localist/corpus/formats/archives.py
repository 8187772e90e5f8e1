"""Zip-based documents (EPUB, DOCX), read member by member and never extracted to disk, and unpacked EPUB folders."""

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from localist.corpus.formats.xml_entities import refuse_entities, with_signs
from localist.plumbing.errors import UserError
from localist.plumbing.files import files_in
from localist.plumbing.zip_files import member_outside

LARGEST_UNPACKED = 500_000_000
# Compression ratio: text rarely exceeds 20; zip bombs reach 1000.
LARGEST_RATIO = 200
SMALL = 10_000_000
MOST_MEMBERS = 50_000
# Raised by zipfile for members that are damaged, encrypted or compressed by an unknown method.
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError)


class Archive(Protocol):
    """A zip file, or a folder with the same interface."""

    def namelist(self) -> list[str]: ...

    def read(self, name: str, /) -> bytes: ...


@contextmanager
def opened_archive(path: Path) -> Iterator[Archive]:
    """Open a zip file, or a folder with its contents, after checks. Raises UserError if it is truncated, is a zip bomb,
    or has member names that point outside it."""
    if path.is_dir():
        yield _Folder(path)
        return
    try:
        archive = zipfile.ZipFile(path)
    except DAMAGED as error:
        raise UserError(f"{path}: is a damaged or truncated zip file ({error}). Get a new copy.") from error
    with archive:
        _check(archive, path)
        yield archive


def read_member(archive: Archive, name: str, path: Path, *, signs: bool = False) -> bytes:
    """The bytes of one member. Raises UserError if it is missing or damaged, or declares XML entities; with `signs`,
    entities that stand for characters are expanded instead."""
    try:
        content = archive.read(name)
    except KeyError as error:
        raise UserError(f"{path}: the part {name} is missing. The file is incomplete; get a new copy.") from error
    except DAMAGED as error:
        raise UserError(f"{path}: the part {name} is damaged or encrypted ({error}). Get a new copy.") from error
    if signs:
        return with_signs(content, f"{path}: the part {name}")
    refuse_entities(content, f"{path}: the part {name}")
    return content


class _Folder:
    """The files of a folder, except links that lead out of it."""

    def __init__(self, path: Path) -> None:
        self._root = path.resolve()
        files = [file for file in files_in(path) if file.resolve().is_relative_to(self._root) and file.is_file()]
        self._files = {file.relative_to(path).as_posix(): file for file in files}
        if len(files) > MOST_MEMBERS or sum(file.stat().st_size for file in files) > LARGEST_UNPACKED:
            raise UserError(
                f"{path}: has more than {MOST_MEMBERS:,} files or {LARGEST_UNPACKED:,} bytes, too many for a book. "
                "Name the individual books in it."
            )

    def namelist(self) -> list[str]:
        return list(self._files)

    def read(self, name: str, /) -> bytes:
        return self._files[name].read_bytes()


def _check(archive: zipfile.ZipFile, path: Path) -> None:
    members = archive.infolist()
    if len(members) > MOST_MEMBERS:
        raise UserError(f"{path}: has {len(members):,} files; the limit for a book is {MOST_MEMBERS:,}.")
    outside = member_outside(archive)
    if outside is not None:
        raise UserError(f"{path}: has a member outside its folder ({outside!r}). Get it from a trusted source.")
    unpacked, packed = sum(member.file_size for member in members), max(path.stat().st_size, 1)
    if unpacked > LARGEST_UNPACKED or (unpacked > SMALL and unpacked > LARGEST_RATIO * packed):
        raise UserError(
            f"{path}: unpacks from {packed:,} to {unpacked:,} bytes and may be a zip bomb. The limits are "
            f"{LARGEST_UNPACKED:,} bytes and {LARGEST_RATIO} times the packed size. Get it from a trusted source."
        )
