"""Files that are written completely or not at all."""

import json
from pathlib import Path

import pytest

from localist.plumbing.errors import UserError
from localist.plumbing.files import check_complete, check_path, read_json, replacing, write_json


def listing(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_failure_leaves_the_old_file(tmp_path):
    """Catches a partial result that the next rule would take for a complete one, and leftover temporary files."""
    path = tmp_path / "table.csv"
    path.write_text("old")
    with pytest.raises(RuntimeError, match="disk"), replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError("disk full")
    assert path.read_text() == "old"
    assert listing(tmp_path) == ["table.csv"]


def test_a_failure_leaves_the_old_folder(tmp_path):
    """Catches a model folder that is deleted before the new one is complete."""
    path = tmp_path / "model"
    path.mkdir()
    (path / "weights").write_text("old")
    with pytest.raises(KeyboardInterrupt), replacing(path) as temporary:
        temporary.mkdir()
        (temporary / "weights").write_text("half")
        raise KeyboardInterrupt
    assert (path / "weights").read_text() == "old"
    assert listing(tmp_path) == ["model"]


@pytest.mark.parametrize("is_folder", [False, True])
def test_writing_nothing_leaves_the_old_result(tmp_path, is_folder):
    """Catches an old result that is deleted although nothing replaces it."""
    path = tmp_path / "result"
    if is_folder:
        path.mkdir()
    else:
        path.write_text("old")
    with pytest.raises(FileNotFoundError), replacing(path):
        pass
    assert listing(tmp_path) == ["result"]


@pytest.mark.parametrize("name", ["table.csv", "archive.tar.gz", "noSuffix"])
def test_a_success_replaces_the_file(tmp_path, name):
    """Catches a temporary file in another folder or with another suffix, by which writers choose the format."""
    path = tmp_path / "deep" / "er" / name
    for content in ("one", "two"):
        with replacing(path) as temporary:
            assert temporary.parent == path.parent
            assert temporary.suffix == path.suffix or not path.suffix
            assert temporary != path
            temporary.write_text(content)
        assert path.read_text() == content
    assert listing(path.parent) == [name]


def test_a_success_replaces_the_whole_folder(tmp_path):
    """Catches files of the old folder that survive in the new one."""
    path = tmp_path / "model"
    for name in ("old", "new"):
        with replacing(path) as temporary:
            temporary.mkdir()
            (temporary / name).write_text(name)
    assert listing(path) == ["new"]
    assert listing(tmp_path) == ["model"]


def test_a_leftover_temporary_folder_is_discarded(tmp_path):
    """Catches a run that fails, or mixes in old content, after an earlier run was killed."""
    path = tmp_path / "model"
    with replacing(path) as temporary:
        temporary.mkdir()
        (temporary / "new").touch()
        name = temporary.name
    (tmp_path / name).mkdir()
    (tmp_path / name / "stale").touch()
    with replacing(path) as temporary:
        temporary.mkdir()
        (temporary / "newer").touch()
    assert listing(path) == ["newer"]
    assert listing(tmp_path) == ["model"]


def test_equal_contents_give_equal_bytes(tmp_path):
    """Catches JSON that depends on insertion order, or that cannot be read back."""
    write_json(tmp_path / "a.json", {"b": [1, None], "a": "λ"})
    write_json(tmp_path / "b.json", {"a": "λ", "b": [1, None]})
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert "λ" in (tmp_path / "a.json").read_text(encoding="utf-8")
    assert read_json(tmp_path / "a.json") == json.loads('{"a": "λ", "b": [1, null]}')


def test_paths_are_checked_before_use(tmp_path: Path) -> None:
    """Catches an error for a missing or empty path that does not name the setting."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty.txt").touch()
    assert check_path(tmp_path, "model.source.path") == tmp_path
    for name, message in (("gone", "does not exist"), ("empty", "is empty"), ("empty.txt", "is empty")):
        with pytest.raises(UserError, match=rf"model\.source\.path.*{message}"):
            check_path(tmp_path / name, "model.source.path")


def test_an_incomplete_folder_is_reported_with_the_remedy(tmp_path):
    """Catches a traceback at every start because Snakemake takes an incomplete folder for a result."""
    folder = tmp_path / "train"
    folder.mkdir()
    (folder / "a.npy").touch()
    check_complete(folder, ["a.npy"])
    with pytest.raises(UserError, match=f"{folder} lacks b.npy, c.npy"):
        check_complete(folder, ["a.npy", "b.npy", "c.npy"])
    (folder / ".snakemake_timestamp").touch()
    with pytest.raises(UserError, match=f"delete the folder {folder}; the next run recreates it"):
        check_complete(folder, ["a.npy", "b.npy", "c.npy"])
