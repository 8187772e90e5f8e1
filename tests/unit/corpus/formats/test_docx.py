"""Word documents: headings, notes, properties and excluded content."""

import pytest
from sample_files import AUTHOR, CHAPTERS, DOCX_NOTE, HEADINGS, TITLE, docx, docx_members, word_paragraph, zipped

from localist.corpus.cleaning import clean
from localist.corpus.formats.book import CONTENTS, HEADING, NOTE, PROSE, REFERENCES
from localist.corpus.formats.docx import read_docx
from localist.plumbing.errors import UserError


def read(tmp_path, members):
    (book,) = read_docx(zipped(tmp_path / "book.docx", members))
    return book


def styled(*names):
    """Members of a document with one paragraph in each of these styles (identifiers S0, S1, ...)."""
    styles = "".join(
        f'<w:style w:type="paragraph" w:styleId="S{number}"><w:name w:val="{name}"/></w:style>'
        for number, name in enumerate(names)
    )
    members = docx_members("".join(word_paragraph(name, f"S{number}") for number, name in enumerate(names)))
    start = members["word/styles.xml"].index("<w:style ")
    return members | {"word/styles.xml": members["word/styles.xml"][:start] + styles + "</w:styles>"}


def test_headings_paragraphs_and_notes_are_read(tmp_path):
    """Catches headings read as prose, and notes that are lost or read in the middle of the text."""
    (book,) = read_docx(docx(tmp_path))
    assert (book.title, book.author) == (TITLE, AUTHOR)
    kept, removed = clean(book.paragraphs, ["footnote_marks"])
    assert [one.text for one in kept if one.kind == HEADING] == HEADINGS
    prose = [one.text for one in kept if one.kind == PROSE]
    assert prose == [text for chapter in CHAPTERS for text in chapter.paragraphs]
    (note,) = (one.text for one in kept if one.kind == NOTE)
    assert DOCX_NOTE in note
    assert len(removed["footnote_marks"]) == 1


def test_built_in_styles_determine_the_paragraph_kind(tmp_path):
    """Catches Word's tables of contents, references and titles read as prose."""
    book = read(tmp_path, styled("Title", "Subtitle", "toc 1", "TOC Heading", "Contents 2", "Bibliography", "Normal"))
    assert [(one.text, one.kind, one.level) for one in book.paragraphs] == [
        ("Title", HEADING, 1),
        ("Subtitle", PROSE, 0),
        ("toc 1", CONTENTS, 0),
        ("TOC Heading", CONTENTS, 0),
        ("Contents 2", CONTENTS, 0),
        ("Bibliography", REFERENCES, 0),
        ("Normal", PROSE, 0),
    ]


@pytest.mark.parametrize("properties", [None, "", "<no xml"])
def test_a_document_without_properties_is_named_after_its_file(tmp_path, properties):
    """Catches a document refused because its properties are missing, empty or malformed."""
    members = docx_members(word_paragraph("Text."))
    del members["docProps/core.xml"]
    if properties is not None:
        members["docProps/core.xml"] = properties
    book = read(tmp_path, members)
    assert (book.title, book.author, [one.text for one in book.paragraphs]) == ("book", "", ["Text."])


def test_a_zip_without_a_main_part_is_refused(tmp_path):
    """Catches a spreadsheet or an empty archive read as an empty document."""
    members = docx_members()
    del members["word/document.xml"]
    with pytest.raises(UserError, match=r"book\.docx: has no part word/document\.xml"):
        read(tmp_path, members)


def test_tracked_deletions_stay_out(tmp_path):
    """Catches tracked deletions read as text."""
    deleted = "<w:del><w:r><w:delText>gone </w:delText></w:r></w:del>"
    book = read(tmp_path, docx_members(word_paragraph("Kept.", more=deleted)))
    assert [one.text for one in book.paragraphs] == ["Kept."]


REMARK = '<w:comment w:id="0" w:author="Someone"><w:p><w:r><w:t>SECRET</w:t></w:r></w:p></w:comment>'


@pytest.mark.parametrize("place", ["word/document.xml", "word/footnotes.xml"])
def test_comments_stay_out(tmp_path, place):
    """Catches reviewers' private comments, or their marks, in the training text."""
    mark = '<w:commentRangeStart w:id="0"/><w:commentRangeEnd w:id="0"/><w:r><w:commentReference w:id="0"/></w:r>'
    members = docx_members()
    members[place] = members[place].replace("</w:p>", mark + "</w:p>")
    related = '<Relationship Id="c" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/comments"'
    members["word/_rels/document.xml.rels"] = members["word/_rels/document.xml.rels"].replace(
        "</Relationships>", f'{related} Target="comments.xml"/></Relationships>'
    )
    start = members["word/footnotes.xml"].partition("<w:footnote ")[0].replace("footnotes", "comments")
    members["word/comments.xml"] = f"{start}{REMARK}</w:comments>"
    # A document may contain its own style map, which could enable comments.
    members["mammoth/style-map"] = "comment-reference => sup"
    text = " ".join(one.text for one in read(tmp_path, members).paragraphs)
    assert DOCX_NOTE in text
    assert "SECRET" not in text
    assert "[S" not in text


def test_unread_parts_and_symbols_cause_warnings(tmp_path):
    """Catches embedded documents or symbols dropped without a warning."""
    body = word_paragraph("Text.", more='<w:r><w:sym w:font="Odd" w:char="F0FF"/></w:r>') + '<w:altChunk r:id="x"/>'
    assert read(tmp_path, docx_members(body)).warnings == (
        "an embedded document is not read (occurrences: 1): copy its text into the document",
        "symbols in unknown fonts were left out: 1",
    )
