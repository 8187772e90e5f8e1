"""Markdown (CommonMark, with tables, footnotes, definition lists and front matter) and extensions of its dialects."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any

import yaml
from markdown_it import MarkdownIt
from mdit_py_plugins.deflist import deflist_plugin
from mdit_py_plugins.footnote import footnote_plugin
from mdit_py_plugins.front_matter import front_matter_plugin

from localist.corpus.formats.book import Book
from localist.corpus.formats.decoding import decode
from localist.corpus.formats.file_kinds import plain_stem, unpacked
from localist.corpus.formats.markup import html_book

TOML = re.compile(r"\A\+\+\+[ \t]*\n(.*?)^\+\+\+[ \t]*\n", re.DOTALL | re.MULTILINE)
TITLE_BLOCK = re.compile(r"\A%[ \t]*(.*)\n(?:%[ \t]*(.*)\n)?(?:%.*\n)?")
ATTRIBUTE = r"""(?:[#.][\w:.-]+|[\w:-]+=(?:"[^"\n]*"|'[^'\n]*'|[^\s{}]+)|-)"""
ATTRIBUTES = rf"\{{:?[ \t]*{ATTRIBUTE}(?:[ \t]+{ATTRIBUTE})*[ \t]*\}}"
# MyST fences that enclose text rather than code.
ADMONITION = re.compile(
    r"[ \t]*(`{3,})\{(?:admonition|attention|caution|danger|dropdown|epigraph|error|hint|important|margin|note|"
    r"pull-quote|quote|seealso|sidebar|tip|topic|warning)\}"
)
# Syntax of pandoc, Quarto, Hugo, Jekyll, MyST, MkDocs, Obsidian, kramdown and CriticMarkup → the text that is kept.
DIALECTS: Sequence[tuple[re.Pattern[str], str]] = (
    # Comments and deletions, of limited length.
    (re.compile(r"\{>>.{0,2000}?<<\}|\{--.{0,2000}?--\}", re.DOTALL), ""),
    (
        re.compile(
            r"(?<![^\s])%%(?!\s)(?:[^\n]|\n(?!\s*\n)){0,2000}?%%|^%%[ \t]*\n(?:.*\n){0,20}?%%[ \t]*$", re.MULTILINE
        ),
        "",
    ),
    (re.compile(r"\{~~.{0,2000}?~>(.{0,2000}?)~~\}", re.DOTALL), r"\1"),
    (re.compile(r"\{(\+\+|==)(.{0,2000}?)\1\}", re.DOTALL), r"\2"),
    (re.compile(r"\{\{.{0,500}?\}\}|\{%.{0,500}?%\}"), ""),  # shortcodes
    (re.compile(r"^[ \t]*:{3,}[ \t]*(?:\{[^}\n]*\}.*|[\w-]*)[ \t]*:*[ \t]*$", re.MULTILINE), ""),  # fenced divisions
    (re.compile(r"^[ \t]*\\(?!begin\b|end\b)[A-Za-z]+\*?(?:\[[^]\n]*\]|\{[^}\n]*\})*[ \t]*$", re.MULTILINE), ""),
    (re.compile(rf"^[ \t]*{ATTRIBUTES}[ \t]*$", re.MULTILINE), ""),
    (re.compile(rf"^(#{{1,6}}[ \t].*?)[ \t]*{ATTRIBUTES}[ \t#]*$", re.MULTILINE), r"\1"),
    (re.compile(rf"^(\S.*?)[ \t]*{ATTRIBUTES}[ \t]*(?=\n(?:=+|-+)[ \t]*$)", re.MULTILINE), r"\1"),
    (re.compile(rf"(?<!\!)\[([^\[\]\n]{{1,500}})\]{ATTRIBUTES}"), r"\1"),  # spans
    (re.compile(rf"(?<=[)\]`]){ATTRIBUTES}"), ""),  # pictures, links and code
    (re.compile(r"^(?:!{3}|\?{3}\+?)[ \t]+\w.*$|^\[(?:TOC|\[_?toc_?\])\][ \t]*$|^\{:.*\}[ \t]*$", re.M | re.I), ""),
    (re.compile(r"^>[ \t]*\[![\w-]+\][+-]?[ \t]*", re.MULTILINE), "> "),
    (re.compile(r"!\[\[[^\[\]\n]*\]\]"), ""),
    (re.compile(r"\[\[(?:[^\[\]|\n]{0,200}\|)?([^\[\]|\n]{1,200})\]\]"), r"\1"),
    (re.compile(r"^\|[ \t](?!.*\|)(.*)$", re.MULTILINE), r"\1  "),  # lines of verse
)


def read_markdown(path: Path, encoding: str | None = None) -> Iterator[Book]:
    """Read one Markdown file as one book; its front matter may give title and author."""
    text, found = decode(unpacked(path), str(path), encoding)
    yield markdown_book(text, path, found)


def markdown_book(text: str, path: Path, encoding: str = "") -> Book:
    """A book from Markdown text."""
    about, text = _head(text)
    text = "\n".join(_without_admonitions(text.split("\n")))
    for pattern, kept in DIALECTS:
        text = pattern.sub(kept, text)
    parser = MarkdownIt("commonmark", {"maxNesting": 100}).enable(["table", "strikethrough"])
    parser.use(footnote_plugin).use(deflist_plugin).use(front_matter_plugin)
    # Indented text may be code, verse or a paragraph; only fenced code is certain to be code.
    parser.add_render_rule(
        "code_block", lambda self, tokens, number, *_: f"<pre>{escape(tokens[number].content)}</pre>"
    )
    tokens = parser.parse(text)
    about |= _front_matter(next((token.content for token in tokens if token.type == "front_matter"), ""))
    book = html_book(f"<html><body>{parser.renderer.render(tokens, parser.options, {})}</body></html>", path)
    title, author = _said(about, "title"), _said(about, "author")
    return Book(title or plain_stem(path), book.paragraphs, author, encoding=encoding)


def _head(text: str) -> tuple[dict[str, Any], str]:
    """The metadata in pandoc's title block or TOML front matter, and the text after it."""
    toml, block = TOML.match(text), TITLE_BLOCK.match(text)
    if toml:
        try:
            return tomllib.loads(toml[1]), text[toml.end() :]
        except tomllib.TOMLDecodeError:
            return {}, text[toml.end() :]
    return ({"title": block[1], "author": block[2] or ""}, text[block.end() :]) if block else ({}, text)


def _without_admonitions(lines: Iterable[str]) -> Iterator[str]:
    fence = ""
    for line in lines:
        begins = None if fence else ADMONITION.match(line)
        if begins:
            fence = begins[1]
        elif fence and line.strip() == fence:
            fence = ""
        else:
            yield line


def _front_matter(content: str) -> dict[str, Any]:
    try:
        found = yaml.safe_load(content) if content else {}
    except yaml.YAMLError:
        return {}
    return found if isinstance(found, dict) else {}


def _said(about: dict[str, Any], key: str) -> str:
    values = about.get(key)
    parts = values if isinstance(values, list) else [values]
    return ", ".join(str(part) for part in parts if isinstance(part, str | int | float))
