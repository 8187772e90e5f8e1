"""Documentation as HTML: formulas, links, and escaped markup."""

import re

from checkout import ROOT
from lxml import etree

from localist.report.rendered_markdown import rendered


def test_formulas_links_and_tables():
    """Catches formulas shown as TeX, links that are broken on the page, and lost anchors."""
    html = rendered(
        "# Title\n\n## A part\n\nOf $x^2$, see [it](dial.md#a) and [there](#a-part).\n\n|a|\n|-|\n|1|\n", "docs"
    )
    assert "<math" in html and "<msup" in html and "$" not in html and "Title" not in html
    assert (
        'href="docs/dial.md#a"' in html and 'href="#a-part"' in html and 'id="a-part"' in html and "<td>1</td>" in html
    )


def test_html_in_the_text_is_escaped():
    """Catches HTML in a document that becomes part of the page."""
    assert "<script" not in rendered("<script>alert(1)</script>\n\n```\n<b>\n```\n", "docs")


def test_a_picture_becomes_a_link():
    """Catches a picture that a self-contained page cannot show."""
    assert rendered("![Graph <1>](a.svg)", "docs") == '<p><a href="docs/a.svg">Graph &lt;1&gt;</a></p>\n'


def test_the_method_is_rendered_in_full():
    """Catches a formula in docs/method.md that the library cannot read, and HTML that is not well-formed."""
    text = (ROOT / "docs" / "method.md").read_text(encoding="utf-8")
    html = rendered(text, "../../docs")
    etree.fromstring(f"<div>{html}</div>", etree.XMLParser(resolve_entities=False))
    assert html.count("<math") == text.count("```math") + len(re.findall(r"\$[^$\n]+\$", text))
    assert html.count("<h2") == len(re.findall(r"^## ", text, re.MULTILINE))
