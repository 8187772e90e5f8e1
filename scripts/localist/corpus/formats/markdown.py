"""Markdown (CommonMark, with tables, footnotes and front matter)."""

from collections.abc import Iterator
from pathlib import Path

import yaml
from markdown_it import MarkdownIt
from mdit_py_plugins.footnote import footnote_plugin
from mdit_py_plugins.front_matter import front_matter_plugin

from localist.corpus.formats.book import Book
from localist.corpus.formats.decoding import decode
from localist.corpus.formats.markup import html_book


def read_markdown(path: Path, encoding: str | None = None) -> Iterator[Book]:
    """Read one Markdown file as one book; its front matter may give title and author."""
    text, found = decode(path.read_bytes(), str(path), encoding)
    parser = MarkdownIt("commonmark", {"maxNesting": 100}).enable("table").use(footnote_plugin).use(front_matter_plugin)
    tokens = parser.parse(text)
    about = _front_matter(next((token.content for token in tokens if token.type == "front_matter"), ""))
    book = html_book(f"<html><body>{parser.renderer.render(tokens, parser.options, {})}</body></html>", path)
    yield Book(_said(about, "title") or path.stem, book.paragraphs, _said(about, "author"), encoding=found)


def _front_matter(content: str) -> dict:
    try:
        found = yaml.safe_load(content) if content else {}
    except yaml.YAMLError:
        return {}
    return found if isinstance(found, dict) else {}


def _said(about: dict, key: str) -> str:
    values = about.get(key)
    parts = values if isinstance(values, list) else [values]
    return ", ".join(str(part) for part in parts if isinstance(part, str | int | float))
