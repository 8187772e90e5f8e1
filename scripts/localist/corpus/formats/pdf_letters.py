"""The letters of a PDF page with positions and true sizes, read by PDFium (nothing is rendered, no scripts run)."""

import ctypes
import math
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from statistics import median
from typing import NamedTuple, cast

import pypdfium2
from pypdfium2 import raw

# Codes of letters whose font has no Unicode map.
UNREADABLE = {0, 0xFFFD, *range(0xD800, 0xF900)}
# PDFium replaces a hyphen at a line end with this.
LINE_END_HYPHEN = 0x02
# Codes of ligatures in TeX fonts: in the old encoding (OT1) and in the Cork encoding (T1).
LIGATURES = ("ff", "fi", "fl", "ffi", "ffl")
OLD_TEX = dict(zip(range(11, 16), LIGATURES, strict=True))
NEW_TEX = dict(zip(range(27, 32), LIGATURES, strict=True))
CONTROLS = {*range(0x20), *range(0x7F, 0xA0)}
# Contextual forms of Arabic and Hebrew letters.
PRESENTATION_FORMS = {*range(0xFB1D, 0xFE00), *range(0xFE70, 0xFEFF)}
# Chinese, Japanese and Korean characters, which may be set vertically.
EAST_ASIAN = {*range(0x2E80, 0xD7B0), *range(0xF900, 0xFB00), *range(0xFE30, 0xFE50), *range(0xFF00, 0xFFF0)}
# Spacing accents that fonts without accented letters (TeX's OT1) print over the letter → combining accents.
ACCENTS = dict(
    zip(
        "`^~¨¯´¸ˆˇ˘˙˚˛˜˝",
        "\u0300\u0302\u0303\u0308\u0304\u0301\u0327\u0302\u030c\u0306\u0307\u030a\u0328\u0303\u030b",
        strict=True,
    )
)
DOTLESS = str.maketrans("ıȷ", "ij")
# How far from an accent its letter is searched for, in letters.
LINE = 200
MOSTLY = 0.5
# Letter widths in multiples of the size, if that size is plausible; some bitmap fonts state size 1 in their own units.
TRUE_WIDTHS = (0.1, 3.0)
# Letter heights in such fonts, in multiples of the size: without ascenders, and with them (or capitals).
SHORT, TALL = 0.45, 0.68
SHORT_LETTERS = frozenset("acemnorsuvwxz")
SAME_LINE = 0.1
# The font sizes of OCR text layers fluctuate: sizes within these multiples of the usual size are set to it.
WAVERING = (0.6, 1.6)
SAMPLE = 50
# Letters rotated by more than this from a quarter turn, in radians, are oblique.
ASKEW = 0.3

Box = tuple[float, float, float, float]  # left, bottom, right, top
NOWHERE = (0.0, 0.0, 0.0, 0.0)


class Letter(NamedTuple):
    """A character, its position (points; y grows upwards), and whether white space precedes it.

    `origin` is the position of its glyph in the line, which several characters may share; `typed_space`: the space
    before it is a character in the file.
    """

    text: str
    left: float
    right: float
    baseline: float
    size: float
    quarter_turns: int
    after_space: bool
    after_break: bool
    origin: float
    typed_space: bool


@dataclass(frozen=True)
class PageLetters:
    """The letters of a page in file order, and how many are missing: without Unicode mapping, or at an oblique angle.

    of_scan: they are the text layer of a scan, in which font sizes fluctuate.
    """

    letters: list[Letter]
    unreadable: int = 0
    askew: int = 0
    tex_codes: Counter[int] = field(default_factory=Counter)
    of_scan: bool = False


class _Glyph(NamedTuple):
    code: int
    box: Box
    x: float
    y: float
    size: float
    turn: int | None  # in quarters; None if oblique
    generated: bool
    coded: bool  # identified only by its code


