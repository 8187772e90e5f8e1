"""Conda environments, direct requirements and lock file pin the same versions, and exactly what the rules import."""

import ast
import re
import sys
from importlib.metadata import packages_distributions

import pytest
import yaml
from checkout import ROOT, SCRIPTS

from localist.plumbing.source_files import imported_modules


def pins(text):
    return dict(re.findall(r"^([A-Za-z0-9_.-]+)==(\S+)$", text, re.MULTILINE))


LOCK = pins((ROOT / "requirements.txt").read_text(encoding="utf-8"))


def test_direct_requirements_equal_the_lock():
    """Catches a version that was changed in only one of the files."""
    direct = pins((ROOT / "requirements.in").read_text(encoding="utf-8"))
    assert direct and all(LOCK[name] == version for name, version in direct.items())


@pytest.mark.parametrize("name", ["analysis", "training"])
def test_conda_environments_equal_the_lock(name):
    """Catches cluster jobs that run with other package versions than local ones."""
    environment = yaml.safe_load((ROOT / "envs" / f"{name}.yaml").read_text(encoding="utf-8"))
    packages = pins("\n".join(environment["dependencies"][-1]["pip"]))
    assert packages and all(LOCK[package] == version for package, version in packages.items())


# Module → the packages that provide it.
PROVIDERS = packages_distributions()


def rules_by_environment():
    """Environment → rules, from the rule files."""
    found = {}
    for path in sorted((ROOT / "workflow" / "rules").glob("*.smk")):
        text = path.read_text(encoding="utf-8")
        found.setdefault("analysis", []).extend(re.findall(r"^use rule plot_figure as (\w+) with:", text, re.M))
        for name, body in re.findall(r"^rule (\w+):\n(.*?)(?=^\S|\Z)", text, re.M | re.S):
            if name == "plot_figure":
                continue
            found.setdefault(re.search(r'conda:\n\s+"\S*/(\w+)\.yaml"', body)[1], []).append(name)
    return found


def executed(node):
    """All nodes of a syntax tree, except the contents of `if TYPE_CHECKING:`."""
    yield node
    if not (isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"):
        for child in ast.iter_child_nodes(node):
            yield from executed(child)


def pinned(environment):
    file = yaml.safe_load((ROOT / "envs" / f"{environment}.yaml").read_text(encoding="utf-8"))
    return {name.lower() for name in pins("\n".join(file["dependencies"][-1]["pip"]))}


def imported(rule):
    """Third-party modules that a rule's script imports, directly or through the package.

    Plumbing is part of every rule, except the screen, which Snakemake itself loads.
    """
    script = SCRIPTS / f"{rule}.py"
    plumbing = {path for path in (SCRIPTS / "localist" / "plumbing").glob("*.py") if path.name != "run_screen.py"}
    found = set()
    for path in (script, *imported_modules(script), *sorted(plumbing)):
        for node in executed(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found.update(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                found.add(node.module.partition(".")[0])
    return found - set(sys.stdlib_module_names) - {"localist"}


def providers(module):
    return {name.lower() for name in PROVIDERS[module]}


@pytest.mark.parametrize(
    ("environment", "rule"), [(e, rule) for e, rules in rules_by_environment().items() for rule in rules]
)
def test_an_environment_provides_all_imports_of_its_rules(environment, rule):
    """Catches a cluster job that fails on an import missing from its conda environment."""
    for module in imported(rule):
        assert pinned(environment) & providers(module), f"{environment} lacks {module}"


@pytest.mark.parametrize(("environment", "rules"), rules_by_environment().items())
def test_an_environment_pins_only_what_its_rules_import(environment, rules):
    """Catches an unused pin. transformers needs accelerate and gguf to read GGUF; pandas needs pyarrow for Parquet."""
    used = {name for rule in rules for module in imported(rule) for name in providers(module)}
    assert pinned(environment) - used - {"accelerate", "gguf", "pyarrow"} == set()
