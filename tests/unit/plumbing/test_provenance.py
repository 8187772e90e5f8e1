"""Provenance: hashes that distinguish contents, and the installed versions."""

import os
import platform
from importlib.metadata import version

from localist.plumbing import provenance
from localist.plumbing.provenance import PACKAGES, content_hash, noted_content_hash, package_versions, processor


def filled(folder, files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


FILES = {"config.json": b"{}", "weights.bin": b"123", "sub/extra.txt": b"x"}


def test_the_hash_depends_only_on_content_and_names(tmp_path):
    """Catches hashes that depend on location or order of creation, and so differ between machines."""
    one = filled(tmp_path / "one", FILES)
    other = filled(tmp_path / "elsewhere" / "two", dict(reversed(FILES.items())))
    assert content_hash([one]) == content_hash([other])


def test_a_cached_resource_has_the_same_hash(tmp_path):
    """Catches a hash that skips linked folders or includes Snakemake's timestamp: both differ between studies."""
    one = filled(tmp_path / "one", FILES)
    other = filled(tmp_path / "other", {".snakemake_timestamp": b""})
    for path in one.iterdir():
        (other / path.name).symlink_to(path)
    (tmp_path / "link").symlink_to(one)
    assert content_hash([one]) == content_hash([other]) == content_hash([tmp_path / "link"])


def test_every_change_changes_the_hash(tmp_path):
    """Catches undetected changes: content, a name, an additional file, a byte moved to the next file."""
    variants = [
        FILES,
        FILES | {"weights.bin": b"124"},
        FILES | {"more.txt": b""},
        FILES | {"sub/extra.txt": b"y"},
        {"config.json": b"{}", "weights.txt": b"123", "sub/extra.txt": b"x"},
        FILES | {"config.json": b"{}1", "weights.bin": b"23"},
    ]
    hashes = {content_hash([filled(tmp_path / str(number), files)]) for number, files in enumerate(variants)}
    assert len(hashes) == len(variants)


def test_single_files_are_hashed_too(tmp_path):
    """Catches a single file that is skipped like an empty folder."""
    folder = filled(tmp_path, FILES)
    assert content_hash([folder / "config.json"]) != content_hash([folder / "weights.bin"])
    assert content_hash([folder / "config.json"]) != content_hash([])


def test_a_noted_hash_matches_the_content(tmp_path, monkeypatch):
    """Catches a note that hides a change with unchanged size and time behind a link, and a note that is never used."""
    notes, kept = tmp_path / "notes.json", filled(tmp_path / "kept", FILES)
    folder = tmp_path / "folder"
    folder.mkdir()
    for path in kept.iterdir():
        (folder / path.name).symlink_to(path)
    first = noted_content_hash(folder, notes)
    assert first == content_hash([folder])
    weights = kept / "weights.bin"
    times = weights.stat()
    weights.write_bytes(b"124")
    os.utime(weights, ns=(times.st_atime_ns, times.st_mtime_ns))
    changed = noted_content_hash(folder, notes)
    assert changed == content_hash([folder]) != first
    monkeypatch.setattr(provenance, "content_hash", lambda _: "read again")
    assert noted_content_hash(folder, notes) == changed
    assert noted_content_hash(kept, notes) == "read again"


def test_versions_are_those_installed():
    """Catches a recorded package that is not installed under that name."""
    versions = package_versions()
    assert versions["python"] == platform.python_version()
    assert {name: versions[name] for name in PACKAGES} == {name: version(name) for name in PACKAGES}


def test_the_processor_is_named():
    """Catches an empty entry: equal bytes are guaranteed only for equal processors."""
    assert processor().strip()
