"""PDF: words and lines, raised marks, page furniture, outlines, and files without text."""

import pytest
from sample_files import CHAPTERS, HEADINGS, TITLE, pdf, pdf_bytes, pdf_page, written

from localist.corpus.cleaning import clean
from localist.corpus.formats.book import HEADING, MARK_END, MARK_START
from localist.corpus.formats.pdf import read_pdf
from localist.plumbing.errors import UserError

FURNITURE = frozenset({"running_heads", "page_numbers"})


def read(tmp_path, pages, steps=frozenset(), **options):
    (book,) = read_pdf(written(tmp_path / "book.pdf", pdf_bytes(pages, **options)), steps)
    return book


def texts(book):
    return [one.text for one in book.paragraphs]


def test_a_book_has_its_headings_paragraphs_and_title(tmp_path):
    """Catches pages out of order, headings read as prose, and a title not taken from the document."""
    (book,) = read_pdf(pdf(tmp_path), frozenset())
    assert (book.title, book.pages) == (TITLE, sum(len(chapter.paragraphs) for chapter in CHAPTERS))
    kept, _ = clean(book.paragraphs, [])
    assert [one.text for one in kept if one.kind == HEADING] == HEADINGS
    prose = " ".join(one.text for one in kept if one.kind != HEADING)
    assert prose.split() == [word for chapter in CHAPTERS for text in chapter.paragraphs for word in text.split()]


def test_letters_become_words_and_lines(tmp_path):
    """Catches words joined across a gap without a space character, and two lines merged into one."""
    book = read(tmp_path, [[(72, 700, 10, "One"), (94, 700, 10, "two"), (72, 688, 10, "three.")]])
    assert texts(book) == ["One two\nthree."]
    assert book.page_texts == {1: "One two\nthree."}


def test_a_small_raised_number_is_a_note_mark(tmp_path):
    """Catches a footnote mark read as part of the word before it."""
    book = read(tmp_path, [[(72, 700, 10, "word"), (93.5, 704, 6, "1"), (98, 700, 10, "and more.")]])
    assert texts(book) == [f"word{MARK_START}1{MARK_END} and more."]
    assert book.page_texts[1] == "word1 and more."


def test_furniture_is_removed_only_if_its_steps_are_on(tmp_path):
    """Catches page numbers and running heads that are kept, removed although the steps are off, or not reported."""
    words = ["alpha", "beta", "gamma", "delta"]
    pages = [
        [(72, 800, 9, "The Sea"), *pdf_page(f"Some text of page {word}."), (300, 40, 9, str(number))]
        for number, word in enumerate(words, start=1)
    ]
    found = read(tmp_path, pages, FURNITURE)
    # A paragraph whose last line on a page is full continues on the next page.
    assert texts(found) == ["\n".join(f"Some text of page {word}." for word in words)]
    assert found.removed == {"running_heads": ("The Sea",) * 4, "page_numbers": ("1", "2", "3", "4")}
    assert "The Sea" in found.page_texts[1]
    kept = read(tmp_path, pages)
    assert kept.removed == {} and sum("The Sea" in text for text in texts(kept)) == 4


def test_bookmarks_identify_headings(tmp_path):
    """Catches body-size headings missed although the outline lists them, and bookmarks applied to the wrong page."""
    lines = [(72, 660, 11, "Text of it that"), (72, 646, 11, "goes on here and"), (72, 632, 11, "ends.")]
    pages = [[(72, 700, 11, "The Harbour"), *lines], [(72, 700, 11, "The Harbour again.")]]
    book = read(tmp_path, pages, outline=[("The Harbour", 0)])
    assert [(one.kind == HEADING, one.text) for one in book.paragraphs] == [
        (True, "The Harbour"),
        (False, "Text of it that\ngoes on here and\nends."),
        (False, "The Harbour again."),
    ]
    assert [one.page for one in book.paragraphs] == [1, 1, 2]


def test_text_outside_the_page_is_not_read(tmp_path):
    """Catches invisible text beside the page that is read."""
    page = [(72, 700, 11, "Seen."), (72, 2000, 11, "Hidden."), (-900, 700, 11, "Hidden.")]
    assert texts(read(tmp_path, [page])) == ["Seen."]


def test_the_user_unit_does_not_change_the_text(tmp_path):
    """Catches gaps not scaled on large sheets, whose unit is a multiple of a point."""
    page = [(72, 720, 18, "A heading"), *pdf_page(CHAPTERS[0].paragraphs[0])]
    scaled = [(x / 10, y / 10, size / 10, text) for x, y, size, text in page]
    sheet = read(tmp_path, [scaled], more="/UserUnit 10", size=(61.2, 79.2))
    assert texts(sheet) == texts(read(tmp_path, [page]))


def test_words_split_into_letters_cause_a_warning(tmp_path):
    """Catches a poor scan's text layer accepted without a warning, and a warning about intact prose."""
    torn = [[(72, 700, 11, "Wat er Lan d Har bour o f Towe r s"), (72, 686, 11, "an d Sout h W e s t en d.")]]
    assert ["single letters" in warning for warning in read(tmp_path, torn).warnings] == [True]
    assert (
        read(tmp_path, [pdf_page("I came to a harbour in the morning, and a man who stood there saw me.")]).warnings
        == ()
    )


def test_tables_cause_a_warning(tmp_path):
    """Catches tables and forms read cell by cell without a warning, and a warning for a book with one table."""
    rows = [(x, 700 - 14 * row, 11, f"cell {row}") for row in range(6) for x in (72, 300)]
    (warning,) = read(tmp_path, [rows]).warnings
    assert warning.startswith("6 of 6 lines have gaps as in tables")
    assert read(tmp_path, [rows, *[pdf_page(CHAPTERS[0].paragraphs[0] * 3)] * 2]).warnings == ()


def test_a_few_picture_pages_cause_a_warning_and_many_an_error(tmp_path):
    """Catches scanned pages lost without a warning, and a book refused because of a few plates."""
    page = pdf_page("Words of a page that has enough letters to be one.")
    book = read(tmp_path, [page, [], page], picture=True)
    assert book.warnings == ("page 2 without text: pictures, or scans that need OCR",)
    with pytest.raises(UserError, match=r"book\.pdf: has no text layer \(pages 1, 2 of 3 are pictures\).*OCR"):
        read(tmp_path, [[], [], page], picture=True)


@pytest.mark.parametrize("junk", [b"\0" * 9000, b"<html>" * 2000, b""])
def test_bytes_after_the_end_or_a_missing_end_mark_are_accepted(tmp_path, junk):
    """Catches files refused as truncated for bytes after the end or a missing %%EOF; every viewer opens them."""
    content = pdf_bytes([pdf_page("Words.")])
    whole = content + junk if junk else content.replace(b"%%EOF", b"")
    (book,) = read_pdf(written(tmp_path / "junk.pdf", whole), frozenset())
    assert texts(book) == ["Words."]


def test_a_truncated_file_is_refused(tmp_path):
    """Catches a file truncated, even within an appended update, that PDFium repairs with the last pages lost."""
    content = pdf_bytes([pdf_page("Words.")])
    for cut in (content[: content.index(b"startxref")], content + b"\n99 0 obj << /Type /Page"):
        with pytest.raises(UserError, match=r"cut\.pdf: is truncated: the end of the PDF is missing.*qpdf"):
            list(read_pdf(written(tmp_path / "cut.pdf", cut), frozenset()))


def test_a_book_without_a_title_is_named_after_its_file(tmp_path):
    """Catches an empty title."""
    assert read(tmp_path, [pdf_page("Words.")]).title == "book"
