"""Plain UTF-8 text as a document; paragraphs are gathered into sections of a stated length."""

import re
from pathlib import Path

from localist.documents import Document, Section
from localist.errors import UserError

BLANK_LINES = re.compile(r"\n\s*\n")


def read_plain_text(path: Path, *, section_words: int) -> list[Document]:
    """Read one file as one document titled by its file name.

    Plain text names no sections, so whole paragraphs (separated by blank lines) are gathered until a section has at
    least `section_words` words. Raises UserError where the file is missing or is not UTF-8.
    """
    try:
        text = Path(path).read_bytes().decode("utf-8").removeprefix("\ufeff")
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}). Check corpus.source.path.") from error
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path} is not UTF-8 text (byte {error.start}). Convert it, for example with iconv."
        ) from error
    return [Document(Path(path).stem, tuple(gather_paragraphs(text, section_words)))]


def gather_paragraphs(text: str, section_words: int) -> list[Section]:
    """Sections of whole paragraphs, each of at least `section_words` words (the last may be shorter)."""
    sections: list[str] = []
    pending: list[str] = []
    # A text without blank lines has a paragraph on each line.
    for paragraph in BLANK_LINES.split(text) if BLANK_LINES.search(text.strip()) else text.splitlines():
        if paragraph.strip():
            pending.append(" ".join(paragraph.split()))
        if sum(len(part.split()) for part in pending) >= section_words:
            sections.append("\n".join(pending))
            pending = []
    if pending:
        sections.append("\n".join(pending))
    return [Section(f"Part {number}", section) for number, section in enumerate(sections, start=1)]
