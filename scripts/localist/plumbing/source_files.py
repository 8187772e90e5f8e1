"""Finds the modules that determine a script's results, so that editing one reruns exactly what depends on it."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from jinja2 import Environment
from jinja2.meta import find_referenced_templates

PACKAGE = "localist"
# The folder whose modules do not determine results: messages, logs, file writing, signals, the job environment,
# provenance. They are neither inputs of rules nor part of the hash that names checkpoints, since a reworded message
# must not retrain every model. tests/unit/plumbing/test_fixed_bytes.py pins the bytes that they write.
LEFT_OUT = "plumbing"


def imported_modules(script: Path) -> list[Path]:
    """The package's module files that `script` imports, directly or indirectly, sorted; without those of LEFT_OUT."""
    package = Path(script).parent / PACKAGE
    found: set[Path] = set()
    waiting = [Path(script)]
    while waiting:
        for module in _direct_imports(waiting.pop(), package):
            if module not in found and package / LEFT_OUT not in module.parents:
                found.add(module)
                waiting.append(module)
    return sorted(found)


def used_templates(template: Path) -> list[Path]:
    """A template, and the templates in its folder that it extends, imports or includes, directly or indirectly."""
    found = [Path(template)]
    for path in found:
        parsed = Environment().parse(path.read_text(encoding="utf-8"))
        others = (path.with_name(name) for name in find_referenced_templates(parsed) if name)
        found += [other for other in dict.fromkeys(others) if other not in found]
    return found


@cache
def _direct_imports(path: Path, package: Path) -> tuple[Path, ...]:
    names = set()
    for node in _statements(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(f"{PACKAGE}."):
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    paths = (package.parent / f"{name.replace('.', '/')}.py" for name in sorted(names))
    return tuple(path for path in paths if path.is_file())


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """The statements below a node. Imports are statements: walking expressions too would take several times as long."""
    for field in ("body", "orelse", "finalbody", "handlers", "cases"):
        for child in getattr(node, field, ()):
            yield child
            yield from _statements(child)
