"""Markdown: front matter, notes, tables and markup."""

from pathlib import Path

import pytest

from localist.corpus.cleaning import STEPS, clean
from localist.corpus.formats.book import HEADING, PROSE, TABLE, Book
from localist.corpus.formats.markdown import read_markdown


def read(folder: Path, content: str) -> Book:
    path = folder / "book.md"
    path.write_text(content, encoding="utf-8")
    (book,) = read_markdown(path)
    return book


def test_markup_front_matter_and_notes_are_removed(tmp_path):
    """Catches Markdown syntax in the text, front matter read as prose, and notes that are kept."""
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


def test_invalid_front_matter_is_skipped(tmp_path):
    """Catches a traceback for front matter that is not valid YAML."""
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
def test_front_matter_of_any_shape_is_accepted(tmp_path, front, title, author):
    """Catches a traceback, or None as the title, when front matter contains numbers, lists, mappings or nothing."""
    book = read(tmp_path, f"---\n{front}\n---\n\nText.\n")
    assert (book.title, book.author, [one.text for one in book.paragraphs]) == (title, author, ["Text."])


def test_a_table_is_not_prose(tmp_path):
    """Catches tables read as lines of prose with vertical bars."""
    book = read(tmp_path, "Before.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n")
    assert [(one.kind, one.text) for one in book.paragraphs] == [
        (PROSE, "Before."),
        *((TABLE, cell) for cell in ("a", "b", "1", "2")),
    ]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            "# One {#sec:one .unnumbered}\n\n## Two {-}\n\n### Three #\n\nFour {#x}\n====\n",
            ["One", "Two", "Three", "Four"],
        ),
        ("::: {.note}\nText.\n:::\n\n:::: warning\nMore.\n::::\n", ["Text.", "More."]),
        (":::{admonition} Title\nText.\n:::\n", ["Text."]),
        ("```{note}\nText.\n```\n\n```{python}\nprint(1)\n```\n", ["Text."]),
        ("One.\n\n\\newpage\n\n\\vspace{1em}\n\nTwo.\n", ["One.", "Two."]),
        ("{{< include x.md >}}\n\nThe {{< meta title >}}mill.\n\n{% raw %}\nText.\n", ["The mill.", "Text."]),
        ("A [small]{.smallcaps} mill ![](x.png){width=50%} of [wood](x){target=_blank}.\n", ["A small mill of wood."]),
        ("{: .no_toc}\nText.\n\n[TOC]\n\n!!! note\n\n    More.\n", ["Text.", "More."]),
        ("> [!NOTE]\n> Text.\n", ["Text."]),
        ("The [[page|mill]] of [[wood]]. ![[picture.png]]\n", ["The mill of wood."]),
        ("Seen{>>SECRET<<}{--SECRET--}{++, too++}.\n\n%%SECRET%%\n\n<!-- SECRET -->\n", ["Seen, too."]),
        ("| Slow turns the wheel,\n| and slow the water.\n", ["Slow turns the wheel,", "and slow the water."]),
        ("Term\n: Its meaning.\n", ["Term", "Its meaning."]),
        ("    Indented text.\n\nText.\n", ["Indented text.", "Text."]),
        ("+++\ntitle = 'The mill'\n+++\nText.\n", ["Text."]),
        ("% The mill\n% A. Writer\n\nText.\n", ["Text."]),
        ("From 50%% to 60%% of it, and 5 %% more.\n", ["From 50%% to 60%% of it, and 5 %% more."]),
        ("One.\n\n%%\nSECRET\n\nSECRET\n%%\n\nTwo.\n", ["One.", "Two."]),
        ("A set {a, b} and {x} stay.\n", ["A set {a, b} and {x} stay."]),
    ],
)
def test_dialect_syntax_is_not_read_as_words(tmp_path, source, expected):
    """Catches attributes, shortcodes, comments and other dialect syntax read as words."""
    path = tmp_path / "book.md"
    path.write_text(source, encoding="utf-8")
    (book,) = read_markdown(path)
    kept, _ = clean(book.paragraphs, STEPS)
    assert [one.text for one in kept] == expected


@pytest.mark.parametrize("head", ["+++\ntitle = 'The mill'\nauthor = 'A. Writer'\n+++\n", "% The mill\n% A. Writer\n"])
def test_title_and_author_are_read_from_other_dialects(tmp_path, head):
    """Catches books titled by their file name although their front matter has a title."""
    path = tmp_path / "book.md"
    path.write_text(f"{head}\nText.\n", encoding="utf-8")
    (book,) = read_markdown(path)
    assert (book.title, book.author) == ("The mill", "A. Writer")


def test_lines_that_all_end_in_two_spaces_are_joined(tmp_path):
    """Catches wrapped text split into paragraphs because every line ends in two spaces."""
    lines = [
        "The mill stood at the bend of the river, and its wheel had",
        "not turned since the great frost of the year before last,",
        "when two brothers had bought it for the price of its wood.",
    ]
    path = tmp_path / "book.md"
    path.write_text("  \n".join(lines) + "  \n", encoding="utf-8")
    (book,) = read_markdown(path)
    assert [one.text.split("\n") for one in book.paragraphs] == [lines]
