"""Jupyter notebooks: the text of their Markdown cells."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from localist.corpus.formats.book import Book
from localist.corpus.formats.markdown import markdown_book
from localist.plumbing.errors import UserError


def read_notebook(path: Path) -> Iterator[Book]:
    """Read one notebook as one book, without code and outputs. Raises UserError if it is damaged."""
    try:
        cells = json.loads(path.read_bytes())["cells"]
        texts = [_source(cell) for cell in cells if cell["cell_type"] == "markdown"]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise UserError(
            f"{path}: is not a version 4 notebook ({type(error).__name__}: {error}). Save it again."
        ) from error
    yield markdown_book("\n\n".join(texts), path)


def _source(cell: Any) -> str:
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)
