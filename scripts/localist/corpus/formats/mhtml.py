"""Web pages saved as a single file (MHTML), parsed by the standard library's e-mail package."""

from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from localist.corpus.formats.book import Book
from localist.corpus.formats.decoding import decode
from localist.corpus.formats.markup import html_book
from localist.plumbing.errors import UserError


def read_mhtml(path: Path) -> Iterator[Book]:
    """Read one saved page as one book; frames, pictures and styles are left out. Raises UserError if it contains no
    page."""
    message = message_from_bytes(path.read_bytes(), _class=EmailMessage, policy=default)
    page = next((part for part in message.walk() if part.get_content_subtype() in ("html", "xhtml+xml")), None)
    if page is None:
        raise UserError(f"{path}: contains no HTML page. Save the page again as HTML only.")
    content = page.get_payload(decode=True)
    text, encoding = decode(content if isinstance(content, bytes) else b"", str(path), _encoding(page), markup=True)
    yield html_book(text, path, encoding)


def _encoding(page: EmailMessage) -> str | None:
    return page.get_content_charset()
