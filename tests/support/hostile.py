"""Helpers for tests of odd, broken and malicious files: reading as in the pipeline, and checks of messages."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from sample_files import (
    CHAPTER_FILE,
    corpus,
)

from localist.corpus import extraction
from localist.corpus.reading_process import MEMORY_BYTES, SECONDS, ReadingProcess, spooled
from localist.plumbing.errors import UserError

# Every message tells the user what to do, with one of these words.
REMEDY = re.compile(
    r"\b(get|save|set|use|leave it out|split|break|convert|unpack|rename|check|repair|correct|mend|quote|export|name|"
    r"ocrmypdf)\b",
    re.IGNORECASE,
)
SECRET = "the-word-of-another-file"
CHAPTER = CHAPTER_FILE.format(1)

Read = Callable[..., list[dict[str, Any]]]


@pytest.fixture(scope="module")
def process() -> Iterator[ReadingProcess]:
    # Tests run in parallel, and may have half a core each.
    with ReadingProcess(2 * SECONDS) as process:
        yield process


@pytest.fixture
def one_process(process: ReadingProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read whole corpora in the existing process, since starting one takes a second."""
    monkeypatch.setattr(extraction, "ReadingProcess", lambda: nullcontext(process))


@pytest.fixture
def read(process: ReadingProcess, tmp_path_factory: pytest.TempPathFactory) -> Read:
    """Read a file as the pipeline does, in a separate process; keywords change the corpus settings."""
    return _reader(process, tmp_path_factory)


@pytest.fixture
def read_with_little(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Read]:
    """The same with a third of the memory, which a bomb fills in a third of the time."""
    with ReadingProcess(2 * SECONDS, MEMORY_BYTES // 3) as process:
        yield _reader(process, tmp_path_factory)


def _reader(process: ReadingProcess, folders: pytest.TempPathFactory) -> Read:
    spool = folders.mktemp("spool") / "documents.jsonl"

    def documents(path: Path, **changes: Any) -> list[dict[str, Any]]:
        process.read(path, corpus(**changes), spool)
        return list(spooled(spool))

    return documents


def words_of(documents: list[dict[str, Any]]) -> list[str]:
    return [word for one in documents for section in one["document"]["sections"] for word in section["text"].split()]


def refusal(read: Read, path: Path, **changes: Any) -> str:
    """The message with which a file is refused, after the checks that every such message must pass."""
    with pytest.raises(UserError) as caught:
        read(path, **changes)
    message = str(caught.value)
    check_message(message, path)
    return message


def check_message(message: str, path: Path) -> None:
    assert str(path) in message
    assert "Traceback" not in message
    assert "reader crashed" not in message
    assert REMEDY.search(message.replace(str(path), "")), message


def message_or_words(read: Read, path: Path) -> str:
    """The outcome of reading a file: the message of its refusal, or all that was read from it."""
    try:
        return json.dumps(read(path), ensure_ascii=False)
    except UserError as error:
        check_message(str(error), path)
        return str(error)
