"""Texts in table rows: JSON Lines, CSV, and the Parquet and Arrow files of Hugging Face data sets."""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow
from pyarrow import ipc, parquet, types

from localist.corpus.formats.book import Book
from localist.corpus.formats.decoding import LONGEST_LINE, decode
from localist.corpus.formats.file_kinds import DAMAGED_PACKING, opened, plain_stem, unpacked
from localist.corpus.formats.plain_text import text_paragraphs
from localist.plumbing.errors import UserError

# Raised by the Arrow library for damaged files.
DAMAGED = (pyarrow.ArrowException, OSError, UnicodeDecodeError, SystemError)
DELIMITERS = ",;\t|"
# Delimiter for single-column files; it does not occur in text.
NO_DELIMITER = "\x1f"
SEPARATOR_LINE = re.compile(r'\ufeff?"?sep=(.)"?\n', re.IGNORECASE)
QUOTED = re.compile(r'"(?:[^"]|"")*"')
ROWS_AT_ONCE = 1000
BYTES_AT_ONCE = 50_000_000


def read_json_lines(path: Path, column: str) -> Iterator[Book]:
    """One book per line, a JSON object whose `column` is text; `title` and `author` are used if present."""
    with opened(path) as stream, _whole(path):
        for number, line in enumerate(iter(lambda: stream.readline(LONGEST_LINE), b""), start=1):
            where = f"{path}, line {number}"
            if len(line) == LONGEST_LINE:
                raise UserError(f"{where}: is longer than {LONGEST_LINE:,} bytes. Split the text into several lines.")
            if not line.strip():
                continue
            try:
                row = json.loads(line.decode("utf-8-sig"))
            except UnicodeDecodeError as error:
                raise UserError(
                    f"{where}: is not UTF-8 ({error}), which JSON requires. Convert it, for example with iconv."
                ) from error
            except (ValueError, RecursionError) as error:
                raise UserError(
                    f"{where}: is not valid JSON ({error}). Correct it: JSON Lines has one object per line."
                ) from error
            yield _book(row, column, where, f"{plain_stem(path)} {number}")


def read_csv(path: Path, column: str, encoding: str | None = None) -> Iterator[Book]:
    """One book per row of a CSV file whose first row names the columns; the delimiter is detected, or given by a first
    line such as `sep=;`.

    In tab-separated and single-column files, quotation marks are text unless they enclose complete fields.
    """
    text, _ = decode(unpacked(path), str(path), encoding)
    stated = SEPARATOR_LINE.match(text)
    text = text[stated.end() :] if stated else text
    header = text.partition("\n")[0]
    delimiter = stated[1] if stated else max(DELIMITERS, key=lambda one: len(next(csv.reader([header], delimiter=one))))
    if not stated and delimiter not in header:
        delimiter = NO_DELIMITER
    quoting = csv.QUOTE_MINIMAL if _has_quoted_fields(text, delimiter) else csv.QUOTE_NONE
    csv.field_size_limit(LONGEST_LINE)
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True, quoting=quoting)
    try:
        for number, row in enumerate(rows, start=1):
            where = f"{path}, row {number} (line {rows.reader.line_num})"
            _check_fields(row, column, rows.fieldnames or (), where)
            yield _book(row, column, f"{path}, row {number}", f"{plain_stem(path)} {number}")
    except csv.Error as error:
        raise UserError(
            f"{path}, line {rows.reader.line_num}: is not valid CSV ({error}). Quote fields that contain quotes or "
            "line breaks."
        ) from error


def read_parquet(path: Path, column: str) -> Iterator[Book]:
    """One book per row of a Parquet file; only the columns used are read."""
    try:
        with parquet.ParquetFile(path) as file:
            columns = _used(file.schema_arrow, column, path)
            yield from _rows(file.iter_batches(_rows_at_once(file.metadata, columns), columns=columns), column, path)
    except MemoryError:
        raise
    except DAMAGED as error:
        raise UserError(f"{path}: is a damaged Parquet file ({_first_line(error)}). Get a new copy.") from error


def read_arrow(path: Path, column: str) -> Iterator[Book]:
    """One book per row of an Arrow file, as written by `save_to_disk`; only the columns used are read."""
    try:
        with pyarrow.memory_map(str(path)) as source:
            open_it = ipc.open_file if source.read(6) == b"ARROW1" else ipc.open_stream
            source.seek(0)
            schema = open_it(source).schema
            used = [schema.get_field_index(name) for name in _used(schema, column, path)]
            source.seek(0)
            yield from _rows(_batches(open_it(source, options=ipc.IpcReadOptions(included_fields=used))), column, path)
    except MemoryError:
        raise
    except DAMAGED as error:
        raise UserError(f"{path}: is a damaged Arrow file ({_first_line(error)}). Get a new copy.") from error


