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
def test_letters_are_counted_in_scripts_without_spaces(text, count):
    """Catches a Chinese paragraph counted as one word."""
    assert word_count(text) == count


@given(st.text(st.characters(max_codepoint=0x4FF)))
def test_spaced_words_are_counted_as_by_split(text):
    """Catches word counts, and thus section boundaries, that differ in scripts with spaces."""
    assert word_count(text) == len(text.split())


@pytest.mark.parametrize(
    ("text", "answer"),
    [("水車小屋は川辺に", True), ("Python 是一种语言", False), ("한국어 문장", False), ("12.", False)],
)
def test_most_letters_decide_whether_text_is_unspaced(text, answer):
    """Catches Korean, which has spaces, or a Latin text with a quotation taken for unspaced text."""
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
def test_source_lines_are_joined_without_spaces(text, expected):
    """Catches spaces within Chinese or Japanese where the source breaks its lines, and spaced words glued together."""
    assert without_line_ends(text) == expected
