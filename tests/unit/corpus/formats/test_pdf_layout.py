"""Reading order, paragraphs and headings of synthetic pages."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localist.corpus.formats.book import HEADING, MARK_END, MARK_START, NOTE, PROSE
from localist.corpus.formats.pdf_fragments import Fragment
from localist.corpus.formats.pdf_layout import layout_of, paragraphs_of

WIDTH = 200.0


def lines(*texts, left=100.0, top=600.0, size=10.0, width=WIDTH, leading=12.0):
    """Full lines, one below the other; a trailing | makes a line short, a leading > indents it."""
    return [
        Fragment(
            text.strip(">|"),
            left + (15.0 if text.startswith(">") else 0.0),
            left + (0.4 * width if text.endswith("|") else width),
            top - leading * row,
            size,
        )
        for row, text in enumerate(texts)
    ]


def texts(*pages, outline=None):
    return [one.text.replace("\n", " ") for one in paragraphs_of(layout_of(pages), outline or {})]


def test_indented_lines_begin_paragraphs():
    """Catches merged paragraphs, and paragraphs cut at each line."""
    assert texts(lines(">One", "two", "three.|", ">Four", "five.|")) == ["One two three.", "Four five."]


def test_gaps_separate_paragraphs_without_indents():
    """Catches merged paragraphs that are separated only by space."""
    assert texts(lines("One", "two.") + lines("Three", "four", "five.", top=560.0)) == ["One two.", "Three four five."]


def test_a_paragraph_continues_on_the_next_page():
    """Catches a sentence cut by the end of a page, and a new paragraph there joined to the one before."""
    first = lines(">One", "two", "three", "four")
    assert texts(first, lines("five", "six.|", ">Seven", "eight")) == ["One two three four five six.", "Seven eight"]
    assert texts(first, lines(">Five", "six", "seven", "eight")) == ["One two three four", "Five six seven eight"]


def test_columns_are_read_one_by_one_in_any_file_order():
    """Catches text read across the gutter line by line."""
    left = lines("a", "b", "c", "d", "e", "f")
    right = lines("g", "h", "i", "j", "k", "l", left=310.0)
    across = [one for pair in zip(left, right, strict=True) for one in pair]
    assert texts(across) == texts(left + right) == ["a b c d e f g h i j k l"]


def test_a_title_across_both_columns_divides_the_page():
    """Catches a title in the middle of a page that does not separate the columns above and below it."""
    above = lines("a", "b", "c", "d") + lines("e", "f", "g", "h", left=310.0)
    title = [Fragment("A title over both of the columns", 100.0, 510.0, 530.0, 18.0)]
    below = lines("k", "l", "m", "n", top=500.0) + lines("o", "p", "q", "r", top=500.0, left=310.0)
    assert texts(above + title + below) == ["a b c d e f g h", "A title over both of the columns", "k l m n o p q r"]


def test_a_one_line_column_is_inferred_from_other_pages():
    """Catches a single line in the second column of a chapter's last page that is read into the first."""
    full = lines("a", "b", "c", "d", "e") + lines("f", "g", "h", "i", "j", left=310.0)
    last = lines("k", "l", "m", "n", "o") + lines("p.", left=310.0)
    assert texts(full, full, last)[-1].endswith("k l m n o p.")


def test_larger_lines_are_headings_ranked_by_size():
    """Catches headings read as prose, inverted levels, and a two-line title split into two headings."""
    page = lines("The title", "of all", size=24.0, leading=28.0, top=760.0)
    page += lines("A section", size=14.0, top=640.0) + lines("One line of the text", "and another one.|")
    found = list(paragraphs_of(layout_of([page]), {}))
    assert [(one.kind, one.level, one.text) for one in found] == [
        (HEADING, 1, "The title\nof all"),
        (HEADING, 2, "A section"),
        (PROSE, 0, "One line of the text\nand another one."),
    ]


def test_bookmarks_identify_headings_of_body_size():
    """Catches body-size headings missed although the outline lists them, and bookmarks applied to other pages."""
    page = lines("2.1 The Sea", top=640.0) + lines("One", "two.|")
    (heading, prose) = paragraphs_of(layout_of([page]), {1: [(3, "The sea")]})
    assert (heading.kind, heading.level, prose.kind) == (HEADING, 3, PROSE)
    assert all(one.kind == PROSE for one in paragraphs_of(layout_of([page]), {2: [(3, "The sea")]}))


