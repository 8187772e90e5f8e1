"""Texts in rows: JSON Lines, CSV, and the Parquet and Arrow files of Hugging Face data sets. Read row by row."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow
from pyarrow import ipc, parquet

from localist.corpus.formats.book import Book
from localist.corpus.formats.decoding import LONGEST_LINE, decode
from localist.corpus.formats.plain_text import text_paragraphs
from localist.plumbing.errors import UserError

# Raised by the Arrow library for damaged files.
DAMAGED = (pyarrow.ArrowException, OSError, UnicodeDecodeError, SystemError)
DELIMITERS = ",;\t|"
ROWS_AT_ONCE = 1000


def read_json_lines(path: Path, column: str) -> Iterator[Book]:
    """One book from each line, a JSON object whose `column` is text; `title` and `author` are used where there."""
    with path.open("rb") as stream:
        for number, line in enumerate(iter(lambda: stream.readline(LONGEST_LINE), b""), start=1):
            where = f"{path}, line {number}"
            if len(line) == LONGEST_LINE:
                raise UserError(f"{where}: is longer than {LONGEST_LINE:,} bytes. Split its text over several lines.")
            if not line.strip():
                continue
            try:
                row = json.loads(line.decode("utf-8-sig"))
            except UnicodeDecodeError as error:
                raise UserError(
                    f"{where}: is not UTF-8 ({error}), as JSON is. Convert it, for example with iconv."
                ) from error
            except (ValueError, RecursionError) as error:
                raise UserError(
                    f"{where}: is not JSON ({error}). Correct it: JSON Lines has one object on each line."
                ) from error
            yield _book(row, column, where, f"{path.stem} {number}")


def read_csv(path: Path, column: str, encoding: str | None = None) -> Iterator[Book]:
    """One book from each row of a CSV file whose first row names the columns; the delimiter is found by itself."""
    text, _ = decode(path.read_bytes(), str(path), encoding)
    header = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=header.count)
    csv.field_size_limit(LONGEST_LINE)
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for number, row in enumerate(rows, start=1):
            yield _book(row, column, f"{path}, row {number}", f"{path.stem} {number}")
    except csv.Error as error:
        raise UserError(
            f"{path}, line {rows.reader.line_num}: is not CSV ({error}). Quote fields that hold quotes or line breaks."
        ) from error


def read_parquet(path: Path, column: str) -> Iterator[Book]:
    """One book from each row of a Parquet file."""
    try:
        with parquet.ParquetFile(path) as file:
            yield from _rows(file.iter_batches(batch_size=ROWS_AT_ONCE), column, path)
    except MemoryError:
        raise
    except DAMAGED as error:
        raise UserError(f"{path}: is a damaged Parquet file ({_first_line(error)}). Get it again.") from error


def read_arrow(path: Path, column: str) -> Iterator[Book]:
    """One book from each row of an Arrow file, as `save_to_disk` writes them."""
    try:
        with pyarrow.memory_map(str(path)) as source:
            magic = source.read(6)
            source.seek(0)
            if magic == b"ARROW1":
                file = ipc.open_file(source)
                batches = (file.get_batch(number) for number in range(file.num_record_batches))
            else:
                batches = iter(ipc.open_stream(source))
            yield from _rows(batches, column, path)
    except MemoryError:
        raise
    except DAMAGED as error:
        raise UserError(f"{path}: is a damaged Arrow file ({_first_line(error)}). Get it again.") from error


def _rows(batches: Iterator[pyarrow.RecordBatch], column: str, path: Path) -> Iterator[Book]:
    number = 0
    for batch in batches:
        batch.validate(full=True)
        for row in batch.to_pylist():
            number += 1
            yield _book(row, column, f"{path}, row {number}", f"{path.stem} {number}")


def _book(row: Any, column: str, where: str, name: str) -> Book:
    if not isinstance(row, Mapping):
        raise UserError(f"{where}: is {type(row).__name__}, not an object with columns. Correct it.")
    text = row.get(column)
    if text is None and column in row:
        text = ""  # a row of which nothing is known
    if not isinstance(text, str):
        columns = ", ".join(str(key) for key in row if key is not None)
        found = "has no" if column not in row else f"has {type(text).__name__} instead of text in its"
        raise UserError(f"{where}: {found} column {column!r}. Set corpus.text_column to one of: {columns}.")
    return Book(_said(row, "title") or name, tuple(text_paragraphs(text.replace("\0", ""))), _said(row, "author"))


def _said(row: Mapping[str, Any], key: str) -> str:
    return row[key].strip() if isinstance(row.get(key), str) else ""


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
