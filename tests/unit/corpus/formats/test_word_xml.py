"""Word's XML: invisible content is removed, and text that the library skips is kept."""

import pytest
from sample_files import docx_members, word_paragraph, zipped

from localist.corpus.cleaning import clean
from localist.corpus.formats.book import HEADING
from localist.corpus.formats.docx import read_docx


def read(tmp_path, members):
    (book,) = read_docx(zipped(tmp_path / "book.docx", members))
    return book


def run(text, properties=""):
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def prose(tmp_path, body, **more):
    return [" ".join(one.text.split()) for one in read(tmp_path, docx_members(body) | more).paragraphs]


STYLES = (
    '<w:style w:type="character" w:styleId="Base"><w:rPr><w:vanish/></w:rPr></w:style>'
    '<w:style w:type="character" w:styleId="Secret"><w:basedOn w:val="Base"/></w:style>'
    '<w:style w:type="paragraph" w:styleId="Hidden"><w:rPr><w:vanish w:val="true"/></w:rPr></w:style></w:styles>'
)
VANISH, SHOWN, SECRET_STYLE = "<w:vanish/>", '<w:vanish w:val="0"/>', '<w:rStyle w:val="Secret"/>'
SEEN, SECRET = run("Seen."), run("SECRET")
DELETED = f"<w:del>{SECRET}<w:r><w:delText>SECRET</w:delText></w:r></w:del>"
PLACEHOLDER = f"<w:sdt><w:sdtPr><w:showingPlcHdr/></w:sdtPr><w:sdtContent>{SECRET}</w:sdtContent></w:sdt>"
PICTURE = '<w:r><w:drawing><wp:inline><wp:docPr descr="SECRET" title="SECRET"/></wp:inline></w:drawing></w:r>'
FIELD = "".join(
    f"<w:r>{part}</w:r>"
    for part in (
        '<w:fldChar w:fldCharType="begin"/>',
        "<w:instrText>SECRET</w:instrText>",
        '<w:fldChar w:fldCharType="end"/>',
    )
)
HIDDEN = {
    "run": f"<w:p>{SEEN}{run(' SECRET', VANISH)}</w:p>",
    "style of characters": f"<w:p>{SEEN}{run('SECRET', SECRET_STYLE)}</w:p>",
    "style of the paragraph": f'<w:p>{SEEN}</w:p><w:p><w:pPr><w:pStyle w:val="Hidden"/></w:pPr>{SECRET}</w:p>',
    "not hidden after all": f"<w:p>{run('Seen.', SHOWN)}</w:p>",
    "deleted": f"<w:p>{SEEN}{DELETED}</w:p>",
    "moved away": f"<w:p>{SEEN}<w:moveFrom>{SECRET}</w:moveFrom></w:p>",
    "cell": f"<w:tbl><w:tr><w:tc><w:tcPr><w:cellDel/></w:tcPr><w:p>{SECRET}</w:p></w:tc>"
    f"<w:tc><w:p>{SEEN}</w:p></w:tc></w:tr></w:tbl>",
    "placeholder": f"<w:p>{SEEN}{PLACEHOLDER}</w:p>",
    "alternative text": f"<w:p>{SEEN}{PICTURE}</w:p>",
    "properties of a control": '<w:p><w:sdt><w:sdtPr><w:alias w:val="SECRET"/></w:sdtPr>'
    f"<w:sdtContent>{SEEN}</w:sdtContent></w:sdt></w:p>",
    "field": f"<w:p>{SEEN}{FIELD}</w:p>",
}


@pytest.mark.parametrize("body", HIDDEN.values(), ids=list(HIDDEN))
def test_invisible_content_stays_out(tmp_path, body):
    """Catches hidden, deleted or moved text, descriptions and properties in the text."""
    styles = docx_members()["word/styles.xml"].replace("</w:styles>", STYLES)
    assert prose(tmp_path, body, **{"word/styles.xml": styles}) == ["Seen."]


BOX = "<w:txbxContent><w:p><w:r><w:t>Box.</w:t></w:r></w:p></w:txbxContent>"
VML = f'<w:pict><v:shape xmlns:v="urn:schemas-microsoft-com:vml"><v:textbox>{BOX}</v:textbox></v:shape></w:pict>'
DRAWN = (
    f'<w:drawing><wp:anchor><a:graphic><wps:txbx xmlns:wps="urn:x">{BOX}</wps:txbx></a:graphic></wp:anchor></w:drawing>'
)
BOTH = (
    '<mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006">'
    f"<mc:Choice>{DRAWN}</mc:Choice><mc:Fallback>{VML}</mc:Fallback></mc:AlternateContent>"
)


@pytest.mark.parametrize("box", [VML, DRAWN, BOTH], ids=["vml", "drawing", "both"])
def test_a_text_box_is_read_once_after_its_paragraph(tmp_path, box):
    """Catches text boxes that are lost, read twice, or read in the middle of a sentence."""
    assert prose(tmp_path, f"<w:p>{run('One ')}<w:r>{box}</w:r>{run('two.')}</w:p>{word_paragraph('Three.')}") == [
        "One two.",
        "Box.",
        "Three.",
    ]


