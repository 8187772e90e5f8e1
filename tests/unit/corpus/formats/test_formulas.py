"""Formulas as text."""

import pytest
from lxml import etree

from localist.corpus.formats.formulas import FORMULA, formula_text

OFFICE = 'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        ("<mi>x</mi><mo>&gt;</mo>\n<mn>0</mn>", "x>0"),
        ("<mfrac><mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow><mn>2</mn></mfrac>", "(a+b)/2"),
        ("<msup><mi>x</mi><mn>2</mn></msup><mo>+</mo><msqrt><mi>y</mi></msqrt>", "x^2+√y"),
        ("<munderover><mo>∑</mo><mi>i</mi><mi>n</mi></munderover><mi>i</mi>", "∑_i^n i"),
        ("<mtable><mtr><mtd><mn>1</mn></mtd><mtd><mn>2</mn></mtd></mtr></mtable>", "[1, 2]"),
        ("<semantics><mi>q</mi><annotation encoding='application/x-tex'>q_</annotation></semantics>", "q"),
        ("<mi>a</mi><mtext> for all </mtext><mi>b</mi>", "a for all b"),
        ("<mphantom><mi>x</mi></mphantom>", FORMULA),
        ("", FORMULA),
    ],
)
def test_mathml_as_text(inside, expected):
    """Catches a formula that is duplicated, run together or lost."""
    assert formula_text(etree.fromstring(f"<math>{inside}</math>")) == expected


def test_alternative_text_is_used_for_an_empty_formula():
    """Catches the loss of a formula given only as alternative text."""
    assert formula_text(etree.fromstring("<math alttext='x &gt; 0'/>")) == "x > 0"


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        ("<m:f><m:ctrlPr/><m:num>{a}</m:num><m:den>{b}</m:den></m:f>", "a/b"),
        ('<m:nary><m:naryPr><m:chr m:val="∑"/></m:naryPr><m:sub>{a}</m:sub><m:sup/><m:e>{b}</m:e></m:nary>', "∑_a b"),
        ('<m:d><m:dPr><m:begChr m:val="["/><m:endChr m:val="]"/></m:dPr><m:e>{a}</m:e></m:d>', "[a]"),
        ("<m:rad><m:radPr/><m:deg/><m:e>{a}</m:e></m:rad>", "√a"),
    ],
)
def test_office_math_as_text(inside, expected):
    """Catches Word formulas that lose their structure."""
    runs = {name: f"<m:r><m:rPr/><m:t>{name}</m:t></m:r>" for name in "ab"}
    assert formula_text(etree.fromstring(f"<m:oMath {OFFICE}>{inside.format(**runs)}</m:oMath>")) == expected
