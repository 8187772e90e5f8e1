"""Templates: every value escaped, nothing used that was not handed over, nothing missing."""

import re

import pytest
from checkout import ROOT, SCRIPTS, TEMPLATES, templates
from jinja2 import TemplateNotFound, UndefinedError

from localist.plumbing.source_files import imported_modules
from localist.report.templates import render


def written(folder, **files):
    """Templates by stem, the first of them first."""
    paths = []
    for stem, (kind, text) in files.items():
        paths.append(folder / f"{stem}.{kind}.j2")
        paths[-1].write_text(text, encoding="utf-8")
    return paths


def test_pages_are_escaped_and_plain_text_is_not(tmp_path):
    """Catches a page without autoescape, and sentences full of &amp;."""
    (page, text) = written(tmp_path, page=("html", "{{ x }}"), text=("txt", "{{ x }}"))
    assert render([page], x="<b>&</b>") == "&lt;b&gt;&amp;&lt;/b&gt;"
    assert render([text], x="<b>&</b>") == "<b>&</b>"


def test_a_template_that_was_not_handed_over_is_not_found(tmp_path):
    """Catches a template that a page uses though its rule does not depend on it."""
    paths = written(tmp_path, page=("html", '{% include "part.html.j2" %}'), part=("html", "part"))
    assert render(paths) == "part"
    with pytest.raises(TemplateNotFound):
        render(paths[:1])


def test_a_missing_value_is_an_error(tmp_path):
    """Catches a page on which a number is silently left out."""
    with pytest.raises(UndefinedError):
        render(written(tmp_path, page=("html", "{{ missing }}")))


RULES = {
    name: body
    for path in (ROOT / "workflow" / "rules").glob("*.smk")
    for name, body in re.findall(r"^rule (\w+):\n(.*?)(?=^\S|\Z)", path.read_text(encoding="utf-8"), re.M | re.S)
    if f"/{name}.py" in body  # not one that others are made from
}


@pytest.mark.parametrize("rule", sorted(RULES))
def test_a_rule_that_renders_depends_on_its_templates(rule):
    """Catches a page that stays as it is when its template is edited, and one that is made again for nothing."""
    modules = {path.stem for path in imported_modules(SCRIPTS / f"{rule}.py")}
    assert ("templates" in modules) == ("templates=templates_of(" in RULES[rule])


def test_every_template_is_used_by_a_rule():
    """Catches templates that nothing renders, and pages that do not share the style."""
    named = {name for body in RULES.values() for name in re.findall(r'templates_of\("(.+?)"\)', body)}
    entries = [path.name for path in TEMPLATES.iterdir() if path.name not in ("base.html.j2", "tables.html.j2")]
    assert set(entries) == named
    for page in entries:
        used = {path.name for path in templates(page)}
        # The explorer has a policy that allows its own style and program alone.
        shared = page.endswith(".html.j2") and page != "explorer.html.j2"
        assert used == ({page, "base.html.j2", "tables.html.j2"} if shared else {page})
