"""EPUB: spine order, contents, metadata, and chapters of other types."""

import pytest
from sample_files import AUTHOR, CHAPTER_FILE, CHAPTERS, HEADINGS, TITLE, epub, epub_members, xhtml, zipped

from localist.corpus.formats.book import CONTENTS, HEADING, PROSE
from localist.corpus.formats.epub import read_epub
from localist.corpus.formats.file_kinds import kind_of
from localist.plumbing.errors import UserError

PACKAGE = "OEBPS/book.opf"


def read(tmp_path, members):
    (book,) = read_epub(zipped(tmp_path / "book.epub", members))
    return book


def changed(old, new, members=None):
    """The sample's members with one replacement in the package."""
    members = dict(members or epub_members())
    assert old in members[PACKAGE]
    return members | {PACKAGE: members[PACKAGE].replace(old, new)}


@pytest.mark.parametrize("version", [2, 3])
def test_chapters_are_read_in_order(tmp_path, version):
    """Catches lost chapters, and a table of contents outside the spine read as a chapter."""
    (book,) = read_epub(epub(tmp_path, version))
    assert (book.title, book.author) == (TITLE, AUTHOR)
    assert [one.text for one in book.paragraphs if one.kind == HEADING] == HEADINGS
    assert [one.text for one in book.paragraphs if one.kind == PROSE] == [
        text for chapter in CHAPTERS for text in chapter.paragraphs
    ]


def test_the_spine_determines_the_order(tmp_path):
    """Catches chapters read in the order of the archive or the manifest."""
    members = changed('<itemref idref="c1"/><itemref idref="c2"/>', '<itemref idref="c2"/><itemref idref="c1"/>')
    book = read(tmp_path, members)
    assert [one.text for one in book.paragraphs if one.kind == HEADING] == [HEADINGS[1], HEADINGS[0]]


@pytest.mark.parametrize("marked_by", ["properties", "guide"])
def test_a_contents_page_in_the_spine_is_recognised(tmp_path, marked_by):
    """Catches a contents page, as marked in EPUB 3 or EPUB 2, read as prose."""
    members = changed('<itemref idref="c1"/>', '<itemref idref="toc"/><itemref idref="c1"/>')
    members["OEBPS/nav.xhtml"] = xhtml("<p>Chapter one, two</p>")
    if marked_by == "guide":
        members = changed('properties="nav"', "", members)
        members = changed("</package>", '<guide><reference type="toc" href="nav.xhtml#a"/></guide></package>', members)
    first, second, *_ = read(tmp_path, members).paragraphs
    assert (first.text, first.kind) == ("Chapter one, two", CONTENTS)
    assert (second.text, second.kind) == (HEADINGS[0], HEADING)


def test_several_authors_and_a_missing_title(tmp_path):
    """Catches lost co-authors, and an empty title for a book without one."""
    members = changed(f"<dc:title>{TITLE}</dc:title>", "<dc:title> </dc:title><dc:creator>B.\n Second</dc:creator>")
    book = read(tmp_path, members)
    assert (book.title, book.author) == ("book", f"B. Second, {AUTHOR}")


def test_escaped_and_relative_chapter_paths_are_found(tmp_path):
    """Catches chapters not found because their path is percent-encoded or contains `..`."""
    members = changed('href="text/chapter1.xhtml"', 'href="../OEBPS/text/chapter%201.xhtml"')
    members["OEBPS/text/chapter 1.xhtml"] = members.pop(CHAPTER_FILE.format(1))
    assert read(tmp_path, members).paragraphs[0].text == HEADINGS[0]


@pytest.mark.parametrize("kind", ["image/png", "audio/mpeg", "text/css"])
def test_pictures_and_styles_in_the_spine_are_not_chapters(tmp_path, kind):
    """Catches a cover picture that is read as text or makes the book fail."""
    members = changed('chapter1.xhtml" media-type="application/xhtml+xml"', f'chapter1.xhtml" media-type="{kind}"')
    assert [one.text for one in read(tmp_path, members).paragraphs if one.kind == HEADING] == HEADINGS[1:]


