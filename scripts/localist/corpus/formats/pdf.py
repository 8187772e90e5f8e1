"""Text layer of a PDF with the position of every line, read by PDFium (nothing is rendered, no script runs)."""

import ctypes
import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, cast

import pypdfium2
from pypdfium2 import raw

from localist.corpus.formats.book import MARK_END, MARK_START, Book
from localist.corpus.formats.pdf_furniture import without_furniture
from localist.corpus.formats.pdf_layout import SUPERSCRIPT_RISE, SUPERSCRIPT_SIZE, Fragment, paragraphs_of
from localist.plumbing.errors import UserError

END_MARK = b"%%EOF"
# Codes of letters whose font has no Unicode map.
UNREADABLE = {0, 0xFFFD, *range(0xD800, 0xF900)}
MOST_UNREADABLE = 0.2
# A page with a picture and fewer characters is a scan: they are a page number or a stamp.
FEWEST_CHARACTERS = 20
# PDFium puts this in place of a hyphen at a line's end.
LINE_END_HYPHEN = 0x02
# In multiples of the font size.
WORD_GAP = 0.15
COLUMN_GAP = 0.9
SAME_LINE = 0.1


class Letter(NamedTuple):
    """A character, where it stands (points; y grows upwards), and whether white space comes before it."""

    text: str
    left: float
    right: float
    baseline: float
    size: float
    quarter_turns: int
    after_space: bool
    after_break: bool


def read_pdf(path: Path, steps: frozenset[str]) -> Iterator[Book]:
    """Read one PDF as one book.

    `steps` are the cleaning steps that are on: page furniture is taken out here, where places are known. Raises
    UserError for an encrypted, damaged or truncated file, and for one without a readable text layer.
    """
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - 4096))
        if END_MARK not in stream.read():
            raise UserError(
                f"{path}: the end of the PDF is missing (no {END_MARK.decode()}), so it was cut off. Get it again, or "
                "repair it, for example with `qpdf broken.pdf whole.pdf`."
            )
    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        # PDFium may report the error of an earlier file.
        if error.err_code == raw.FPDF_ERR_PASSWORD and b"/Encrypt" in path.read_bytes():
            raise UserError(
                f"{path}: is encrypted with a password. Save a copy without one, for example with "
                "`qpdf --password=... --decrypt in.pdf out.pdf`."
            ) from error
        raise UserError(
            f"{path}: is damaged: PDFium cannot open it ({error}). Get it again, or repair it with qpdf."
        ) from error
    try:
        yield _book(document, path, steps)
    finally:
        document.close()


