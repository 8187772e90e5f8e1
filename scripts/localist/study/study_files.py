"""Detects mistakes in a study file that parsing would hide."""

from collections.abc import Iterator
from pathlib import Path

import yaml

from localist.plumbing.errors import UserError


def refuse_repeated_keys(path: Path) -> None:
    """Raises UserError, with key and lines, for a repeated key, whose first value YAML would silently drop.

    Invalid YAML is left for Snakemake to report.
    """
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return
    for key, line, first in _repeated_keys(node):
        raise UserError(f"{path}, line {line}: the key {key} is already set in line {first}. Keep one of the two.")


def _repeated_keys(node: yaml.Node | None) -> Iterator[tuple[str, int, int]]:
    """Key, line and first line of every repeated key."""
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _repeated_keys(item)
    if isinstance(node, yaml.MappingNode):
        lines: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if isinstance(key, yaml.ScalarNode):
                if key.value in lines:
                    yield key.value, line, lines[key.value]
                lines.setdefault(key.value, line)
            yield from _repeated_keys(value)
