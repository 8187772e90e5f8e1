"""Text in any encoding: detected, declared, or refused with the location."""

import pytest

from localist.corpus.formats import decoding
from localist.corpus.formats.decoding import decode
from localist.plumbing.errors import UserError

GERMAN = "Über allen Gipfeln ist Ruh, in allen Wipfeln spürest du kaum einen Hauch; die Vögelein schweigen im Walde."
FRENCH = "Sous le pont Mirabeau coule la Seine, et nos amours : faut-il qu'il m'en souvienne, la joie venait après."
POLISH = "Litwo, ojczyzno moja, ty jesteś jak zdrowie; ile cię trzeba cenić, ten tylko się dowie, kto cię stracił."
RUSSIAN = "Мой дядя самых честных правил, когда не в шутку занемог, он уважать себя заставил и лучше выдумать не мог."
GREEK = "Άνδρα μοι έννεπε, Μούσα, πολύτροπον, ος μάλα πολλά πλάγχθη, επεί Τροίης ιερόν πτολίεθρον έπερσεν."
HEBREW = "כל בני האדם נולדו בני חורין ושווים בערכם ובזכויותיהם, כולם חוננו בתבונה ובמצפון."
ARABIC = "يولد جميع الناس أحرارا متساوين في الكرامة والحقوق وقد وهبوا عقلا وضميرا."
JAPANESE = "すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。"
CHINESE = "人人生而自由,在尊严和权利上一律平等。他们赋有理性和良心,并应以兄弟关系的精神相对待。"
KOREAN = "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다."


@pytest.mark.parametrize(
    ("text", "encodings"),
    [
        (GERMAN, ["utf-8", "utf-8-sig", "utf-16", "utf-32", "latin-1", "cp1252", "utf-16-le", "utf-16-be"]),
        (FRENCH, ["cp1252", "iso8859-15", "utf-8"]),
        (POLISH, ["cp1250", "iso8859-2"]),
        (RUSSIAN, ["cp1251", "koi8-r", "iso8859-5", "cp866", "utf-16-le"]),
        (GREEK, ["cp1253", "iso8859-7"]),
        (HEBREW, ["cp1255", "iso8859-8"]),
        (ARABIC, ["cp1256", "iso8859-6"]),
        (JAPANESE, ["shift_jis", "euc-jp", "iso2022_jp", "utf-16"]),
        (CHINESE, ["gb18030", "utf-16"]),
        (KOREAN, ["euc-kr"]),
    ],
)
def test_text_is_decoded_from_any_encoding(text, encodings):
    """Catches letters of the wrong alphabet, a byte order mark in the text, and bytes read in the wrong order."""
    for encoding in encodings:
        whole = "\n".join([text] * 3)
        assert decode(whole.encode(encoding), "book.txt")[0] == whole, encoding


@pytest.mark.parametrize(
    "head",
    [
        '<?xml version="1.0" encoding="windows-1250"?>',
        "<meta charset='windows-1250'>",
        '<meta content="x; charset=cp1250">',
    ],
)
def test_a_declared_encoding_is_used(head):
    """Catches a declared encoding overridden by a guess from a few letters."""
    text = f"{head}<p>ł</p>"
    assert decode(text.encode("cp1250"), "page.html", markup=True)[0] == text


def test_an_impossible_declaration_is_ignored():
    """Catches UTF-8 pages decoded by a false or unknown declaration, common where servers re-encode."""
    for declared in ("utf-16", "ascii", "klingon"):
        text = f'<meta charset="{declared}"><p>ł “quoted”</p>'
        assert decode(text.encode(), "page.html", markup=True) == (text, "utf-8")


def test_latin_1_pages_are_decoded_as_cp1252():
    """Catches control characters instead of Windows quotes and dashes (browsers read latin-1 as cp1252)."""
    assert "“a”" in decode('<meta charset="iso-8859-1">“a”'.encode("cp1252"), "page.html", markup=True)[0]


def test_the_configured_encoding_takes_precedence():
    """Catches a configured encoding that is ignored, or that ends in a traceback if it does not fit."""
    assert decode("ł".encode("iso8859-2"), "book.txt", "iso8859-2")[0] == "ł"
    with pytest.raises(UserError, match=r"book\.txt: the encoding utf-8 does not fit.*corpus\.encoding"):
        decode(b"\xe9", "book.txt", "utf-8")
    with pytest.raises(UserError, match=r"the encoding klingon is not known.*corpus\.encoding"):
        decode(b"a", "book.txt", "klingon")


def test_line_ends_are_normalised():
    """Catches carriage returns left in the text."""
    assert decode(b"a\r\nb\rc\n", "book.txt")[0] == "a\nb\nc\n"


def test_mixed_encodings_are_refused_with_the_line():
    """Catches a file of mixed encodings decoded with only one of them."""
    content = "\n".join([RUSSIAN, GERMAN]).encode() + b"\n" + GERMAN.encode("latin-1")
    with pytest.raises(UserError, match=r"book\.txt: mixes encodings.*line 3 .*corpus\.encoding"):
        decode(content, "book.txt")


def test_nul_bytes_are_refused_with_the_line():
    """Catches a damaged or binary file read as text."""
    with pytest.raises(UserError, match=r"book\.txt: has a NUL byte in line 2 \(byte 12\)"):
        decode(b"First line.\n\0\nThird.", "book.txt")


def test_an_overlong_line_is_refused(monkeypatch):
    """Catches a data dump without line ends that exhausts memory in later steps."""
    monkeypatch.setattr(decoding, "LONGEST_LINE", 100)
    with pytest.raises(UserError, match=r"book\.txt: line 2 has 101 bytes"):
        decode(b"short\n" + b"x" * 101 + b"\nshort", "book.txt")
