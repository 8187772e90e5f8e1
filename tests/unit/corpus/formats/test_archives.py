"""Document archives: limits on members and sizes, and parts that are missing, damaged or dangerous."""

import zipfile

import pytest
from sample_files import written, zipped

from localist.corpus.formats import archives
from localist.corpus.formats.archives import opened_archive, read_member
from localist.plumbing.errors import UserError


def test_members_are_read_unchanged(tmp_path):
    """Catches content that is changed or taken from another member."""
    path = zipped(tmp_path / "a.zip", {"one.xml": "<one/>", "b/two.bin": b"\0\xff"})
    with opened_archive(path) as archive:
        assert read_member(archive, "one.xml", path) == b"<one/>"
        assert read_member(archive, "b/two.bin", path) == b"\0\xff"


def refused(path, name="one.xml"):
    with pytest.raises(UserError, match=path.name) as caught, opened_archive(path) as archive:
        read_member(archive, name, path)
    return str(caught.value)


def test_a_file_that_is_not_a_zip_is_refused(tmp_path):
    """Catches a traceback for a broken download."""
    assert "damaged or truncated" in refused(written(tmp_path / "a.zip", b"PK\x03\x04 and no more"))


def test_a_missing_part_is_named(tmp_path):
    """Catches a KeyError without the file's name."""
    assert "the part two.xml is missing" in refused(zipped(tmp_path / "a.zip", {"one.xml": "x"}), "two.xml")


def test_a_part_with_a_wrong_checksum_is_refused(tmp_path):
    """Catches damaged text read as if it were intact."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("one.xml", "some words")
    written(path, path.read_bytes().replace(b"some words", b"some swords"[:10]))
    assert "one.xml is damaged or encrypted" in refused(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_part_that_declares_entities_is_refused(tmp_path, encoding):
    """Catches undetected entity declarations in UTF-8 or UTF-16."""
    content = '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'.encode(encoding)
    assert "declares XML entities" in refused(zipped(tmp_path / "a.zip", {"one.xml": content}))


@pytest.mark.parametrize(("members", "fits"), [(3, True), (4, False)])
def test_the_number_of_members_is_limited(tmp_path, monkeypatch, members, fits):
    """Catches an archive with too many members to list in reasonable time."""
    monkeypatch.setattr(archives, "MOST_MEMBERS", 3)
    path = zipped(tmp_path / "a.zip", {"one.xml": "x"} | {f"{number}": "" for number in range(members - 1)})
    if fits:
        with opened_archive(path) as archive:
            assert read_member(archive, "one.xml", path) == b"x"
    else:
        assert "has 4 files; the limit for a book is 3" in refused(path)


@pytest.mark.parametrize(
    ("limit", "size", "fits"),
    [
        ({"LARGEST_UNPACKED": 1000}, 1000, True),
        ({"LARGEST_UNPACKED": 1000}, 1001, False),
        ({"SMALL": 1000, "LARGEST_RATIO": 2}, 1000, True),  # small files may have any compression ratio
        ({"SMALL": 1000, "LARGEST_RATIO": 2}, 1001, False),
        ({"SMALL": 1000, "LARGEST_RATIO": 20}, 1001, True),
    ],
)
def test_the_unpacked_size_is_limited(tmp_path, monkeypatch, limit, size, fits):
    """Catches zip bombs that are read, and harmless archives refused; 1000 NULs compress to about 120 bytes."""
    for name, value in limit.items():
        monkeypatch.setattr(archives, name, value)
    path = zipped(tmp_path / "a.zip", {"one.xml": bytes(size)})
    if fits:
        with opened_archive(path) as archive:
            assert read_member(archive, "one.xml", path) == bytes(size)
    else:
        assert f"to {size:,} bytes" in refused(path)


def test_a_member_outside_the_archive_is_refused(tmp_path):
    """Catches a member path outside the archive that is ignored because the other members are fine."""
    message = refused(zipped(tmp_path / "a.zip", {"one.xml": "x", "../two.xml": "y"}))
    assert "outside its folder ('../two.xml')" in message
