"""The Python of the documents runs, on the smoke study and its model."""

import pytest
from documented_blocks import blocks

pytestmark = pytest.mark.slow


@pytest.fixture
def readers_folder(smoke, tmp_path, monkeypatch):
    """A folder with the study, the model and the text that the documents name."""
    study = smoke.folder / "results" / "smoke"
    for name, there in (
        ("results/default", study),
        ("resources/models/smollm2-135m-instruct", study / "initial_model"),
    ):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).symlink_to(there)
    (tmp_path / "notes.txt").write_text("A dog is an animal. It barks at the moon. " * 20, encoding="utf-8")
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("document", sorted({path.name for path, _ in blocks("python")}))
def test_documented_python_runs(readers_folder, document):
    """Catches an example with a function or argument that was renamed; those of a document share their names."""
    names = {}
    for path, text in blocks("python"):
        if path.name == document:
            exec(compile(text, document, "exec"), names)
