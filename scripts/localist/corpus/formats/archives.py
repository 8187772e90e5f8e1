"""Zip files of documents (EPUB, DOCX), read member by member and never unpacked to disk, and unpacked ones."""

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
# Compression ratios: text seldom exceeds 20; zip bombs reach 1000.
LARGEST_RATIO = 200
SMALL = 10_000_000
MOST_MEMBERS = 50_000
# Raised by zipfile for members that are damaged, encrypted or of an unknown compression.
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError)


class Archive(Protocol):
    """A zip file, or a folder that is read like one."""

    def namelist(self) -> list[str]: ...

    def read(self, name: str, /) -> bytes: ...


@contextmanager
def opened_archive(path: Path) -> Iterator[Archive]:
    """Open a zip file, or a folder that holds what one would, after checks. Raises UserError for one that is
    truncated, is a zip bomb, or has names that point outside it."""
    if path.is_dir():
        yield _Folder(path)
        return
    try:
        archive = zipfile.ZipFile(path)
    except DAMAGED as error:
        raise UserError(f"{path}: is a damaged or truncated zip file ({error}). Get it again.") from error
    with archive:
        _check(archive, path)
        yield archive


def read_member(archive: Archive, name: str, path: Path, *, signs: bool = False) -> bytes:
    """The bytes of one member. Raises UserError where it is missing or damaged, or declares XML entities; with `signs`,
    those that are signs are put in instead."""
    try:
        content = archive.read(name)
    except KeyError as error:
        raise UserError(f"{path}: lacks its part {name}. The file is incomplete; get it again.") from error
    except DAMAGED as error:
        raise UserError(f"{path}: its part {name} is damaged or encrypted ({error}). Get it again.") from error
    if signs:
        return with_signs(content, f"{path}: its part {name}")
    refuse_entities(content, f"{path}: its part {name}")
    return content


class _Folder:
    """The files of a folder, links out of it left out."""

    def __init__(self, path: Path) -> None:
        self._root = path.resolve()
        files = [file for file in files_in(path) if file.resolve().is_relative_to(self._root) and file.is_file()]
        self._files = {file.relative_to(path).as_posix(): file for file in files}
        if len(files) > MOST_MEMBERS or sum(file.stat().st_size for file in files) > LARGEST_UNPACKED:
            raise UserError(
                f"{path}: holds more than {MOST_MEMBERS:,} files or {LARGEST_UNPACKED:,} bytes, as no book does. "
                "Name the books in it."
            )

    def namelist(self) -> list[str]:
        return list(self._files)

    def read(self, name: str, /) -> bytes:
        return self._files[name].read_bytes()


def _check(archive: zipfile.ZipFile, path: Path) -> None:
    members = archive.infolist()
    if len(members) > MOST_MEMBERS:
        raise UserError(f"{path}: holds {len(members):,} files, more than the {MOST_MEMBERS:,} of any book.")
    outside = member_outside(archive)
    if outside is not None:
        raise UserError(f"{path}: has a file outside its own folder ({outside!r}). Get it from elsewhere.")
    unpacked, packed = sum(member.file_size for member in members), max(path.stat().st_size, 1)
    if unpacked > LARGEST_UNPACKED or (unpacked > SMALL and unpacked > LARGEST_RATIO * packed):
        raise UserError(
            f"{path}: unpacks from {packed:,} to {unpacked:,} bytes, as archives made to do harm do. It is not "
            f"read: at most {LARGEST_UNPACKED:,} bytes and {LARGEST_RATIO} times its size. Get it from elsewhere."
        )
