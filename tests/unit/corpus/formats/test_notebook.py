"""Jupyter notebooks."""

import json

import pytest

from localist.corpus.formats.book import HEADING, PROSE
from localist.corpus.formats.file_kinds import kind_of
from localist.corpus.formats.notebook import read_notebook
from localist.plumbing.errors import UserError


def written(folder, content):
    path = folder / "book.ipynb"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_the_text_of_a_notebook_is_read(tmp_path):
    """Catches code, outputs and JSON syntax read as prose."""
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": ["# One\n", "\n", "Text *here*."]},
        {"cell_type": "code", "source": "print('x')", "outputs": [{"text": ["x"]}]},
        {"cell_type": "markdown", "source": "More."},
    ]
    path = written(tmp_path, {"cells": cells, "nbformat": 4})
    assert kind_of(path) == "notebook"
    (book,) = read_notebook(path)
    assert [(one.kind, one.text) for one in book.paragraphs] == [
        (HEADING, "One"),
        (PROSE, "Text here."),
        (PROSE, "More."),
    ]


@pytest.mark.parametrize("content", ['{"cells": [', '{"cells": {}}x', '{"worksheets": []}', '{"cells": [1]}'])
def test_a_damaged_notebook_is_refused(tmp_path, content):
    """Catches a traceback for a damaged notebook."""
    with pytest.raises(UserError, match=r"book\.ipynb: is not a version 4 notebook"):
        list(read_notebook(written(tmp_path, content)))
