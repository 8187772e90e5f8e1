"""Plain text: encodings, missing files, and how paragraphs become sections."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localist.errors import UserError
from localist.plain_text import gather_paragraphs, read_plain_text


def test_a_byte_order_mark_is_no_text(tmp_path):
    """Catches an invisible first character, which would become a token of the first sentence."""
    path = tmp_path / "book.txt"
    path.write_bytes(b"\xef\xbb\xbfOnce upon a time.\r\n\r\nThe end.\r\n")
    (document,) = read_plain_text(path, section_words=1)
    assert document.title == "book"
    assert [section.text for section in document.sections] == ["Once upon a time.", "The end."]


@pytest.mark.parametrize("before", [b"caf", b"\xef\xbb\xbfcaf"])
def test_text_in_another_encoding_is_refused_with_the_place(tmp_path, before):
    """Catches a traceback, or wrong letters, for a Latin-1 file; the byte named is its place in the file."""
    path = tmp_path / "latin.txt"
    path.write_bytes(before + b"\xe9 noir")
    with pytest.raises(UserError, match=rf"latin\.txt.*UTF-8.*byte {len(before)}\b"):
        read_plain_text(path, section_words=10)


def test_a_file_that_is_not_there_is_named(tmp_path):
    """Catches a traceback for a wrong path, or for a folder."""
    with pytest.raises(UserError, match=r"gone\.txt.*corpus\.source\.path"):
        read_plain_text(tmp_path / "gone.txt", section_words=10)
    with pytest.raises(UserError, match="cannot be read"):
        read_plain_text(tmp_path, section_words=10)


def test_paragraphs_are_gathered_whole():
    """Catches paragraphs cut in two, and sections closed too early or too late."""
    text = "a b c\nd\n\n\ne f\n \ng h i j k l m\n\nn"
    sections = gather_paragraphs(text, 5)
    assert [section.text for section in sections] == ["a b c d\ne f", "g h i j k l m", "n"]
    assert [section.heading for section in sections] == ["Part 1", "Part 2", "Part 3"]


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from(["one", "twö", "3,", "😀"]), max_size=6), max_size=12),
    st.integers(1, 8),
)
def test_no_word_is_lost(paragraphs, section_words):
    """Catches lost or doubled words, an empty section, and a section (but the last) below the asked length."""
    text = "\n\n".join(" ".join(words) for words in paragraphs)
    sections = gather_paragraphs(text, section_words)
    assert " ".join(section.text for section in sections).split() == text.split()
    lengths = [len(section.text.split()) for section in sections]
    assert all(length >= section_words for length in lengths[:-1])
    assert all(lengths)