def test_a_plain_text_chapter_keeps_its_paragraphs(tmp_path):
    """Catches a plain text chapter that is parsed as HTML and loses its blank lines."""
    members = changed('chapter1.xhtml" media-type="application/xhtml+xml"', 'chapter1.xhtml" media-type="text/plain"')
    book = read(tmp_path, members | {CHAPTER_FILE.format(1): "One.\n\nTwo <b>.\n"})
    assert [one.text for one in book.paragraphs[:2]] == ["One.", "Two <b>."]


def test_encrypted_fonts_do_not_lock_a_book(tmp_path):
    """Catches a readable book refused as protected because its fonts are encrypted."""
    encryption = '<encryption><CipherReference URI="OEBPS/fonts/a.otf"/></encryption>'
    assert read(tmp_path, epub_members() | {"META-INF/encryption.xml": encryption}).title == TITLE


def test_a_container_without_a_package_is_refused(tmp_path):
    """Catches a traceback for an empty container."""
    with pytest.raises(UserError, match=r"book\.epub: .*does not name a package"):
        read(tmp_path, epub_members() | {"META-INF/container.xml": "<container/>"})


def test_a_chapter_listed_as_contents_in_the_guide_is_kept(tmp_path):
    """Catches a chapter removed because the guide lists it as the table of contents, with or without an anchor."""
    for href in ("text/chapter1.xhtml#toc", "text/chapter1.xhtml"):
        members = changed("</package>", f'<guide><reference type="toc" href="{href}"/></guide></package>')
        kinds = {one.kind for one in read(tmp_path, members).paragraphs}
        assert kinds == {HEADING, PROSE}


@pytest.mark.parametrize(
    ("listed", "kept"),
    [
        ("OEBPS/text/chapter1.xhtml", "OEBPS/Text/Chapter1.XHTML"),
        ("OEBPS/text/chapter1.xhtml", "OEBPS\\text\\chapter1.xhtml"),
        ("OEBPS/text/e\u0301.xhtml", "OEBPS/text/\u00e9.xhtml"),
        ("META-INF/container.xml", "meta-inf/Container.xml"),
        (PACKAGE, "oebps/Book.opf"),
    ],
)
def test_names_that_differ_in_case_slashes_or_accents_are_found(tmp_path, listed, kept):
    """Catches parts reported as missing because of letter case, slashes or the form of an accent."""
    members = epub_members()
    if "e\u0301" in listed:
        members = changed("text/chapter1.xhtml", "text/e\u0301.xhtml")
        members[listed] = members.pop(CHAPTER_FILE.format(1))
    members[kept] = members.pop(listed)
    assert read(tmp_path, members).paragraphs[0].text == HEADINGS[0]


def test_an_exact_name_takes_precedence_over_a_similar_one(tmp_path):
    """Catches the wrong one of two chapters whose names differ only in case."""
    members = {CHAPTER_FILE.format(1).upper(): xhtml("<p>Other.</p>")} | epub_members()
    assert read(tmp_path, members).paragraphs[0].text == HEADINGS[0]


def test_an_unpacked_book_is_read(tmp_path):
    """Catches an unpacked book that is refused, and a symbolic link in it that reads another file."""
    book = tmp_path / "Book.epub"
    for name, content in epub_members().items():
        (book / name).parent.mkdir(parents=True, exist_ok=True)
        (book / name).write_text(content, encoding="utf-8")
    assert kind_of(book) == "epub"
    (found,) = read_epub(book)
    assert (found.title, [one.text for one in found.paragraphs if one.kind == HEADING]) == (TITLE, HEADINGS)
    (tmp_path / "secret.xhtml").write_text(xhtml("<p>SECRET</p>"), encoding="utf-8")
    (book / CHAPTER_FILE.format(1)).unlink()
    (book / CHAPTER_FILE.format(1)).symlink_to(tmp_path / "secret.xhtml")
    with pytest.raises(UserError, match=r"the part .* is missing"):
        list(read_epub(book))
