"""Plain text: how paragraphs and headings are told apart."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localist.corpus.formats.book import CONTENTS, HEADING
from localist.corpus.formats.plain_text import read_plain_text, text_paragraphs


def test_a_file_is_one_book_titled_by_its_name(tmp_path):
    """Catches an invisible first character (a byte order mark), and line ends of Windows that stay."""
    path = tmp_path / "book.txt"
    path.write_bytes(b"\xef\xbb\xbfOnce upon\r\na time.\r\n\r\nThe end.\r\n")
    (book,) = read_plain_text(path)
    assert (book.title, book.encoding) == ("book", "utf-8-sig")
    assert [paragraph.text for paragraph in book.paragraphs] == ["Once upon\na time.", "The end."]


def test_a_text_without_blank_lines_has_a_paragraph_on_each_line():
    """Catches a whole book in one paragraph."""
    assert [paragraph.text for paragraph in text_paragraphs("One.\nTwo.\nThree.")] == ["One.", "Two.", "Three."]


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("CHAPTER I.", 2),
        ("Chapter 12: The Sea", 2),
        ("CHAPTER I\nDown the Rabbit-Hole", 2),
        ("BOOK THE SECOND", 1),
        ("Part Two", 1),
        ("PREFACE", 2),
        ("Kapitel 3", 2),
        ("Bibliography", 2),
        ("Part of the crew had gone ashore, and nobody knew when it would come back to the ship again.", 0),
        ("Introduction to the matter at hand", 0),
        ('"Chapter 12," he said,', 0),
        ("Book 7 was lost,", 0),
        ("Plain words.", 0),
    ],
)
def test_lines_of_their_own_that_name_a_part_are_headings(line, level):
    """Catches chapters whose beginning is lost, and sentences taken for headings."""
    (before, paragraph, after) = text_paragraphs(f"Before.\n\n{line}\n\nAfter.")
    assert (before.text, after.text) == ("Before.", "After.")
    assert paragraph.level == level and (paragraph.kind == HEADING) == bool(level)


def test_a_list_of_headings_is_no_heading():
    """Catches a table of contents whose two lines pass for a chapter and its title."""
    (_, paragraph, _) = text_paragraphs("Before.\n\nCHAPTER I. The Sea\nCHAPTER II. The Land\n\nAfter.")
    assert paragraph.kind == CONTENTS


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.sampled_from(["one", "twö", "3,", "😀", "\f"]), max_size=6), max_size=12))
def test_no_word_is_lost(paragraphs):
    """Catches lost or doubled words, and empty paragraphs."""
    text = "\n\n".join(" ".join(words) for words in paragraphs)
    paragraphs = list(text_paragraphs(text))
    assert " ".join(paragraph.text for paragraph in paragraphs).split() == text.split()
    assert all(paragraph.text.strip() for paragraph in paragraphs)