INSIDE = {
    "simple field": f'<w:fldSimple w:instr="REF x">{run("two")}</w:fldSimple>',
    "moved text": f"<w:moveTo>{run('two')}</w:moveTo>",
    "inserted text": f"<w:ins>{run('two')}</w:ins>",
    "direction": f'<w:bdo w:val="ltr"><w:dir w:val="ltr">{run("two")}</w:dir></w:bdo>',
    "smart tag": f"<w:smartTag><w:smartTagPr/>{run('two')}</w:smartTag>",
    "an element of tomorrow": f'<x:y xmlns:x="urn:x"><x:z>{run("two")}</x:z></x:y>',
    "ruby": "<w:r><w:ruby><w:rubyPr/><w:rt><w:r><w:t>SECRET</w:t></w:r></w:rt>"
    "<w:rubyBase><w:r><w:t>two</w:t></w:r></w:rubyBase></w:ruby></w:r>",
    "formula": '<m:oMath xmlns:m="urn:m"><m:r><m:t>two</m:t></m:r></m:oMath>',
}


@pytest.mark.parametrize("inside", INSIDE.values(), ids=list(INSIDE))
def test_text_inside_other_elements_is_read(tmp_path, inside):
    """Catches words lost because an element encloses them."""
    assert prose(tmp_path, f"<w:p>{run('One ')}{inside}{run(' three.')}</w:p>") == ["One two three."]


def test_an_equation_object_leaves_a_placeholder(tmp_path):
    """Catches a gap in the sentence where an older version of Word embedded an equation."""
    equation = '<w:object><o:OLEObject xmlns:o="urn:o" ProgID="Equation.3"/></w:object>'
    assert prose(tmp_path, f"<w:p>{run('Thus ')}<w:r>{equation}</w:r>{run('.')}</w:p>") == ["Thus [formula]."]


@pytest.mark.parametrize(("rest", "expected"), [("he mill.", "The mill."), (" mill.", "T mill.")])
def test_a_drop_cap_is_joined_to_its_word(tmp_path, rest, expected):
    """Catches a chapter's first letter read as a separate paragraph."""
    frame = '<w:p><w:pPr><w:framePr w:dropCap="drop" w:lines="3"/></w:pPr><w:r><w:t>T</w:t></w:r></w:p>'
    assert prose(tmp_path, frame + word_paragraph(rest)) == [expected]


def headings(tmp_path, body, **more):
    paragraphs = read(tmp_path, docx_members(body) | more).paragraphs
    return [(one.text, one.level) for one in paragraphs if one.kind == HEADING]


def test_manually_formatted_headings_are_detected(tmp_path):
    """Catches missed headings that are formatted only with bold type and size."""
    big, small, text = (f'<w:b/><w:sz w:val="{size}"/>' for size in (40, 32, 24))
    body = f"<w:p>{run('Part', big)}</w:p><w:p>{run('Chapter', small)}</w:p>"
    body += f"<w:p>{run('Text of the book, which is longer than its headings are.')}</w:p>"
    body += f"<w:p>{run('Bold as the text', text)}</w:p><w:p>{run('A large sentence.', big)}</w:p>"
    assert headings(tmp_path, body) == [("Part", 1), ("Chapter", 2)]


def test_styles_based_on_a_heading_are_headings(tmp_path):
    """Catches missed headings in custom styles, identifiable only by their outline level."""
    own = (
        '<w:style w:type="paragraph" w:styleId="B"><w:pPr><w:outlineLvl w:val="1"/></w:pPr></w:style>'
        '<w:style w:type="paragraph" w:styleId="C"><w:name w:val="Chapter Title"/><w:basedOn w:val="B"/></w:style>'
        '<w:style w:type="paragraph" w:styleId="D"><w:pPr><w:outlineLvl w:val="9"/></w:pPr></w:style></w:styles>'
    )
    styles = docx_members()["word/styles.xml"].replace("</w:styles>", own)
    body = word_paragraph("Chapter", "C") + word_paragraph("Text", "D")
    assert headings(tmp_path, body, **{"word/styles.xml": styles}) == [("Chapter", 2)]


def test_tabs_separate_and_hyphens_join_words(tmp_path):
    """Catches words joined at a tab, and non-breaking hyphens that are lost or not normalised."""
    body = "<w:p><w:r><w:t>half</w:t><w:noBreakHyphen/><w:t>timbered</w:t><w:ptab/><w:t>house</w:t></w:r></w:p>"
    book = read(tmp_path, docx_members(body))
    assert [one.text for one in clean(book.paragraphs, ["unicode"])[0]] == ["half-timbered house"]


def test_a_link_without_a_target_is_read(tmp_path):
    """Catches a document refused because the target of a link is missing."""
    body = f'<w:p><w:hyperlink r:id="gone">{SEEN}</w:hyperlink></w:p>'
    assert prose(tmp_path, body) == ["Seen."]