def test_footnotes_do_not_interrupt_a_sentence():
    """Catches a footnote inserted into a sentence that continues on the next page."""
    first = lines(">One that is of some length", "two", "three") + lines("1 A note", "of two.", size=8.0, top=480.0)
    found = list(paragraphs_of(layout_of([first, lines("four.|", ">Five")]), {}))
    assert [(one.kind, one.text.replace("\n", " ")) for one in found] == [
        (PROSE, "One that is of some length two three four."),
        (NOTE, "1 A note of two."),
        (PROSE, "Five"),
    ]


def test_list_items_are_not_split():
    """Catches items cut after the first line because the next lines align with the text, not the bullet."""
    page = lines("• One", ">two", ">three|", "• Four", ">five|")
    assert texts(page) == ["• One two three", "• Four five"]


def test_a_large_initial_joins_its_word():
    """Catches an initial read as a heading, or joined to the line at its foot."""
    cap = [Fragment("O", 100.0, 118.0, 588.0, 24.0)]
    page = cap + lines("nce upon a time", "there was", left=120.0, width=180.0) + lines("a house.|", top=576.0)
    assert texts(page) == ["Once upon a time there was a house."]


def test_a_body_size_note_is_recognised_by_its_raised_mark():
    """Catches missed footnotes of word processors, which have body size and a separate raised mark."""
    mark = [Fragment("1", 100.0, 104.0, 483.8, 6.0)]
    found = list(
        paragraphs_of(
            layout_of([lines(">One that is long", "two.|") + mark + lines("The note.", left=108.0, top=480.0)]), {}
        )
    )
    assert [(one.kind, one.text) for one in found] == [
        (PROSE, "One that is long\ntwo."),
        (NOTE, f"{MARK_START}1{MARK_END} The note."),
    ]


def test_a_table_is_not_a_second_column():
    """Catches prose read in columns because a table and short lines leave a vertical gap."""
    table = [
        Fragment(text, left, left + 8.0, 500.0 - 12.0 * row, 10.0)
        for row in range(5)
        for left, text in ((100.0, "1"), (250.0, "2"))
    ]
    page = lines("One line", "two lines", "three|") + table + lines("After", "it.|", top=420.0)
    assert texts(page)[0] == "One line two lines three" and texts(page)[-1] == "After it."


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.text("ab1. ", min_size=1, max_size=9).filter(str.strip),
            *[st.floats(-1e4, 1e4, allow_nan=False)] * 2,
            st.floats(0, 400),
            st.sampled_from([0.0, 1.0, 8.0, 10.0, 24.0, 1e5]),
        ),
        max_size=30,
    ),
    st.integers(1, 3),
)
def test_no_letter_is_lost_in_any_layout(places, pages):
    """Catches lines dropped or duplicated between columns, bands, notes and paragraphs, and any traceback."""
    fragments = [Fragment(text, left, left + width, base, size) for text, left, base, width, size in places]
    found = "".join(
        one.text for one in paragraphs_of(layout_of([fragments[start::pages] for start in range(pages)]), {})
    )
    found = found.replace(MARK_START, "").replace(MARK_END, "")
    assert sorted("".join(found.split())) == sorted("".join("".join(text for text, *_ in places).split()))


@pytest.mark.parametrize("count", [0, 1])
def test_empty_pages_are_accepted(count):
    """Catches a traceback for a page, or a whole book, without text."""
    assert texts(*[[]] * count) == []


def test_paragraphs_record_the_page_they_begin_on():
    """Catches pages counted from 0, or taken from a paragraph's last line."""
    found = list(paragraphs_of(layout_of([lines(">One", "two"), lines("three.|", ">Four")]), {}))
    assert [one.page for one in found] == [1, 2]
    assert all(one.page <= other.page for one, other in pairwise(found))