@contextmanager
def _whole(path: Path) -> Iterator[None]:
    try:
        yield
    except DAMAGED_PACKING as error:
        raise UserError(f"{path}: is a damaged or truncated compressed file ({error}). Get a new copy.") from error


def _has_quoted_fields(text: str, delimiter: str) -> bool:
    """Whether quotation marks enclose fields. In tab-separated and single-column files, they may be text."""
    if delimiter not in ("\t", NO_DELIMITER) or '"' not in text:
        return True
    lines = text.splitlines()
    if delimiter == "\t" and '"' not in lines[0] and len({line.count(delimiter) for line in lines if line}) == 1:
        opened = [field for line in lines for field in line.split(delimiter) if field.startswith('"')]
        return all(map(QUOTED.fullmatch, opened)) and any('""' in field[1:-1] for field in opened)
    try:
        return all(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error:
        return False


def _check_fields(row: Mapping[str | None, Any], column: str, names: Sequence[str], where: str) -> None:
    """Raises UserError if a row has more or fewer fields than the header, so that text would be lost."""
    if any(row.get(None, ())):
        raise UserError(
            f"{where}: has {len(names) + len(row[None])} fields, but the header has {len(names)} columns. Quote fields "
            "that contain the delimiter."
        )
    if column in row and row[column] is None:
        raise UserError(
            f"{where}: ends before the column {column!r}. Quote fields that contain line breaks, or correct the row."
        )


def _used(schema: pyarrow.Schema, column: str, path: Path) -> list[str]:
    """The columns to read. Raises UserError if the text column is missing or is not text."""
    if column not in schema.names:
        raise UserError(_no_column(str(path), column, schema.names))
    kind = schema.field(column).type
    if not _is_text(kind) and not (_is_list(kind) and _is_text(kind.value_type)):
        raise UserError(
            f"{path}: the column {column!r} is {kind}, not text. Set corpus.text_column to one of: "
            f"{', '.join(name for name in schema.names if _is_text(schema.field(name).type))}."
        )
    about = (name for name in ("title", "author") if name in schema.names and _is_text(schema.field(name).type))
    return list(dict.fromkeys([column, *about]))


def _is_text(kind: pyarrow.DataType) -> bool:
    kind = kind.value_type if types.is_dictionary(kind) else kind
    tests = (types.is_string, types.is_large_string, types.is_string_view, types.is_binary, types.is_large_binary)
    return any(test(kind) for test in (*tests, types.is_binary_view, types.is_null))


def _is_list(kind: pyarrow.DataType) -> bool:
    return types.is_list(kind) or types.is_large_list(kind)


def _rows_at_once(metadata: parquet.FileMetaData, columns: Sequence[str]) -> int:
    """The number of rows whose text fits in memory."""
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    chunks = (group.column(number) for group in groups for number in range(group.num_columns))
    size = sum(one.total_uncompressed_size for one in chunks if one.path_in_schema.split(".")[0] in columns)
    return max(1, min(ROWS_AT_ONCE, BYTES_AT_ONCE * max(metadata.num_rows, 1) // max(size, 1)))


def _batches(file: ipc.RecordBatchFileReader | ipc.RecordBatchStreamReader) -> Iterator[pyarrow.RecordBatch]:
    is_file = isinstance(file, ipc.RecordBatchFileReader)
    for batch in (file.get_batch(number) for number in range(file.num_record_batches)) if is_file else file:
        for start in range(0, batch.num_rows, ROWS_AT_ONCE):
            yield batch.slice(start, ROWS_AT_ONCE)


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
    if column not in row:
        raise UserError(_no_column(where, column, row))
    text = _text(row[column], where)
    if text is None:
        raise UserError(
            f"{where}: has {type(row[column]).__name__} instead of text in the column {column!r}. Set "
            f"corpus.text_column to one of: {', '.join(map(str, filter(None, row)))}."
        )
    return Book(
        _text(row.get("title"), where) or name,
        tuple(text_paragraphs(text)),
        _text(row.get("author"), where) or "",
    )


def _text(value: Any, where: str) -> str | None:
    """Text, bytes of text, or a list of texts, as one string; empty for null. None for values of other types."""
    if isinstance(value, bytes):
        try:
            value = value.decode("utf-8")
        except UnicodeDecodeError as error:
            raise UserError(f"{where}: its bytes are not UTF-8 text ({error}). Convert them to text.") from error
    if isinstance(value, list):
        parts = [_text(part, where) for part in value]
        return None if None in parts else "\n\n".join(filter(None, parts))
    if value is None:
        return ""
    return value.replace("\0", "").strip() if isinstance(value, str) else None


def _no_column(where: str, column: str, columns: Iterable[str | None]) -> str:
    there = ", ".join(name for name in columns if name)
    return f"{where}: has no column {column!r}. Set corpus.text_column to one of: {there}."


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
