"""Web pages saved by browsers as one file."""

import pytest

from localist.corpus.formats.file_kinds import kind_of
from localist.corpus.formats.mhtml import read_mhtml
from localist.plumbing.errors import UserError

HEAD = (
    'From: <Saved by Blink>\nSubject: The mill\nMIME-Version: 1.0\nContent-Type: multipart/related;\n\tboundary="B"\n\n'
)
PICTURE = "--B\nContent-Type: image/png\nContent-Transfer-Encoding: base64\n\nAAAA\n"
PAGE = (
    "--B\nContent-Type: text/html; charset={}\nContent-Transfer-Encoding: quoted-printable\n\n"
    "<html><head><title>The mill</title></head><body><p>The mill =\nstood {} here.</p></body></html>\n"
)


def saved(folder, *parts, end="\n"):
    path = folder / "page.mhtml"
    path.write_bytes((HEAD + "".join(parts) + "--B--\n").replace("\n", end).encode())
    return path


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(("charset", "dash"), [("utf-8", "=E2=80=94"), ("windows-1252", "=97")])
def test_the_page_is_read(tmp_path, charset, dash, end):
    """Catches a saved page read with its mail headers or escapes, or not in its declared encoding."""
    path = saved(tmp_path, PICTURE, PAGE.format(charset, dash), end=end)
    assert kind_of(path) == "mhtml"
    (book,) = read_mhtml(path)
    assert (book.title, [one.text for one in book.paragraphs]) == ("The mill", ["The mill stood — here."])


def test_a_file_without_a_page_is_refused(tmp_path):
    """Catches a saved picture read as an empty book."""
    with pytest.raises(UserError, match=r"contains no HTML page"):
        list(read_mhtml(saved(tmp_path, PICTURE)))