def letters_of(page: pypdfium2.PdfPage) -> PageLetters:
    """Read the letters of a page, except those outside its visible part or at an oblique angle (watermarks, labels).

    Ligatures of TeX fonts that are identified only by their code are left as codes, for `ligatures_of`.
    """
    textpage = page.get_textpage()
    try:
        glyphs = list(_glyphs(textpage))
        invisible = _is_invisible(textpage)
    finally:
        textpage.close()
    # Without a crop box, PDFium gives the page itself, never None.
    left, bottom, right, top = cast(Box, page.get_cropbox())
    vertical = _is_vertical(glyphs)
    letters: list[Letter] = []
    heights: list[float] = []
    unreadable = askew = 0
    tex_codes: Counter[int] = Counter()
    after_space = typed_space = after_break = False
    for glyph in glyphs:
        if not glyph.coded and chr(glyph.code).isspace():
            after_break = after_break or glyph.code in (0x0A, 0x0D)
            after_space, typed_space = True, typed_space or not glyph.generated
        elif _is_unreadable(glyph):
            unreadable += 1
        elif not (left <= glyph.x <= right and bottom <= glyph.y <= top):
            continue
        elif glyph.turn is None:
            askew += 1
        else:
            tex_codes[glyph.code] += glyph.coded and glyph.code in CONTROLS
            stands_below = vertical and glyph.code in EAST_ASIAN and glyph.turn == 0
            turn, box = (1, _square(glyph)) if stands_below else (glyph.turn, glyph.box)
            heights.append(box[3] - box[1] if turn % 2 == 0 else box[2] - box[0])
            begin, end, baseline, origin = _upright(turn, box, glyph.x, glyph.y)
            spaces = (after_space, after_break)
            letters.append(
                Letter(_character(glyph.code), begin, end, baseline, glyph.size, turn, *spaces, origin, typed_space)
            )
            after_space = typed_space = after_break = False
    letters = _with_even_sizes(letters) if invisible else _with_true_sizes(letters, heights)
    return PageLetters(_with_accents(letters), unreadable, askew, +tex_codes, invisible)


def _is_unreadable(glyph: _Glyph) -> bool:
    is_ligature = glyph.code in OLD_TEX or glyph.code in NEW_TEX
    return glyph.code in UNREADABLE or (glyph.coded and glyph.code in CONTROLS and not is_ligature)


def _character(code: int) -> str:
    return unicodedata.normalize("NFKC", chr(code)) if code in PRESENTATION_FORMS else chr(code)


def _with_accents(letters: list[Letter]) -> list[Letter]:
    """The letters, each combined with the accent over it; PDFium may place a raised accent after its line."""
    made: dict[int, Letter | None] = {}
    for place in (number for number, one in enumerate(letters) if one.text in ACCENTS):
        # ASCII accents also occur in program code.
        far = () if letters[place].text.isascii() else range(max(0, place - LINE), place + LINE)
        bases = (n for n in (place + 1, place - 1, *far) if 0 <= n < len(letters) and n not in made)
        base = next((number for number in bases if _is_over(letters[place], letters[number])), None)
        if base is not None:
            first = letters[min(base, place)] if abs(base - place) == 1 else letters[base]
            made[place] = None
            made[base] = letters[base]._replace(
                text=_composed(letters[place], letters[base]),
                after_space=first.after_space,
                after_break=first.after_break,
                typed_space=first.typed_space,
            )
    found = (made.get(number, one) for number, one in enumerate(letters)) if made else letters
    return [one for one in found if one is not None]


def _is_over(accent: Letter, base: Letter) -> bool:
    return (
        base.left <= (accent.left + accent.right) / 2 <= base.right
        and abs(accent.baseline - base.baseline) < MOSTLY * base.size
        and base.text.isalpha()
        and len(_composed(accent, base)) == 1
    )


def _composed(accent: Letter, base: Letter) -> str:
    return unicodedata.normalize("NFC", base.text.translate(DOTLESS) + ACCENTS[accent.text])


def _square(glyph: _Glyph) -> Box:
    return glyph.x, glyph.y, glyph.x + glyph.size, glyph.y + glyph.size


def _glyphs(textpage: pypdfium2.PdfTextPage) -> Iterator[_Glyph]:
    page, count = textpage.raw, textpage.count_chars()
    box, matrix, x, y = raw.FS_RECTF(), raw.FS_MATRIX(), ctypes.c_double(), ctypes.c_double()
    box_at, matrix_at, x_at, y_at = (ctypes.byref(one) for one in (box, matrix, x, y))
    high = 0
    values, height, turn = (0.0, 0.0, 0.0, 0.0), 0.0, None
    for index in range(count):
        code = raw.FPDFText_GetUnicode(page, index)
        generated = coded = False
        if code < 0x41 or code > 0x7A:
            if 0xDC00 <= code < 0xE000 and high:
                code = 0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00)
            high = 0
            if 0xD800 <= code < 0xDC00:
                high = code
                continue
            if code == LINE_END_HYPHEN or raw.FPDFText_IsHyphen(page, index) == 1:
                code = ord("-")
            space = chr(code).isspace()
            generated = space and raw.FPDFText_IsGenerated(page, index) == 1
            coded = code in CONTROLS and not generated and raw.FPDFText_HasUnicodeMapError(page, index) == 1
            if space and not coded:
                yield _Glyph(code, NOWHERE, 0.0, 0.0, 0.0, None, generated, coded)
                continue
        raw.FPDFText_GetLooseCharBox(page, index, box_at)
        raw.FPDFText_GetCharOrigin(page, index, x_at, y_at)
        raw.FPDFText_GetMatrix(page, index, matrix_at)
        if values != (matrix.a, matrix.b, matrix.c, matrix.d):
            values = (matrix.a, matrix.b, matrix.c, matrix.d)
            height, turn = _height(*values), _quarter_turns(raw.FPDFText_GetCharAngle(page, index))
        size = raw.FPDFText_GetFontSize(page, index) * height
        edges = (box.left, box.bottom, box.right, box.top)
        yield _Glyph(code, edges, x.value, y.value, size, turn, generated, coded)


