"""Scripts without spaces between words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localist.corpus.unspaced import is_unspaced, without_line_ends, word_count


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("one two, three", 3),
        ("磨坊立在河边。", 6),
        ("在 1911 年", 3),
        ("ВВ БЫЛО — 5", 4),
        ("방앗간이 서 있다", 3),
        ("", 0),
    ],
)
def test_letters_count_where_there_are_no_spaces(text, count):
    """Catches a Chinese book of one word a paragraph."""
    assert word_count(text) == count


@given(st.text(st.characters(max_codepoint=0x4FF)))
def test_words_between_spaces_are_counted_as_by_split(text):
    """Catches other counts, and so other sections, in scripts with spaces."""
    assert word_count(text) == len(text.split())


@pytest.mark.parametrize(
    ("text", "answer"),
    [("水車小屋は川辺に", True), ("Python 是一种语言", False), ("한국어 문장", False), ("12.", False)],
)
def test_a_text_is_of_the_script_of_most_letters(text, answer):
    """Catches Korean, which has spaces, and a Latin text with a quotation."""
    assert is_unspaced(text) is answer


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("水車小屋は\n  川辺に", "水車小屋は川辺に"),
        ("\n水車小屋は Python\nで書く\n", "\n水車小屋は Pythonで書く\n"),
        ("한국어\n문장", "한국어\n문장"),
        ("café\nau lait", "café\nau lait"),
        ("one\ntwo", "one\ntwo"),
    ],
)
def test_lines_of_a_source_join_without_a_space(text, expected):
    """Catches spaces within Chinese words where the source of a page breaks its lines, and words that are glued."""
    assert without_line_ends(text) == expected
