"""House rules of the rule files: rule, script and module list share a name; each has log, timing and resources."""

import re

import pytest
from conftest import BASE

RULE = re.compile(r"^rule (\w+):\n(.*?)(?=^\S|\Z)", re.M | re.S)
FIGURE = re.compile(r"^use rule plot_figure as (\w+) with:\n(.*?)(?=^\S|\Z)", re.M | re.S)
TEXT = "\n".join(path.read_text(encoding="utf-8") for path in sorted((BASE / "workflow" / "rules").glob("*.smk")))
RULES = {name: body for name, body in RULE.findall(TEXT) if name != "plot_figure"}
FIGURES = dict(FIGURE.findall(TEXT))


@pytest.mark.parametrize("name", sorted(RULES))
def test_rule_follows_the_house_rules(name):
    """Catches a script or module list copied from another rule, shared logs, and rules without resource requests."""
    body = RULES[name]
    assert f'script:\n        "../../scripts/{name}.py"' in body
    assert f'code=modules_of("{name}")' in body
    assert len(re.findall(rf'log:\n        "[^"]*logs/{name}[./]', body)) == 1
    assert len(re.findall(rf'benchmark:\n        "[^"]*benchmarks/{name}[./]', body)) == 1
    assert "mem_mb=" in body and "runtime=" in body and "conda:" in body


@pytest.mark.parametrize("name", sorted(FIGURES))
def test_figure_has_its_own_name_and_caption(name):
    """Catches a module list, file name or caption copied from another figure, and figures queued on a cluster."""
    figure = name.removeprefix("plot_")
    assert f'code=modules_of("{name}")' in FIGURES[name]
    assert f'**figure("{figure}",' in FIGURES[name]
    assert (BASE / "workflow" / "report" / f"{figure}.rst").is_file()
    assert re.search(rf"^localrules:\n(?:    \w+,\n)*    {name},$", TEXT, re.M)


def test_every_script_has_its_rule():
    """Catches scripts that no rule runs."""
    assert {path.stem for path in (BASE / "scripts").glob("*.py")} == {*RULES, *FIGURES}
