"""Letters of PDFs: sizes on the page, ligatures of TeX's fonts, letters askew, vertical lines."""

from collections import Counter

import pypdfium2
import pytest
from sample_files import HELVETICA, pdf_bytes, pdf_string

from localist.corpus.formats.pdf_letters import letters_of, ligatures_of

# Letters known by their code alone, as in bitmap fonts of TeX: each is an empty glyph of half the size.
CODES = {102: "/a102", 105: "/a105", 111: "/a111", 28: "/a28", 12: "/a12", 5: "/a5"}
TYPE3 = (
    "/Subtype /Type3 /FontBBox [0 0 50 70] /FontMatrix [{unit} 0 0 {unit} 0 0] /FirstChar 0 /LastChar 127 "
    "/Widths ["
    + "50 " * 128
    + "] /Resources << >> /Encoding << /Differences ["
    + " ".join(f"{code} {name}" for code, name in sorted(CODES.items()))
    + "] >> /CharProcs << >>"
)


def letters(font=HELVETICA, shown=None, text="Words.", more=""):
    """The letters of a page with one text at (72, 700), shown by the operators `shown`."""
    content = pdf_bytes([[(72, 700, 11, text)]], font=font, shown=lambda _: shown or "", more=more)
    document = pypdfium2.PdfDocument(content)
    return letters_of(document[0])


@pytest.mark.parametrize("matrix", ["11 0 0 11", "11 0 2.3 11", "0 11 -11 0", "7 0 0 11"])
def test_the_size_is_that_on_the_page(matrix):
    """Catches the size of fonts of unit size, whose real one is in the text matrix: slanted, turned or narrow."""
    found = letters(shown=f"BT /F 1 Tf {matrix} 72 700 Tm (Words.) Tj ET")
    assert {round(one.size, 3) for one in found.letters} == {11.0}


def test_the_size_of_a_scaled_page_counts():
    """Catches sizes taken before the page's own scale."""
    found = letters(shown="q 0.1 0 0 0.1 0 0 cm BT /F 110 Tf 1 0 0 1 720 7000 Tm (Words.) Tj ET Q")
    assert {round(one.size, 3) for one in found.letters} == {11.0}


def test_sizes_of_a_scan_s_text_layer_are_even():
    """Catches lines of one size that differ by a third because a program measured them in a picture."""
    lines = "".join(
        f"BT 3 Tr /F {size} Tf 1 0 0 1 72 {y} Tm (Some words of a line) Tj ET "
        for size, y in ((10, 700), (13, 687), (9, 674), (10, 661), (24, 600))
    )
    assert Counter(one.size for one in letters(shown=lines).letters).keys() == {10.0, 24.0}


def test_ligatures_of_tex_are_told_apart_by_the_document():
    """Catches letters lost because a font names its ligatures by code, and those of one encoding read by the other."""
    assert ligatures_of(Counter({28: 5, 12: 1})) == {28: "fi", 12: ""}
    assert ligatures_of(Counter({12: 5, 28: 1})) == {28: "", 12: "fi"}
    assert ligatures_of(Counter({13: 1})) == {13: "fl"}
    assert ligatures_of(Counter()) == {}


def test_codes_without_meaning_are_counted():
    """Catches letters of fonts that are lost without a word: control codes that are no ligature."""
    text = pdf_string("of\x1c\x05o")
    found = letters(font=TYPE3.format(unit="0.01"), shown=f"BT /F 11 Tf 1 0 0 1 72 700 Tm ({text}) Tj ET")
    assert "".join(one.text for one in found.letters) == "of\x1co"
    assert (found.unreadable, found.tex_codes) == (1, Counter({0x1C: 1}))


def test_letters_askew_are_counted_and_left_out():
    """Catches a diagonal watermark in the middle of sentences, and a scan's slight slope taken for one."""
    stamp = "BT /F 60 Tf 0.7 0.7 -0.7 0.7 100 300 Tm (COPY) Tj ET"
    found = letters(shown=f"{stamp} BT /F 11 Tf 0.999 0.03 -0.03 0.999 72 700 Tm (Words.) Tj ET")
    assert "".join(one.text for one in found.letters) == "Words."
    assert found.askew == 4


def test_an_accent_over_a_letter_is_part_of_it():
    """Catches names torn by the accents of TeX's old fonts (G¨odel, Capekˇ), and accents that stand alone."""
    overlaid = "BT /F 10 Tf 1 0 0 1 72 700 Tm (G) Tj 1 0 0 1 80.7 700 Tm (\\250) Tj 1 0 0 1 80 700 Tm (odel) Tj ET"
    raised = "BT /F 10 Tf 1 0 0 1 72 700 Tm (Eva) Tj 1 0 0 1 74 702 Tm (\\264) Tj ET"
    alone = "BT /F 10 Tf 1 0 0 1 72 700 Tm (a) Tj 1 0 0 1 90 700 Tm (\\264) Tj ET"
    texts = ["".join(one.text for one in letters(shown=one).letters) for one in (overlaid, raised, alone)]
    assert texts == ["Gödel", "Éva", "a´"]
