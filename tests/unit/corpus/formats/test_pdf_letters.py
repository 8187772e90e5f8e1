"""Letters of PDFs: sizes on the page, ligatures and accents of TeX fonts, tilted letters."""

from collections import Counter

import pypdfium2
import pytest
from sample_files import HELVETICA, pdf_bytes, pdf_string

from localist.corpus.formats.pdf_letters import letters_of, ligatures_of

# Letters identified only by their code, as in TeX bitmap fonts: each is an empty glyph, half the size wide.
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
def test_the_size_is_measured_on_the_page(matrix):
    """Catches sizes of fonts at size 1 that ignore the text matrix (slanted, rotated or narrow)."""
    found = letters(shown=f"BT /F 1 Tf {matrix} 72 700 Tm (Words.) Tj ET")
    assert {round(one.size, 3) for one in found.letters} == {11.0}


def test_the_scale_of_the_page_affects_the_size():
    """Catches sizes taken before the page's scaling is applied."""
    found = letters(shown="q 0.1 0 0 0.1 0 0 cm BT /F 110 Tf 1 0 0 1 720 7000 Tm (Words.) Tj ET Q")
    assert {round(one.size, 3) for one in found.letters} == {11.0}


def test_sizes_in_a_scanned_text_layer_are_evened_out():
    """Catches OCR estimates that differ by a third among lines of one size."""
    lines = "".join(
        f"BT 3 Tr /F {size} Tf 1 0 0 1 72 {y} Tm (Some words of a line) Tj ET "
        for size, y in ((10, 700), (13, 687), (9, 674), (10, 661), (24, 600))
    )
    assert Counter(one.size for one in letters(shown=lines).letters).keys() == {10.0, 24.0}


def test_the_tex_ligature_encoding_is_inferred_from_the_document():
    """Catches ligatures lost because a font identifies them only by code, or decoded with the wrong encoding."""
    assert ligatures_of(Counter({28: 5, 12: 1})) == {28: "fi", 12: ""}
    assert ligatures_of(Counter({12: 5, 28: 1})) == {28: "", 12: "fi"}
    assert ligatures_of(Counter({13: 1})) == {13: "fl"}
    assert ligatures_of(Counter()) == {}


def test_unknown_codes_are_counted():
    """Catches control codes other than ligatures dropped without being counted."""
    text = pdf_string("of\x1c\x05o")
    found = letters(font=TYPE3.format(unit="0.01"), shown=f"BT /F 11 Tf 1 0 0 1 72 700 Tm ({text}) Tj ET")
    assert "".join(one.text for one in found.letters) == "of\x1co"
    assert (found.unreadable, found.tex_codes) == (1, Counter({0x1C: 1}))


def test_tilted_letters_are_counted_and_removed():
    """Catches a diagonal watermark in the middle of sentences, and a slightly tilted scan mistaken for one."""
    stamp = "BT /F 60 Tf 0.7 0.7 -0.7 0.7 100 300 Tm (COPY) Tj ET"
    found = letters(shown=f"{stamp} BT /F 11 Tf 0.999 0.03 -0.03 0.999 72 700 Tm (Words.) Tj ET")
    assert "".join(one.text for one in found.letters) == "Words."
    assert found.askew == 4


def test_an_accent_over_a_letter_is_combined_with_it():
    """Catches names split by accents of old TeX fonts (G¨odel, Capekˇ), and separate accents added to a letter."""
    overlaid = "BT /F 10 Tf 1 0 0 1 72 700 Tm (G) Tj 1 0 0 1 80.7 700 Tm (\\250) Tj 1 0 0 1 80 700 Tm (odel) Tj ET"
    raised = "BT /F 10 Tf 1 0 0 1 72 700 Tm (Eva) Tj 1 0 0 1 74 702 Tm (\\264) Tj ET"
    alone = "BT /F 10 Tf 1 0 0 1 72 700 Tm (a) Tj 1 0 0 1 90 700 Tm (\\264) Tj ET"
    texts = ["".join(one.text for one in letters(shown=one).letters) for one in (overlaid, raised, alone)]
    assert texts == ["Gödel", "Éva", "a´"]