def _book(document: pypdfium2.PdfDocument, path: Path, steps: frozenset[str]) -> Book:
    pages, without_text = [], []
    unreadable = characters = 0
    for number in range(1, len(document) + 1):
        try:
            page = document[number - 1]
            letters, bad = _letters(page)
            scanned = len(letters) < FEWEST_CHARACTERS and _has_picture(page)
            page.close()
        except pypdfium2.PdfiumError as error:
            raise UserError(f"{path}: page {number} cannot be read ({error}). Repair the file with qpdf.") from error
        if scanned:
            without_text.append(number)
        unreadable, characters = unreadable + bad, characters + len(letters)
        pages.append(_fragments(letters))
    _refuse_what_has_no_text(path, len(pages), without_text, unreadable, characters)
    kept, removed = without_furniture(pages, steps)
    metadata = document.get_metadata_dict(skip_empty=True)
    warnings = []
    if without_text:
        warnings.append(f"{_listed(without_text)} without text: pictures, or scans that need OCR")
    if unreadable:
        warnings.append(f"{unreadable} characters have no Unicode meaning in their fonts, and were left out")
    return Book(
        title=metadata.get("Title", "").strip() or path.stem,
        author=metadata.get("Author", "").strip(),
        paragraphs=tuple(paragraphs_of(kept, _outline(document))),
        pages=len(pages),
        removed=removed,
        warnings=tuple(warnings),
        page_texts={number: _page_text(pages[number - 1]) for number in sorted({1, len(pages) // 2 + 1})},
    )


def _page_text(fragments: list[Fragment]) -> str:
    """A page as it was, in the file's order: its lines, page furniture included."""
    parts = []
    for before, one in zip([None, *fragments], fragments, strict=False):
        same_line = before is not None and abs(before.baseline - one.baseline) < SAME_LINE * one.size
        parts.append((" " if same_line else "\n") + one.text)
    return "".join(parts).strip().replace(MARK_START, "").replace(MARK_END, "")


def _refuse_what_has_no_text(path: Path, pages: int, without_text: list[int], unreadable: int, characters: int) -> None:
    if unreadable > MOST_UNREADABLE * (unreadable + characters):
        raise UserError(
            f"{path}: {unreadable} of {unreadable + characters} characters have no Unicode meaning in their fonts: "
            "its text cannot be read. It needs OCR, for example `ocrmypdf --force-ocr in.pdf out.pdf`."
        )
    if len(without_text) > pages / 2 or not characters:
        what = (
            f"{_listed(without_text)} of {pages} are pictures"
            if without_text
            else f"none of its {pages} pages has text"
        )
        raise UserError(
            f"{path}: has no text layer ({what}). A scan needs OCR first, for example `ocrmypdf in.pdf out.pdf`."
        )


def _letters(page: pypdfium2.PdfPage) -> tuple[list[Letter], int]:
    """The characters of a page in the file's order, and the number of characters without a Unicode meaning."""
    textpage = page.get_textpage()
    box, matrix, x, y = raw.FS_RECTF(), raw.FS_MATRIX(), ctypes.c_double(), ctypes.c_double()
    letters = []
    unreadable = high = 0
    # Without a crop box, PDFium gives the page itself, never None.
    left, bottom, right, top = cast(tuple[float, float, float, float], page.get_cropbox())
    after_space = after_break = False
    for index in range(textpage.count_chars()):
        code = raw.FPDFText_GetUnicode(textpage, index)
        if 0xDC00 <= code < 0xE000 and high:
            code = 0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00)
        high = 0
        if code in (0x0A, 0x0D):
            after_break = True
        elif code == LINE_END_HYPHEN or raw.FPDFText_IsHyphen(textpage, index) == 1:
            code = 0x2D
        elif 0xD800 <= code < 0xDC00:
            high = code
            continue
        elif code in UNREADABLE:
            unreadable += 1
            continue
        character = chr(code)
        if character.isspace():
            after_space = True
            continue
        raw.FPDFText_GetLooseCharBox(textpage, index, box)
        raw.FPDFText_GetCharOrigin(textpage, index, x, y)
        if not (left <= x.value <= right and bottom <= y.value <= top):
            continue  # outside the visible page
        turn = round(raw.FPDFText_GetCharAngle(textpage, index) / (math.pi / 2)) % 4
        begin, end, baseline = _upright(turn, box, x.value, y.value)
        raw.FPDFText_GetMatrix(textpage, index, matrix)
        size = raw.FPDFText_GetFontSize(textpage, index) * _height(matrix)
        letters.append(Letter(character, begin, end, baseline, size, turn, after_space, after_break))
        after_space = after_break = False
    textpage.close()
    return letters, unreadable


def _height(matrix: raw.FS_MATRIX) -> float:
    """How far a text matrix moves the top of a letter of height 1 from its base line, slanted or not."""
    width = math.hypot(matrix.a, matrix.b)
    return abs(matrix.a * matrix.d - matrix.b * matrix.c) / width if width else 0.0


def _upright(turn: int, box: raw.FS_RECTF, x: float, y: float) -> tuple[float, float, float]:
    """Left, right and baseline of a character after turning it back by `turn` quarters."""
    return (
        (box.left, box.right, y),
        (-box.top, -box.bottom, x),
        (-box.right, -box.left, -y),
        (box.bottom, box.top, -x),
    )[turn]


def _fragments(letters: list[Letter]) -> list[Fragment]:
    """Pieces of lines: letters that follow each other without a jump. What is turned against the page's text (stamps
    along a margin) is left out."""
    upright = Counter(letter.quarter_turns for letter in letters).most_common(1)
    lines: list[list[Letter]] = []
    for letter in letters:
        if letter.quarter_turns != upright[0][0]:
            continue
        if lines and not _jumps(lines[-1][-1], letter):
            lines[-1].append(letter)
        else:
            lines.append([letter])
    return [_fragment(line) for line in lines]


def _jumps(before: Letter, letter: Letter) -> bool:
    size = max(before.size, letter.size, 1.0)
    if abs(letter.baseline - before.baseline) > size * 0.6 or letter.left < before.left - size * 0.5:
        return True
    same_line = abs(letter.baseline - before.baseline) < SAME_LINE * size
    return (letter.after_break and not same_line) or letter.left - before.right > COLUMN_GAP * size


def _fragment(letters: list[Letter]) -> Fragment:
    size = Counter(round(letter.size, 1) for letter in letters).most_common(1)[0][0]
    baseline = Counter(round(letter.baseline, 1) for letter in letters).most_common(1)[0][0]
    parts = []
    raised = False
    for before, letter in zip([None, *letters], letters, strict=False):
        is_raised = letter.size < SUPERSCRIPT_SIZE * size and letter.baseline > baseline + SUPERSCRIPT_RISE * size
        if raised and not is_raised:
            parts.append(MARK_END)
        if before and (letter.after_space or letter.left - before.right > WORD_GAP * size):
            parts.append(" ")
        if is_raised and not raised:
            parts.append(MARK_START)
        parts.append(letter.text)
        raised = is_raised
    text = "".join(parts) + (MARK_END if raised else "")
    return Fragment(text, letters[0].left, max(letter.right for letter in letters), baseline, size)


def _has_picture(page: pypdfium2.PdfPage) -> bool:
    return next(iter(page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE])), None) is not None


def _outline(document: pypdfium2.PdfDocument) -> dict[int, list[tuple[int, str]]]:
    """Page → bookmarks on it, each with its level (1 is the highest) and title."""
    found: dict[int, list[tuple[int, str]]] = {}
    for bookmark in document.get_toc(max_depth=6):
        target = bookmark.get_dest()
        page = None if target is None else target.get_index()
        if page is not None:
            found.setdefault(page + 1, []).append((bookmark.level + 1, bookmark.get_title()))
    return found


def _listed(numbers: list[int]) -> str:
    shown = ", ".join(map(str, numbers[:5])) + (" …" if len(numbers) > 5 else "")
    return f"{'page' if len(numbers) == 1 else 'pages'} {shown}"
