"""PDFs that are broken, encrypted, scanned, rotated or full of absurd numbers."""

import hostile
import pytest
from book_makers import MissingTool, encrypted_pdf
from hostile import message_or_words, refusal, words_of
from sample_files import (
    SAMPLES,
    WORDS,
    pdf_bytes,
    pdf_pages,
    written,
)

process, read = hostile.process, hostile.read  # fixtures


@pytest.mark.parametrize("handler", ["Standard", "EBX_HANDLER"])
def test_an_encrypted_pdf_is_reported_as_such(tmp_path, read, handler):
    """Catches a PDF locked by a password or a shop's own handler that is reported as damaged."""
    path = written(tmp_path / "locked.pdf", pdf_bytes(pdf_pages(), encrypt=handler))
    assert "encrypted" in refusal(read, path)


def test_encryption_by_a_real_program_is_reported(tmp_path, read):
    """Catches encryption with modern ciphers that is not recognised."""
    try:
        path = encrypted_pdf(SAMPLES["pdf"](tmp_path), tmp_path / "locked.pdf")
    except MissingTool as error:
        pytest.skip(str(error))
    assert "encrypted" in refusal(read, path)


def test_a_pdf_of_pictures_needs_ocr(tmp_path, read):
    """Catches a scan read as an empty book."""
    path = written(tmp_path / "scan.pdf", pdf_bytes([[], [], []], picture=True))
    message = refusal(read, path)
    assert "OCR" in message
    assert "pages 1, 2, 3" in message


def test_a_pdf_without_pages_is_refused(tmp_path, read):
    """Catches a PDF without pages that crashes, yields an empty book or is reported as encrypted."""
    assert "encrypt" not in refusal(read, written(tmp_path / "none.pdf", pdf_bytes([])))


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9, 0.98])
def test_a_truncated_pdf_is_refused(tmp_path, read, share):
    """Catches a truncated download whose first pages are read as the whole book."""
    content = SAMPLES["pdf"](tmp_path).read_bytes()
    assert "truncated" in refusal(read, written(tmp_path / "cut.pdf", content[: int(share * len(content))]))


@pytest.mark.parametrize("number", ["1e30", "-1e30", "1e400", "99999999999999999999", "NaN", "0.0000001"])
@pytest.mark.parametrize("what", ["place", "size", "page", "turn"])
def test_a_pdf_with_absurd_numbers_is_read_or_refused(tmp_path, read, what, number):
    """Catches an overflow, a division by zero or an endless search for columns because of absurd coordinates."""
    content = pdf_bytes(pdf_pages()).decode("cp1252")
    old, new = {
        "place": ("1 0 0 1 72 720 Tm", f"1 0 0 1 {number} 720 Tm"),
        "size": ("/F 11 Tf", f"/F {number} Tf"),
        "page": ("[0 0 595 842]", f"[0 0 {number} {number}]"),
        "turn": ("1 0 0 1 72 706 Tm", f"0 {number} -{number} 0 72 706 Tm"),
    }[what]
    assert old in content
    # Cross-references are now off by some bytes, which PDFium repairs.
    message_or_words(read, written(tmp_path / "absurd.pdf", content.replace(old, new).encode("cp1252")))


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_rotated_page_is_read(tmp_path, read, turn):
    """Catches rotated pages whose text is split into letters."""
    path = written(tmp_path / "turned.pdf", pdf_bytes(pdf_pages(), more=f"/Rotate {turn}"))
    assert words_of(read(path)) == WORDS
