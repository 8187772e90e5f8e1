"""The modules found for a script against those that Python imports; the imports at the workflow's start."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from checkout import ROOT

from localist.plumbing.source_files import imported_modules, used_templates

SCRIPTS = ROOT / "scripts"
HEAVY = {"torch", "transformers", "sentence_transformers", "sklearn", "scipy", "matplotlib", "tokenizers"}


def loaded(code: str) -> set[str]:
    """The modules loaded in a fresh interpreter after `code`."""
    code = f"import sys\nsys.path.insert(0, {str(SCRIPTS)!r})\n{code}\nprint(*sorted(sys.modules), sep='\\n')"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(result.stdout.split())


def path_of(module: str) -> str:
    return f"{module.replace('.', '/')}.py"


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(SCRIPTS).with_suffix("").parts)


@pytest.mark.parametrize(
    "script",
    ["plot_schedules", "collect_metrics", "split_sentences", "describe_study", "fetch_resource"],
)
def test_modules_found_are_those_imported(script):
    """Catches a module that a script uses but does not depend on: editing it would leave old results in place."""
    really = {name for name in loaded(f"import {script}") if name.startswith("localist.")}
    found = imported_modules(SCRIPTS / f"{script}.py")
    loaded_files = {name for name in really if (SCRIPTS / path_of(name)).is_file()}
    assert {dotted(path) for path in found} == {name for name in loaded_files if ".plumbing." not in name}
    assert all(path.is_file() for path in found)
    assert found == sorted(found)


@pytest.mark.parametrize("script", sorted(path.stem for path in SCRIPTS.glob("*.py")))
def test_every_import_statement_is_found(script):
    """Catches a form of import that the search overlooks, in any script or in a module that it imports."""
    found = imported_modules(SCRIPTS / f"{script}.py")
    for path in (SCRIPTS / f"{script}.py", *found):
        text = path.read_text(encoding="utf-8")
        named = set(re.findall(r"^\s*(?:from|import) (localist\.[\w.]+)", text, re.MULTILINE))
        for room, names in re.findall(r"^\s*from (localist[\w.]*) import (.+)$", text, re.MULTILINE):
            named |= {f"{room}.{name}" for name in re.findall(r"\w+", names)}
        modules = {SCRIPTS / path_of(name) for name in named if (SCRIPTS / path_of(name)).is_file()}
        missing = {module for module in modules - set(found) if "plumbing" not in module.parts}
        assert not missing, f"{path.name} imports more than was found"


def test_indirect_lazy_and_circular_imports_are_found(tmp_path):
    """Catches a search that stops at the first level, skips imports inside functions or of modules, or never ends."""
    room = tmp_path / "localist" / "room"
    room.mkdir(parents=True)
    (room / "a.py").write_text("from localist.room.b import x\n")
    (room / "b.py").write_text("def f():\n    from localist.room import c\n    return c\n")
    (room / "c.py").write_text("import json\nfrom localist.room.a import z\n")
    (room / "unused.py").write_text("")
    (tmp_path / "script.py").write_text("import os\nfrom pathlib import Path\nfrom localist.room.a import x\n")
    found = imported_modules(tmp_path / "script.py")
    assert found == [room / "a.py", room / "b.py", room / "c.py"]


def test_indirectly_used_templates_are_found(tmp_path):
    """Catches a template that a page uses but does not depend on: editing it would leave the old page in place."""
    (tmp_path / "page.html.j2").write_text('{% extends "base.html.j2" %}{% import "tables.html.j2" as tables %}')
    (tmp_path / "base.html.j2").write_text('{% include "style.html.j2" %}{# {% include "comment.html.j2" %} #}')
    (tmp_path / "tables.html.j2").write_text('{% from "base.html.j2" import x %}')
    (tmp_path / "style.html.j2").write_text("")
    (tmp_path / "unused.html.j2").write_text("")
    found = used_templates(tmp_path / "page.html.j2")
    assert found[0] == tmp_path / "page.html.j2"
    assert {path.name.split(".")[0] for path in found} == {"page", "base", "tables", "style"}


def test_the_workflow_starts_without_heavy_imports():
    """Catches a heavy import at the start of the workflow, which delays every command, even a dry run."""
    rules = [ROOT / "Snakefile", *(ROOT / "workflow" / "rules").glob("*.smk")]
    pattern = re.compile(r"^from (localist\.[\w.]+) import", re.MULTILINE)
    needed = {name for path in rules for name in pattern.findall(path.read_text(encoding="utf-8"))}
    assert needed >= {"localist.study.arms", "localist.study.config", "localist.plumbing.source_files"}
    assert not loaded(f"import {', '.join(sorted(needed))}") & HEAVY
