"""Which modules a script imports, against what Python really imports; what the workflow's start imports."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from localist.source_files import imported_modules

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "scripts"
HEAVY = {"torch", "transformers", "sentence_transformers", "pandas", "sklearn", "matplotlib", "numpy", "tokenizers"}


def loaded(code: str) -> set[str]:
    """The modules that a fresh interpreter holds after `code`."""
    code = f"import sys\nsys.path.insert(0, {str(SCRIPTS)!r})\n{code}\nprint(*sorted(sys.modules), sep='\\n')"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(result.stdout.split())


@pytest.mark.parametrize(
    "script",
    ["plot_schedules", "collect_metrics", "segment_corpus", "describe_study", "fetch_corpus"],
)
def test_the_modules_found_are_those_that_are_imported(script):
    """Catches a module that a script uses but does not depend on: editing it would leave old results in place."""
    really = {name for name in loaded(f"import {script}") if name.startswith("localist.")}
    found = imported_modules(SCRIPTS / f"{script}.py")
    assert {f"localist.{path.stem}" for path in found} == really
    assert all(path.is_file() for path in found)
    assert found == sorted(found)


@pytest.mark.parametrize("script", sorted(path.stem for path in SCRIPTS.glob("*.py")))
def test_every_module_that_is_named_is_found(script):
    """Catches a way of importing that the search overlooks, in any script or in a module that it imports."""
    found = {path.stem for path in imported_modules(SCRIPTS / f"{script}.py")}
    modules = {path.stem for path in (SCRIPTS / "localist").glob("*.py")}
    for path in [SCRIPTS / f"{script}.py", *(SCRIPTS / "localist" / f"{name}.py" for name in found)]:
        text = path.read_text(encoding="utf-8")
        named = set(re.findall(r"^\s*(?:from|import) localist\.(\w+)", text, re.MULTILINE))
        for names in re.findall(r"^\s*from localist import (.+)$", text, re.MULTILINE):
            named |= set(re.findall(r"\w+", names)) & modules
        assert named <= found, f"{path.name} imports more than was found"


def test_indirect_lazy_and_circular_imports_are_found(tmp_path):
    """Catches a search that stops at the first level, skips imports inside functions, or never ends."""
    package = tmp_path / "localist"
    package.mkdir()
    (package / "a.py").write_text("from localist.b import x\n")
    (package / "b.py").write_text("def f():\n    from localist.c import y\n    return y\n")
    (package / "c.py").write_text("import json\nfrom localist.a import z\n")
    (package / "unused.py").write_text("")
    (tmp_path / "script.py").write_text("import os\nfrom pathlib import Path\nfrom localist.a import x\n")
    found = imported_modules(tmp_path / "script.py")
    assert found == [package / "a.py", package / "b.py", package / "c.py"]


def test_the_workflow_starts_without_heavy_imports():
    """Catches a heavy library at the start of the workflow, where every command, a dry run included, waits for it."""
    rules = [ROOT / "Snakefile", *(ROOT / "workflow" / "rules").glob("*.smk")]
    pattern = re.compile(r"^from (localist\.\w+) import", re.MULTILINE)
    needed = {name for path in rules for name in pattern.findall(path.read_text(encoding="utf-8"))}
    assert needed >= {f"localist.{name}" for name in ("arms", "config", "errors", "resources", "source_files")}
    assert not loaded(f"import {', '.join(sorted(needed))}") & HEAVY
