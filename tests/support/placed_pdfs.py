"""Books as PDFs with explicitly placed words or lines: text layers of scans, sizes in the text matrix, Chinese.

They imitate the output of OCR programs, layout programs and browsers, from a known text and without these programs.
"""

import math
import random
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from book_makers import TITLE, Chapter
from sample_files import PdfText, pdf_bytes, pdf_string, written

COURIER = "/Subtype /Type1 /BaseFont /Courier /Encoding /WinAnsiEncoding"
COURIER_WIDTH = 0.6
SONG = (
    "/Subtype /Type0 /BaseFont /STSong-Light /Encoding /UniGB-UCS2-H /DescendantFonts [<< /Type /Font "
    "/Subtype /CIDFontType0 /BaseFont /STSong-Light /DW 1000 "
    "/CIDSystemInfo << /Registry (Adobe) /Ordering (GB1) /Supplement 2 >> "
    "/FontDescriptor << /Type /FontDescriptor /FontName /STSong-Light /Flags 4 /FontBBox [0 -200 1000 900] "
    "/ItalicAngle 0 /Ascent 880 /Descent -120 /StemV 80 >> >>]"
)
LEFT, TOP, FOOT, LEADING = 80.0, 760.0, 80.0, 13.0
LINES = int((TOP - FOOT) / LEADING)
TITLE_LINES = 4
HEAD, NUMBER = 800.0, 40.0
PARAGRAPH = 2  # characters of indent
# Chinese characters, which may follow each other in any order.
HANZI = (
    "的一是不了人我在有他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可她里后"
    "小么心多天而能好都然没日于起还发成事只作当想看文无开手十用主行方又如前所本见经头面公同三已老从动两长"
)


@dataclass(frozen=True)
class Placed:
    """A line of text at height `y` of its page; the `last` line of a paragraph is not justified."""

    text: str
    y: float
    size: float
    indent: int = 0
    last: bool = True


def ocr_pdf(chapters: Sequence[Chapter], path: Path, *, characters: int = 52) -> Path:
    """An invisible text layer: words placed one by one in a narrow justified column.

    Baselines slope and waver, and sizes vary from line to line.
    """
    chance = random.Random(1)
    pages = [
        [word for line in page for word in _wavering_words(line, characters, chance)]
        for page in _pages(chapters, characters, partial(textwrap.wrap, width=characters - PARAGRAPH))
    ]
    return written(path, pdf_bytes(pages, font=COURIER, shown=_invisible, picture=True))


def unit_font_pdf(chapters: Sequence[Chapter], path: Path, *, characters: int = 64) -> Path:
    """Fonts of size 1, which the text matrix scales to their visible size."""
    pages = [
        [(LEFT + COURIER_WIDTH * line.size * line.indent, line.y, line.size, line.text) for line in page]
        for page in _pages(chapters, characters, partial(textwrap.wrap, width=characters - PARAGRAPH))
    ]
    return written(path, pdf_bytes(pages, font=COURIER, shown=_scaled))


def chinese_pdf(chapters: Sequence[Chapter], path: Path, *, characters: int = 40) -> Path:
    """Chinese text: every line filled, no spaces."""
    pages = [
        [(LEFT + line.size * line.indent, line.y, line.size, line.text) for line in page]
        for page in _pages(chapters, characters, lambda text: _cut(text, characters - PARAGRAPH))
    ]
    return written(path, pdf_bytes(pages, font=SONG, shown=_in_hex))


def chinese_chapters(chapters: Sequence[Chapter]) -> list[Chapter]:
    """As many chapters and paragraphs, about a quarter as long, of random Chinese characters."""
    chance = random.Random(1)

    def words(count: int) -> str:
        return "".join(chance.choices(HANZI, k=count))

    def paragraph(length: int) -> str:
        clauses = [words(chance.randint(6, 14)) for _ in range(max(2, length // 40))]
        return "，".join(clauses) + "。"

    return [Chapter(words(6), tuple(paragraph(len(one)) for one in chapter.paragraphs)) for chapter in chapters]


def _pages(chapters: Sequence[Chapter], characters: int, wrap: Callable[[str], list[str]]) -> Iterator[list[Placed]]:
    """Pages of lines: a chapter's first page has its title, others a running head, and all a number at the foot."""
    number = 0
    for chapter in chapters:
        lines = [placed for paragraph in chapter.paragraphs for placed in _paragraph(wrap(paragraph))]
        room = LINES - TITLE_LINES
        while lines:
            number += 1
            opens = room < LINES
            head = Placed(chapter.title, TOP, 24) if opens else Placed(chapter.title if number % 2 else TITLE, HEAD, 10)
            top = TOP - LEADING * (LINES - room)
            page = [
                Placed(text, top - LEADING * row, 10, indent, last)
                for row, (text, indent, last) in enumerate(lines[:room])
            ]
            yield [head, *page, Placed(str(number), NUMBER, 10, characters // 2)]
            lines, room = lines[room:], LINES


def _paragraph(lines: Sequence[str]) -> Iterator[tuple[str, int, bool]]:
    for number, line in enumerate(lines):
        yield line, 0 if number else PARAGRAPH, number == len(lines) - 1


def _cut(text: str, width: int) -> list[str]:
    return [text[start : start + width] for start in range(0, len(text), width)]


def _wavering_words(line: Placed, characters: int, chance: random.Random) -> Iterator[PdfText]:
    words = line.text.split()
    em = COURIER_WIDTH * line.size
    room = (characters - line.indent - sum(map(len, words))) * em
    gap = em if line.last else room / max(1, len(words) - 1)
    x = LEFT + em * line.indent
    size = line.size * chance.choice((0.85, 0.9, 1.0, 1.0, 1.05, 1.3))
    for word in words:
        wave = 1.2 * math.sin(x / 40) + 0.012 * (x - LEFT) + chance.uniform(-0.5, 0.5)
        yield x, line.y + wave, size, word
        x += em * len(word) + gap


def _invisible(placed: PdfText) -> str:
    x, y, size, text = placed
    wide = 100 * 10 / size if size < 20 else 100  # the word is as wide as in the image
    return f"BT 3 Tr /F {size:.2f} Tf {wide:.1f} Tz 1 0 0 1 {x:.2f} {y:.2f} Tm ({pdf_string(text)}) Tj ET"


def _scaled(placed: PdfText) -> str:
    x, y, size, text = placed
    return f"BT /F 1 Tf {size} 0 0 {size} {x} {y} Tm ({pdf_string(text)}) Tj ET"


def _in_hex(placed: PdfText) -> str:
    x, y, size, text = placed
    return f"BT /F {size} Tf 1 0 0 1 {x} {y} Tm <{text.encode('utf-16-be').hex()}> Tj ET"
