"""PDF: letters to lines, raised marks, page furniture, outlines, and files without text."""

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
    """Catches pages out of order, headings read as prose, and a title that is not the document's own."""
    (book,) = read_pdf(pdf(tmp_path), frozenset())
    assert (book.title, book.pages) == (TITLE, sum(len(chapter.paragraphs) for chapter in CHAPTERS))
    kept, _ = clean(book.paragraphs, [])
    assert [one.text for one in kept if one.kind == HEADING] == HEADINGS
    prose = " ".join(one.text for one in kept if one.kind != HEADING)
    assert prose.split() == [word for chapter in CHAPTERS for text in chapter.paragraphs for word in text.split()]


def test_letters_become_words_and_lines(tmp_path):
    """Catches words glued where a gap stands for the space, and two lines that become one."""
    book = read(tmp_path, [[(72, 700, 10, "One"), (94, 700, 10, "two"), (72, 688, 10, "three.")]])
    assert texts(book) == ["One two\nthree."]
    assert book.page_texts == {1: "One two\nthree."}


def test_a_small_raised_number_is_a_mark(tmp_path):
    """Catches footnote marks glued to words, and raised letters of the text's own size taken for marks."""
    book = read(tmp_path, [[(72, 700, 10, "word"), (93.5, 704, 6, "1"), (98, 700, 10, "and more.")]])
    assert texts(book) == [f"word{MARK_START}1{MARK_END} and more."]
    assert book.page_texts[1] == "word1 and more."


def test_furniture_is_taken_out_only_by_its_step(tmp_path):
    """Catches page numbers and running heads that stay, go unasked, or are not reported."""
    words = ["alpha", "beta", "gamma", "delta"]
    pages = [
        [(72, 800, 9, "The Sea"), *pdf_page(f"Some text of page {word}."), (300, 40, 9, str(number))]
        for number, word in enumerate(words, start=1)
    ]
    found = read(tmp_path, pages, FURNITURE)
    # Full lines at the ends of pages go on over them.
    assert texts(found) == ["\n".join(f"Some text of page {word}." for word in words)]
    assert found.removed == {"running_heads": ("The Sea",) * 4, "page_numbers": ("1", "2", "3", "4")}
    assert "The Sea" in found.page_texts[1]
    kept = read(tmp_path, pages)
    assert kept.removed == {} and sum("The Sea" in text for text in texts(kept)) == 4


def test_bookmarks_name_headings(tmp_path):
    """Catches headings in the text's own size, which only the outline knows, and bookmarks of the wrong page."""
    lines = [(72, 660, 11, "Text of it that"), (72, 646, 11, "goes on here and"), (72, 632, 11, "ends.")]
    pages = [[(72, 700, 11, "The Harbour"), *lines], [(72, 700, 11, "The Harbour again.")]]
    book = read(tmp_path, pages, outline=[("The Harbour", 0)])
    assert [(one.kind == HEADING, one.text) for one in book.paragraphs] == [
        (True, "The Harbour"),
        (False, "Text of it that\ngoes on here and\nends."),
        (False, "The Harbour again."),
    ]
    assert [one.page for one in book.paragraphs] == [1, 1, 2]


def test_what_lies_outside_the_page_is_not_read(tmp_path):
    """Catches hidden text beside the page that nobody sees."""
    page = [(72, 700, 11, "Seen."), (72, 2000, 11, "Hidden."), (-900, 700, 11, "Hidden.")]
    assert texts(read(tmp_path, [page])) == ["Seen."]


def test_the_unit_of_the_page_does_not_matter(tmp_path):
    """Catches large sheets, whose unit is a multiple of a point, read with the gaps of small ones."""
    page = [(72, 720, 18, "A heading"), *pdf_page(CHAPTERS[0].paragraphs[0])]
    scaled = [(x / 10, y / 10, size / 10, text) for x, y, size, text in page]
    sheet = read(tmp_path, [scaled], more="/UserUnit 10", size=(61.2, 79.2))
    assert texts(sheet) == texts(read(tmp_path, [page]))


def test_words_torn_into_letters_are_a_warning(tmp_path):
    """Catches the text layer of a poor scan that is taken without a word, and prose that is warned of."""
    torn = [[(72, 700, 11, "Wat er Lan d Har bour o f Towe r s"), (72, 686, 11, "an d Sout h W e s t en d.")]]
    assert ["single letters" in warning for warning in read(tmp_path, torn).warnings] == [True]
    assert (
        read(tmp_path, [pdf_page("I came to a harbour in the morning, and a man who stood there saw me.")]).warnings
        == ()
    )


def test_tables_are_a_warning(tmp_path):
    """Catches forms and tables whose cells are read in a row without a word, and one table that condemns a book."""
    rows = [(x, 700 - 14 * row, 11, f"cell {row}") for row in range(6) for x in (72, 300)]
    (warning,) = read(tmp_path, [rows]).warnings
    assert warning.startswith("6 of 6 lines have gaps as in tables")
    assert read(tmp_path, [rows, *[pdf_page(CHAPTERS[0].paragraphs[0] * 3)] * 2]).warnings == ()


def test_pages_of_pictures_are_a_warning_until_most_are(tmp_path):
    """Catches scanned pages lost without a word, and a whole book refused for its few plates."""
    page = pdf_page("Words of a page that has enough letters to be one.")
    book = read(tmp_path, [page, [], page], picture=True)
    assert book.warnings == ("page 2 without text: pictures or scans that need OCR",)
    with pytest.raises(UserError, match=r"book\.pdf: has no text layer \(pages 1, 2 of 3 are pictures\).*OCR"):
        read(tmp_path, [[], [], page], picture=True)


@pytest.mark.parametrize("junk", [b"\0" * 9000, b"<html>" * 2000, b""])
def test_what_follows_the_end_does_no_harm(tmp_path, junk):
    """Catches files called cut off for bytes behind their end, or for its missing mark; every viewer opens them."""
    content = pdf_bytes([pdf_page("Words.")])
    whole = content + junk if junk else content.replace(b"%%EOF", b"")
    (book,) = read_pdf(written(tmp_path / "junk.pdf", whole), frozenset())
    assert texts(book) == ["Words."]


def test_a_file_without_its_end_is_refused(tmp_path):
    """Catches a broken download that PDFium would mend, its last pages lost; also one cut in an appended change."""
    content = pdf_bytes([pdf_page("Words.")])
    for cut in (content[: content.index(b"startxref")], content + b"\n99 0 obj << /Type /Page"):
        with pytest.raises(UserError, match=r"cut\.pdf: is truncated: the end of the PDF is missing.*qpdf"):
            list(read_pdf(written(tmp_path / "cut.pdf", cut), frozenset()))


def test_a_book_without_a_title_is_called_by_its_file(tmp_path):
    """Catches an empty title."""
    assert read(tmp_path, [pdf_page("Words.")]).title == "book"