def words(text, *, left=100.0, baseline=600.0, right=None, gap=12.0, slope=0.0, size=10.0):
    """A line with one fragment per word, on a baseline of this slope; justified up to `right`, if given."""
    pieces = text.split()
    if right is not None:
        gap = (right - left - sum(5.0 * len(piece) for piece in pieces)) / (len(pieces) - 1)
    placed = []
    for piece in pieces:
        placed.append(Fragment(piece, left, left + 5.0 * len(piece), baseline + slope * (left - 100.0), size))
        left += 5.0 * len(piece) + gap
    return placed


def test_sloping_lines_of_scans_are_kept_in_order():
    """Catches words swapped between neighbouring lines of a page that was scanned at an angle."""
    said = ["a first line that is of some length", "and then a second one of that length", "and a third one here."]
    page = [one for row, text in enumerate(said) for one in words(text, baseline=600.0 - 12.0 * row, slope=0.03)]
    assert texts(page) == [" ".join(said)]


def test_aligned_word_gaps_are_not_a_gutter():
    """Catches a narrow justified column read as two because its word gaps are aligned."""
    said = [f"notwithstanding{chr(97 + row)} internationally" for row in range(8)]
    said += [f"examination of things number {chr(97 + row)}" for row in range(4)]
    page = [one for row, text in enumerate(said) for one in words(text, baseline=600.0 - 12.0 * row, right=300.0)]
    assert texts(page) == [" ".join(said)]


def test_columns_below_full_width_lines_are_read_one_by_one():
    """Catches columns below full-width lines read across because most lines of the page span both."""
    above = lines(*[f"above {row}" for row in range(9)], width=410.0, top=760.0)
    left = lines("a", "b", "c", "d", "e", "f")
    right = lines("g", "h", "i", "j", "k", "l", left=310.0)
    assert texts(above + left + right)[-1].endswith("a b c d e f g h i j k l")


def test_a_footnote_continues_on_the_next_page():
    """Catches the rest of a footnote in the middle of the text, and other small print read as a note."""
    first = lines(">One that is of", "some length, two and", "three") + lines("1 A note", "goes", size=8.0, top=480.0)
    second = lines("four of the lines", "five.|") + lines("on.", "2 Another.", size=8.0, top=480.0)
    third = lines(">Six of these lines", "seven.|") + lines("Small print.", size=8.0, top=480.0)
    found = [(one.kind, one.text.replace("\n", " ")) for one in paragraphs_of(layout_of([first, second, third]), {})]
    assert found == [
        (PROSE, "One that is of some length, two and three four of the lines five."),
        (NOTE, "1 A note goes on."),
        (NOTE, "2 Another."),
        (PROSE, "Six of these lines seven."),
        (PROSE, "Small print."),
    ]


def test_margin_notes_are_separated_from_the_text():
    """Catches margin notes in the middle of sentences, and small print below the text read as a note."""
    beside = lines("A note", "beside it", left=310.0, width=40.0, size=8.0, top=594.0, leading=9.0)
    page = lines("One line that is", "two of those", "three of them", "and four.|") + beside
    page += lines("Small print below.", size=8.0, top=500.0)
    found = [(one.kind, one.text.replace("\n", " ")) for one in paragraphs_of(layout_of([page]), {})]
    assert found == [
        (PROSE, "One line that is two of those three of them and four."),
        (PROSE, "Small print below."),
        (NOTE, "A note beside it"),
    ]


def test_an_overfull_line_does_not_move_the_margin():
    """Catches margin notes read into sentences because one overfull line widens the text column."""
    beside = lines("A note", "beside it", left=310.0, width=40.0, size=8.0, top=594.0, leading=9.0)
    text = lines("One line that is", *["of the text and so"] * 10, "on.|")
    over = [replace(one, right=one.right + 60) if number == 5 else one for number, one in enumerate(text)]
    kinds = [one.kind for one in paragraphs_of(layout_of([over + beside]), {})]
    assert kinds == [PROSE, NOTE]


def test_a_caption_does_not_split_the_paragraph_around_it():
    """Catches sentences split by a figure, and paragraphs joined although a sentence ends before the figure."""
    caption = lines("Figure 3. The wheel.|", top=500.0)
    page = lines(">One", "two and") + caption + lines("three.|", top=440.0)
    assert texts(page) == ["One two and three.", "Figure 3. The wheel."]
    page = lines(">One", "two.") + caption + lines("three.|", top=440.0)
    assert texts(page) == ["One two.", "Figure 3. The wheel.", "three."]
