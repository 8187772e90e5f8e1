"""Markdown: front matter, notes, tables and markup."""

from pathlib import Path

import pytest

from localist.corpus.cleaning import clean
from localist.corpus.formats.book import HEADING, PROSE, TABLE, Book
from localist.corpus.formats.markdown import read_markdown


def read(folder: Path, content: str) -> Book:
    path = folder / "book.md"
    path.write_text(content, encoding="utf-8")
    (book,) = read_markdown(path)
    return book


def test_markdown(tmp_path):
    """Catches Markdown's own signs in the text, front matter read as prose, and notes that stay in place."""
    path = tmp_path / "book.md"
    path.write_text(
        "---\ntitle: The Sea\nauthor: [A. Writer, B. Writer]\n---\n\n# One\n\nSome *words* and a [link](http://x.y)[^1]\n"
        "go on.\n\n[^1]: A note.\n\nSetext\n------\n\n- item\n\n<script>alert(1)</script>\n\n`code` &amp; more.\n",
        encoding="utf-8",
    )
    (book,) = read_markdown(path)
    assert (book.title, book.author) == ("The Sea", "A. Writer, B. Writer")
    kept, _ = clean(book.paragraphs, ["footnote_marks", "footnotes"])
    assert [(one.kind, one.level, one.text) for one in kept] == [
        (HEADING, 1, "One"),
        (PROSE, 0, "Some words and a link go on."),
        (HEADING, 2, "Setext"),
        (PROSE, 0, "item"),
        (PROSE, 0, "code & more."),
    ]


def test_front_matter_that_is_no_yaml_is_no_trouble(tmp_path):
    """Catches a traceback for a file that begins with a rule."""
    path = tmp_path / "book.md"
    path.write_text("---\nkey: [unclosed\n---\n\nText.\n", encoding="utf-8")
    (book,) = read_markdown(path)
    assert (book.title, [one.text for one in book.paragraphs]) == ("book", ["Text."])


@pytest.mark.parametrize(
    ("front", "title", "author"),
    [
        ("title: The Sea", "The Sea", ""),
        ("title: 1984\nauthor: [A. Writer, 7, {name: B}]", "1984", "A. Writer, 7"),
        ("- a list", "book", ""),
        ("title:", "book", ""),
    ],
)
def test_front_matter_of_any_shape(tmp_path, front, title, author):
    """Catches a traceback, or None in the title, where front matter holds numbers, lists, mappings or nothing."""
    book = read(tmp_path, f"---\n{front}\n---\n\nText.\n")
    assert (book.title, book.author, [one.text for one in book.paragraphs]) == (title, author, ["Text."])


def test_a_table_of_data_is_one(tmp_path):
    """Catches tables read as lines of prose with bars in them."""
    book = read(tmp_path, "Before.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n")
    assert [(one.kind, one.text) for one in book.paragraphs] == [
        (PROSE, "Before."),
        *((TABLE, cell) for cell in ("a", "b", "1", "2")),
    ]
