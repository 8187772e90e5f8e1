"""Renders a documentation page as HTML for a study's page, with formulas as MathML, which browsers render natively."""

import re
from collections.abc import Sequence
from html import escape
from typing import Any

from latex2mathml.converter import convert
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.anchors import anchors_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin

MATH = "math"
OUTSIDE = re.compile(r"[a-z]+:|#")


def rendered(markdown: str, folder: str) -> str:
    """The HTML of a Markdown text without its title. Raw HTML is escaped.

    folder: the base of its relative links, as seen from the page.
    """
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.use(dollarmath_plugin, renderer=lambda tex, options: convert(tex)).use(anchors_plugin, max_level=4)
    parser.add_render_rule("fence", _fence)
    parser.add_render_rule("image", _picture)
    tokens = parser.parse(markdown)
    if tokens and tokens[0].type == "heading_open" and tokens[0].tag == "h1":
        tokens = tokens[3:]
    for token in tokens:
        for child in token.children or ():
            _lead(child, folder)
    return parser.renderer.render(tokens, parser.options, {})


def _fence(_: Any, tokens: Sequence[Token], number: int, *__: Any) -> str:
    content, kind = tokens[number].content, tokens[number].info
    if kind == MATH:
        return convert(content, display="block")
    return f"<pre>{escape(content)}</pre>"


def _picture(_: Any, tokens: Sequence[Token], number: int, *__: Any) -> str:
    """A link to the picture, since the page is a single file."""
    return f'<a href="{escape(str(tokens[number].attrGet("src")))}">{escape(tokens[number].content)}</a>'


def _lead(link: Token, folder: str) -> None:
    target = link.attrGet("href") or link.attrGet("src")
    if isinstance(target, str) and not OUTSIDE.match(target):
        link.attrSet("href" if link.type == "link_open" else "src", f"{folder}/{target}")
