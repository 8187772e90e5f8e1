"""Templates: values escaped, only declared templates used, and no value missing."""

import re

import pytest
from checkout import ROOT, SCRIPTS, TEMPLATES, templates
from jinja2 import TemplateNotFound, UndefinedError

from localist.plumbing.source_files import imported_modules
from localist.report.templates import render


def written(folder, **files):
    """Write templates, by stem; returns their paths in order."""
    paths = []
    for stem, (kind, text) in files.items():
        paths.append(folder / f"{stem}.{kind}.j2")
        paths[-1].write_text(text, encoding="utf-8")
    return paths


def test_pages_are_escaped_and_plain_text_is_not(tmp_path):
    """Catches a page without autoescape, and &amp; in plain text."""
    (page, text) = written(tmp_path, page=("html", "{{ x }}"), text=("txt", "{{ x }}"))
    assert render([page], x="<b>&</b>") == "&lt;b&gt;&amp;&lt;/b&gt;"
    assert render([text], x="<b>&</b>") == "<b>&</b>"


def test_an_undeclared_template_is_not_found(tmp_path):
    """Catches a template that a page uses but its rule does not depend on."""
    paths = written(tmp_path, page=("html", '{% include "part.html.j2" %}'), part=("html", "part"))
    assert render(paths) == "part"
    with pytest.raises(TemplateNotFound):
        render(paths[:1])


def test_a_missing_value_is_an_error(tmp_path):
    """Catches a page that silently omits a number."""
    with pytest.raises(UndefinedError):
        render(written(tmp_path, page=("html", "{{ missing }}")))


RULES = {
    name: body
    for path in (ROOT / "workflow" / "rules").glob("*.smk")
    for name, body in re.findall(r"^rule (\w+):\n(.*?)(?=^\S|\Z)", path.read_text(encoding="utf-8"), re.M | re.S)
    if f"/{name}.py" in body  # not a base of derived rules
}


@pytest.mark.parametrize("rule", sorted(RULES))
def test_a_rule_that_renders_depends_on_its_templates(rule):
    """Catches a page that is not updated when its template is edited, and one that is rebuilt needlessly."""
    modules = {path.stem for path in imported_modules(SCRIPTS / f"{rule}.py")}
    assert ("templates" in modules) == ("templates=templates_of(" in RULES[rule])


def test_every_template_is_used_by_a_rule():
    """Catches unused templates, and pages without the shared style."""
    named = {name for body in RULES.values() for name in re.findall(r'templates_of\("(.+?)"\)', body)}
    entries = [path.name for path in TEMPLATES.iterdir() if path.name not in ("base.html.j2", "tables.html.j2")]
    assert set(entries) == named
    for page in entries:
        used = {path.name for path in templates(page)}
        # The explorer's policy allows only its own style and script.
        shared = page.endswith(".html.j2") and page != "explorer.html.j2"
        assert used == ({page, "base.html.j2", "tables.html.j2"} if shared else {page})
