"""House rules of the rule files: rule, script and module list share a name; each has its log, timing and needs."""

import re

import pytest
from conftest import BASE

RULES = {
    name: body
    for path in sorted((BASE / "workflow" / "rules").glob("*.smk"))
    for name, body in re.findall(r"^rule (\w+):\n(.*?)(?=^\S|\Z)", path.read_text(encoding="utf-8"), re.M | re.S)
}


@pytest.mark.parametrize("name", sorted(RULES))
def test_rule_follows_the_house_rules(name):
    """Catches a script or module list pasted from another rule, shared logs, and rules without stated needs."""
    body = RULES[name]
    assert f'script:\n        "../../scripts/{name}.py"' in body
    assert f'code=modules_of("{name}")' in body
    assert len(re.findall(rf'log:\n        "[^"]*logs/{name}[./]', body)) == 1
    assert len(re.findall(rf'benchmark:\n        "[^"]*benchmarks/{name}[./]', body)) == 1
    assert "mem_mb=" in body and "runtime=" in body and "conda:" in body


def test_every_script_has_its_rule():
    """Catches scripts that nothing runs."""
    assert {path.stem for path in (BASE / "scripts").glob("*.py")} == set(RULES)
