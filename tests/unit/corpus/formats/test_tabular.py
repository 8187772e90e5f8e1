"""Texts in rows: one document per row, and errors with their row and column."""

import bz2
import gzip
import json
import time

import numpy as np
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


def test_json_lines_are_read(tmp_path):
    """Catches blank lines reported as errors, ignored titles, and escapes left in the text."""
    path = write(tmp_path, "rows.jsonl", "\n\n".join(map(json.dumps, ROWS)))
    books = told(read_json_lines(path, "body"))
    assert books[0] == EXPECTED[0] and books[1][2] == EXPECTED[1][2]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_is_read_with_any_delimiter(tmp_path, delimiter):
    """Catches misread delimiters or quoted line breaks, and a byte order mark in the first column's name."""
    lines = [
        f"\ufeffbody{delimiter}title{delimiter}author",
        f'"First, ""text"".\n\nMore."{delimiter}One{delimiter}A. Writer',
    ]
    lines.append(f'"Second; text."{delimiter}{delimiter}')
    assert told(read_csv(write(tmp_path, "rows.csv", "\n".join(lines)), "body")) == EXPECTED


def test_parquet_and_arrow_are_read(tmp_path):
    """Catches a misread data set format: Parquet, Arrow files, or the Arrow streams of save_to_disk."""
    table = pyarrow.Table.from_pylist(ROWS)
    parquet.write_table(table, tmp_path / "rows.parquet")
    assert told(read_parquet(tmp_path / "rows.parquet", "body")) == EXPECTED
    for name, writer in (("file", ipc.new_file), ("stream", ipc.new_stream)):
        path = tmp_path / name / "rows.arrow"
        path.parent.mkdir()
        with writer(path, table.schema) as sink:
            sink.write_table(table)
        assert told(read_arrow(path, "body")) == EXPECTED


def test_a_row_without_text_is_an_empty_book(tmp_path):
    """Catches a whole data set refused because one row has no text."""
    parquet.write_table(pyarrow.table({"text": ["One.", None, "Three."]}), tmp_path / "rows.parquet")
    assert [len(book.paragraphs) for book in read_parquet(tmp_path / "rows.parquet", "text")] == [1, 0, 1]


def test_a_missing_column_is_reported_with_the_existing_ones(tmp_path):
    """Catches an error that does not list the columns that the config could name."""
    path = write(tmp_path, "rows.jsonl", '{"body": "x", "year": 1999}\n{"year": 2}\n')
    with pytest.raises(
        UserError, match=r"rows\.jsonl, line 1: has no column 'text'.*corpus\.text_column.*: body, year"
    ):
        list(read_json_lines(path, "text"))
    with pytest.raises(UserError, match=r"line 1: has int instead of text in the column 'year'"):
        list(read_json_lines(path, "year"))
    with pytest.raises(UserError, match=r"line 2: has no column 'body'"):
        list(read_json_lines(path, "body"))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{broken", "line 2: is not valid JSON"),
        ("[1, 2]", "line 2: is list, not an object"),
        ("[" * 100_000, "line 2: is not valid JSON"),
    ],
)
def test_an_invalid_line_is_reported_by_number(tmp_path, line, message):
    """Catches an invalid line that is skipped silently or ends in a traceback."""
    path = write(tmp_path, "rows.jsonl", f'{{"text": "x"}}\n{line}\n')
    with pytest.raises(UserError, match=rf"rows\.jsonl, {message}"):
        list(read_json_lines(path, "text"))


def test_invalid_csv_is_reported_with_its_line(tmp_path):
    """Catches an unclosed quote that swallows the rest of the file."""
    path = write(tmp_path, "rows.csv", 'text,title\n"fine",a\n"never "closed,b\n')
    with pytest.raises(UserError, match=r"rows\.csv, line 3: is not valid CSV"):
        list(read_csv(path, "text"))


