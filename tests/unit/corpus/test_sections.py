"""How cleaned passages become the sections that the splits are made of."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from localist.corpus.formats.book import HEADING, Passage
from localist.corpus.sections import sections_of


def sections(passages, section_words=5):
    return [(one.heading, one.text) for one in sections_of(passages, section_words, "en")]


def heading(text, level=1):
    return Passage(text, HEADING, level)


def test_passages_are_gathered_whole():
    """Catches passages cut in two, and sections closed too early or too late."""
    passages = [Passage(text) for text in ("a b c d", "e f", "g h i j k l m", "n")]
    assert sections(passages) == [("Part 1", "a b c d\ne f"), ("Part 2", "g h i j k l m"), ("Part 3", "n")]


def test_a_section_never_goes_over_a_heading():
    """Catches the end of one chapter and the beginning of the next in one unit of the splits."""
    passages = [heading("A"), Passage("a b"), heading("B"), Passage("c d e f g"), Passage("h"), heading("Empty")]
    assert sections(passages) == [("A", "a b"), ("B, part 1", "c d e f g"), ("B, part 2", "h")]


def test_headings_are_joined_from_the_top():
    """Catches a trail that keeps an old branch, or loses the level above."""
    passages = [heading("A"), Passage("a"), heading("B", 2), Passage("b"), heading("C"), Passage("c")]
    assert sections(passages) == [("A", "a"), ("A / B", "b"), ("C", "c")]


def test_without_a_length_what_stands_under_a_heading_stays_whole():
    """Catches articles cut into parts, whose sections are meant as they are."""
    assert sections([Passage("a b c d e f"), Passage("g h i j k l")], None) == [("", "a b c d e f\ng h i j k l")]


def test_a_very_long_passage_is_cut_between_sentences():
    """Catches a book without paragraphs in a single section, and sentences cut in two."""
    text = "One two three four. Five six seven. Eight nine ten eleven. Twelve."
    assert [text for _, text in sections([Passage(text)])] == [
        "One two three four. Five six seven.",
        "Eight nine ten eleven. Twelve.",
    ]


def test_sections_begin_on_their_page():
    """Catches the page of the chapter instead of the part's own."""
    passages = [heading("A"), Passage("a b c d e", page=3), Passage("f", page=4)]
    assert [one.page for one in sections_of(passages, 5, "en")] == [3, 4]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.text("ab. ", min_size=1, max_size=30)), max_size=15), st.integers(1, 8))
def test_no_word_is_lost(parts, section_words):
    """Catches lost or doubled words, empty sections, and parts (but the last of a heading) that are too short."""
    passages = [Passage(text, HEADING, level) if level else Passage(text) for level, text in parts if text.strip()]
    found = list(sections_of(passages, section_words, "en"))
    prose = " ".join(passage.text for passage in passages if passage.kind != HEADING)
    assert " ".join(section.text for section in found).split() == prose.split()
    assert all(section.text.strip() for section in found)
    for one, after in pairwise(found):
        if one.heading.rpartition(", part ")[0] == after.heading.rpartition(", part ")[0] != "":
            assert len(one.text.split()) >= section_words
