"""How cleaned paragraphs become sections, the units of the splits."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from localist.corpus.formats.book import HEADING, Paragraph
from localist.corpus.sections import sections_of


def sections(paragraphs, section_words=5):
    return [(one.heading, one.text) for one in sections_of(paragraphs, section_words, "en")]


def heading(text, level=1):
    return Paragraph(text, HEADING, level)


def test_paragraphs_are_grouped_whole():
    """Catches paragraphs cut in two, and sections closed too early or too late."""
    paragraphs = [Paragraph(text) for text in ("a b c d", "e f", "g h i j k l m", "n")]
    assert sections(paragraphs) == [("Part 1", "a b c d\ne f"), ("Part 2", "g h i j k l m"), ("Part 3", "n")]


def test_sections_do_not_cross_headings():
    """Catches the end of one chapter and the beginning of the next in one section."""
    paragraphs = [
        heading("A"),
        Paragraph("a b"),
        heading("B"),
        Paragraph("c d e f g"),
        Paragraph("h"),
        heading("Empty"),
    ]
    assert sections(paragraphs) == [("A", "a b"), ("B, part 1", "c d e f g"), ("B, part 2", "h")]


def test_nested_headings_are_joined():
    """Catches a heading path that keeps an old branch, or loses the level above."""
    paragraphs = [heading("A"), Paragraph("a"), heading("B", 2), Paragraph("b"), heading("C"), Paragraph("c")]
    assert sections(paragraphs) == [("A", "a"), ("A / B", "b"), ("C", "c")]


def test_without_a_length_sections_stay_whole():
    """Catches articles cut into parts although they have sections of their own."""
    assert sections([Paragraph("a b c d e f"), Paragraph("g h i j k l")], None) == [("", "a b c d e f\ng h i j k l")]


def test_a_very_long_paragraph_is_cut_between_sentences():
    """Catches a book without paragraphs kept as a single section, and sentences cut in two."""
    text = "One two three four. Five six seven. Eight nine ten eleven. Twelve."
    assert [text for _, text in sections([Paragraph(text)])] == [
        "One two three four. Five six seven.",
        "Eight nine ten eleven. Twelve.",
    ]


def test_parts_have_their_own_page():
    """Catches a part with the page of its chapter instead of its own."""
    paragraphs = [heading("A"), Paragraph("a b c d e", page=3), Paragraph("f", page=4)]
    assert [one.page for one in sections_of(paragraphs, 5, "en")] == [3, 4]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.text("ab. ", min_size=1, max_size=30)), max_size=15), st.integers(1, 8))
def test_no_word_is_lost(parts, section_words):
    """Catches lost or doubled text, empty sections, and parts (except the last of a heading) that are too short.

    White space is ignored: a sentence may begin without any before it.
    """
    paragraphs = [
        Paragraph(text, HEADING, level) if level else Paragraph(text) for level, text in parts if text.strip()
    ]
    found = list(sections_of(paragraphs, section_words, "en"))
    prose = " ".join(paragraph.text for paragraph in paragraphs if paragraph.kind != HEADING)
    assert "".join(" ".join(section.text for section in found).split()) == "".join(prose.split())
    assert all(section.text.strip() for section in found)
    for one, after in pairwise(found):
        heading, _, number = one.heading.rpartition(", part ")
        # Consecutive headings may be equal, so the number counts too.
        if heading and after.heading == f"{heading}, part {int(number) + 1}":
            assert len(one.text.split()) >= section_words