def _quarter_turns(angle: float) -> int | None:
    """The rotation in quarter turns; None if the angle is oblique."""
    turns = round(angle / (math.pi / 2))
    return turns % 4 if abs(angle - turns * math.pi / 2) <= ASKEW else None


def ligatures_of(codes: Counter[int]) -> dict[int, str]:
    """Code → letters of the TeX ligature, empty for other codes. The encoding is inferred from `codes`, those of a
    complete document."""
    table = max((NEW_TEX, OLD_TEX), key=lambda table: sum(codes[code] for code in table))
    return {code: table.get(code, "") for code in codes}


def _height(a: float, b: float, c: float, d: float) -> float:
    """How far a text matrix moves the top of a letter of height 1 from its baseline, slanted or not."""
    width = math.hypot(a, b)
    return abs(a * d - b * c) / width if width else 0.0


def _is_invisible(textpage: pypdfium2.PdfTextPage) -> bool:
    """Whether most text is invisible, searchable only: the text layer of a scan."""
    drawn = [raw.FPDFText_GetTextObject(textpage, index) for index in range(0, textpage.count_chars(), SAMPLE)]
    modes = [raw.FPDFTextObj_GetTextRenderMode(one) for one in drawn if one]
    return sum(mode == raw.FPDF_TEXTRENDERMODE_INVISIBLE for mode in modes) > MOSTLY * len(modes)


def _is_vertical(glyphs: Iterable[_Glyph]) -> bool:
    """Whether most East Asian characters are placed below the one before."""
    below = beside = 0
    before = None
    for glyph in glyphs:
        if glyph.code not in EAST_ASIAN:
            before = None
            continue
        if before is not None:
            along, down = abs(glyph.x - before.x), before.y - glyph.y
            below += along < 0.3 * glyph.size and 0.5 * glyph.size < down < 2 * glyph.size
            beside += abs(down) < 0.3 * glyph.size
        before = glyph
    return below > beside


def _upright(turn: int, box: Box, x: float, y: float) -> tuple[float, float, float, float]:
    """Left, right, baseline and origin of a character after rotating it back by `turn` quarters."""
    left, bottom, right, top = box
    if turn == 0:
        return left, right, y, x
    return (
        (left, right, y, x),
        (-top, -bottom, x, -y),
        (-right, -left, -y, -x),
        (bottom, top, -x, y),
    )[turn]


def _with_even_sizes(letters: list[Letter]) -> list[Letter]:
    usual = median(one.size for one in letters) if letters else 0.0
    return [one._replace(size=even_size(one.size, usual)) for one in letters]


def even_size(size: float, usual: float) -> float:
    """The usual size, if `size` (of a letter in a scan) is close to it; else `size`."""
    least, most = WAVERING
    return usual if least * usual < size < most * usual else size


def _with_true_sizes(letters: list[Letter], heights: list[float]) -> list[Letter]:
    """The letters; implausible sizes are replaced with estimates from the letter heights of each line."""
    least, most = TRUE_WIDTHS
    ratios = [(one.right - one.left) / one.size if one.size > 0 else math.inf for one in letters]
    if not letters or least <= median(ratios) <= most:
        return letters
    sized, start = [], 0
    for end in range(1, len(letters) + 1):
        if end < len(letters) and abs(letters[end].baseline - letters[start].baseline) <= SAME_LINE * heights[start]:
            continue
        measured = [
            height / (SHORT if one.text in SHORT_LETTERS else TALL)
            for one, height in zip(letters[start:end], heights[start:end], strict=True)
            if one.text.isalnum()
        ]
        size = median(measured or heights[start:end])
        sized += [one._replace(size=size) for one in letters[start:end]]
        start = end
    return sized
