"""Names in zip files that lead outside the archive."""

import io
import zipfile

import pytest

from localist.plumbing.zip_files import member_outside


def archive_with(*names: str) -> zipfile.ZipFile:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return zipfile.ZipFile(buffer)


@pytest.mark.parametrize(
    "name", ["../a", "a/../../b", "a/..", "/a", "\\a", "..\\a", "a\\..\\..\\b", "C:a", "C:\\a", "//server/share/a"]
)
def test_a_name_outside_the_archive_is_found(name):
    """Catches path traversal in any spelling, also after a harmless name."""
    assert member_outside(archive_with("a/good.txt", name)) == name


@pytest.mark.parametrize("name", ["a", "a/b.txt", "a..b/..c", "folder/", "a/chapter:1.xhtml", "a\\b"])
def test_a_harmless_name_is_accepted(name):
    """Catches books and wheels refused for harmless dots and colons."""
    assert member_outside(archive_with(name)) is None
