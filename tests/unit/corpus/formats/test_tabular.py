"""Texts in rows: one document a row, and mistakes named with their row and column."""

import json

import pyarrow
import pytest
from pyarrow import ipc, parquet

from localist.corpus.formats.tabular import read_arrow, read_csv, read_json_lines, read_parquet
from localist.plumbing.errors import UserError

ROWS = [
    {"title": "One", "author": "A. Writer", "body": 'First, "text".\n\nMore.', "year": 1999},
    {"title": "", "author": None, "body": "Second; text.", "year": 2000},
]
EXPECTED = [("One", "A. Writer", ['First, "text".', "More."]), ("rows 2", "", ["Second; text."])]


def told(books):
    return [(book.title, book.author, [one.text for one in book.paragraphs]) for book in books]


def write(folder, name, text):
    path = folder / name
    path.write_text(text, encoding="utf-8", newline="")
    return path


def test_json_lines(tmp_path):
    """Catches blank lines taken for mistakes, titles not used, and escapes left in the text."""
    path = write(tmp_path, "rows.jsonl", "\n\n".join(map(json.dumps, ROWS)))
    books = told(read_json_lines(path, "body"))
    assert books[0] == EXPECTED[0] and books[1][2] == EXPECTED[1][2]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv(tmp_path, delimiter):
    """Catches another country's delimiter, quoted line breaks, and a byte order mark in the first column's name."""
    lines = [
        f"\ufeffbody{delimiter}title{delimiter}author",
        f'"First, ""text"".\n\nMore."{delimiter}One{delimiter}A. Writer',
    ]
    lines.append(f'"Second; text."{delimiter}{delimiter}')
    assert told(read_csv(write(tmp_path, "rows.csv", "\n".join(lines)), "body")) == EXPECTED


def test_parquet_and_arrow(tmp_path):
    """Catches one of the forms in which data sets are kept: Parquet, Arrow files, and the streams of save_to_disk."""
    table = pyarrow.Table.from_pylist(ROWS)
    parquet.write_table(table, tmp_path / "rows.parquet")
    assert told(read_parquet(tmp_path / "rows.parquet", "body")) == EXPECTED
    for name, writer in (("file", ipc.new_file), ("stream", ipc.new_stream)):
        path = tmp_path / name / "rows.arrow"
        path.parent.mkdir()
        with writer(path, table.schema) as sink:
            sink.write_table(table)
        assert told(read_arrow(path, "body")) == EXPECTED


def test_a_row_without_a_text_is_an_empty_book(tmp_path):
    """Catches a whole data set that is refused for one row of which the text is missing."""
    parquet.write_table(pyarrow.table({"text": ["One.", None, "Three."]}), tmp_path / "rows.parquet")
    assert [len(book.paragraphs) for book in read_parquet(tmp_path / "rows.parquet", "text")] == [1, 0, 1]


def test_a_missing_column_is_named_with_those_that_are_there(tmp_path):
    """Catches a message from which nobody can tell what to write into the config."""
    path = write(tmp_path, "rows.jsonl", '{"body": "x", "year": 1999}\n{"year": 2}\n')
    with pytest.raises(
        UserError, match=r"rows\.jsonl, line 1: has no column 'text'.*corpus\.text_column.*: body, year"
    ):
        list(read_json_lines(path, "text"))
    with pytest.raises(UserError, match=r"line 1: has int instead of text in its column 'year'"):
        list(read_json_lines(path, "year"))
    with pytest.raises(UserError, match=r"line 2: has no column 'body'"):
        list(read_json_lines(path, "body"))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{broken", "line 2: is not JSON"),
        ("[1, 2]", "line 2: is list, not an object"),
        ("[" * 100_000, "line 2: is not JSON"),
    ],
)
def test_a_broken_line_is_named(tmp_path, line, message):
    """Catches a line that is passed over in silence, or a traceback."""
    path = write(tmp_path, "rows.jsonl", f'{{"text": "x"}}\n{line}\n')
    with pytest.raises(UserError, match=rf"rows\.jsonl, {message}"):
        list(read_json_lines(path, "text"))


def test_a_broken_csv_is_named_with_its_line(tmp_path):
    """Catches a quote that is never closed and takes the rest of the file along."""
    path = write(tmp_path, "rows.csv", 'text,title\n"fine",a\n"never "closed,b\n')
    with pytest.raises(UserError, match=r"rows\.csv, line 3: is not CSV"):
        list(read_csv(path, "text"))