def texts(books):
    return [" ".join(" ".join(one.text for one in book.paragraphs).split()) for book in books]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('sep=;\ntext;id\n"One, two";1\n', ["One, two"]),
        ('"sep=;"\ntext;id\nOne, two;1\n', ["One, two"]),
        ("sep=\t\ntext\tid\nOne, two\t1\n", ["One, two"]),
        ("text\nOne, two.\nThree, four.\n", ["One, two.", "Three, four."]),
        ('text\n"One, two."\n"Three ""four"".\n\nFive."\n', ["One, two.", 'Three "four". Five.']),
        ('text\n"One," he said.\n', ['"One," he said.']),
        ('"text, long";id\nOne;1\n', ["One"]),
        ("text,id,,\nOne,1,,\n", ["One"]),
        ("text,id\nOne,1,,\n", ["One"]),
        ("text,id\nOne\n", ["One"]),
        ('text\tid\n"One," he said.\t1\n"Two\t2\nthree"\t3\n', ['"One," he said.', '"Two', 'three"']),
        ('text\tid\n"One"\t1\n', ['"One"']),
        ('text\tid\n"One\ttwo"\t1\n"Three\nfour"\t2\n', ["One two", "Three four"]),
        ('text\tid\n"He said ""no""."\t1\n', ['He said "no".']),
        ('"text"\t"id"\n"One"\t"1"\n', ["One"]),
    ],
)
def test_separators_and_quotation_marks_in_csv(tmp_path, content, expected):
    """Catches texts cut at commas, rows merged at quotation marks, and quotation marks of the text that are lost."""
    path = write(tmp_path, "rows.csv", content)
    column = "text, long" if "text, long" in content else "text"
    assert texts(read_csv(path, column)) == expected


def test_csv_rows_that_do_not_match_the_columns_are_reported(tmp_path):
    """Catches text lost silently when a row has more fields than the header, or ends before its text column."""
    with pytest.raises(UserError, match=r"rows\.csv, row 2 \(line 3\): has 3 fields, but .* 2 columns\. Quote"):
        list(read_csv(write(tmp_path, "rows.csv", "id,text\n1,One\n2,Two, three\n"), "text"))
    with pytest.raises(UserError, match=r"row 2 \(line 3\): ends before the column 'text'"):
        list(read_csv(write(tmp_path, "rows.csv", "id,text\n1,One\nand on\n"), "text"))


@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".bz2", bz2.compress)])
def test_compressed_rows_are_read(tmp_path, suffix, pack):
    """Catches compressed rows that are not read, are titled with the file extension, or are truncated unnoticed."""
    path = tmp_path / f"rows.jsonl{suffix}"
    path.write_bytes(pack(json.dumps(ROWS[1]).encode()))
    assert told(read_json_lines(path, "body")) == [("rows 1", "", ["Second; text."])]
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(UserError, match=r"damaged or truncated"):
        list(read_json_lines(path, "body"))


def test_only_used_columns_are_read(tmp_path):
    """Catches a data set refused or slowed down because of columns that are not used."""
    count = 3000
    table = pyarrow.table(
        {
            "text": [f"Text {number}." for number in range(count)],
            "embedding": pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(np.zeros(count * 1536, "f4")), 1536),
            "when": pyarrow.array([2**62] * count, pyarrow.timestamp("us")),
            "picture": [b"\xff"] * count,
        }
    )
    parquet.write_table(table, tmp_path / "rows.parquet")
    paths = {"rows.parquet": read_parquet}
    for name, writer in (("file.arrow", ipc.new_file), ("stream.arrow", ipc.new_stream)):
        paths[name] = read_arrow
        with writer(tmp_path / name, table.schema) as sink:
            sink.write_table(table)
    for name, reader in paths.items():
        start = time.monotonic()
        assert texts(reader(tmp_path / name, "text"))[::1000] == ["Text 0.", "Text 1000.", "Text 2000."]
        assert time.monotonic() - start < 5


@pytest.mark.parametrize(
    "column",
    [
        pyarrow.array([b"One.", None]),
        pyarrow.array([["One."], None]),
        pyarrow.array([["One.", None], []], pyarrow.large_list(pyarrow.large_string())),
        pyarrow.array(["One.", None], pyarrow.string_view()),
        pyarrow.array(["One.", None]).dictionary_encode(),
    ],
    ids=["bytes", "list", "large list", "view", "dictionary"],
)
def test_text_columns_of_other_types_are_read(tmp_path, column):
    """Catches texts refused because of the column type that stores them."""
    parquet.write_table(pyarrow.table({"text": column}), tmp_path / "rows.parquet")
    assert texts(read_parquet(tmp_path / "rows.parquet", "text")) == ["One.", ""]


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pyarrow.array([1.5]), r"'text' is double, not text.*one of: other"),
        (pyarrow.array([{"en": "One."}]), r"'text' is struct.*not text"),
        (pyarrow.array([b"\xff"]), r"row 1: its bytes are not UTF-8 text"),
    ],
)
def test_columns_without_text_are_reported(tmp_path, column, message):
    """Catches non-text columns read as text, and an error without the problem or the columns to use."""
    parquet.write_table(pyarrow.table({"text": column, "other": ["x"]}), tmp_path / "rows.parquet")
    with pytest.raises(UserError, match=message):
        list(read_parquet(tmp_path / "rows.parquet", "text"))
