"""Zip files of documents (EPUB, DOCX), read member by member and never unpacked to disk."""

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from localist.plumbing.errors import UserError
from localist.plumbing.zip_files import member_outside

LARGEST_UNPACKED = 500_000_000
# Compression ratios: text seldom exceeds 20; zip bombs reach 1000.
LARGEST_RATIO = 200
SMALL = 10_000_000
MOST_MEMBERS = 50_000
# Raised by zipfile for members that are damaged, encrypted or of an unknown compression.
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError)


@contextmanager
def opened_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip file after checks. Raises UserError for one that is truncated, is a zip bomb, or has names that point
    outside it."""
    try:
        archive = zipfile.ZipFile(path)
    except DAMAGED as error:
        raise UserError(f"{path}: is a damaged or truncated zip file ({error}). Get it again.") from error
    with archive:
        _check(archive, path)
        yield archive


def read_member(archive: zipfile.ZipFile, name: str, path: Path) -> bytes:
    """The bytes of one member. Raises UserError where it is missing or damaged, or declares XML entities."""
    try:
        content = archive.read(name)
    except KeyError as error:
        raise UserError(f"{path}: lacks its part {name}. The file is incomplete; get it again.") from error
    except DAMAGED as error:
        raise UserError(f"{path}: its part {name} is damaged or encrypted ({error}). Get it again.") from error
    if b"<!ENTITY" in content.replace(b"\0", b""):
        raise UserError(
            f"{path}: its part {name} declares XML entities, which no book needs and which can fill the memory. "
            "It is not read; save it again with another program."
        )
    return content


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
