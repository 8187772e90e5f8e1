"""Reading order of right-to-left scripts from letter positions, and broken words in Devanagari."""

import pytest

from localist.corpus.formats.pdf_fragments import fragments_of
from localist.corpus.formats.pdf_letters import Letter
from localist.corpus.formats.pdf_scripts import broken_words, in_reading_order

WIDTH, SPACE = 5.0, 4.0


def seen(text, *, left=100.0, baseline=700.0):
    """Letters from left to right as they appear on the page, with gaps for spaces."""
    letters, x = [], left
    for character in text:
        if character == " ":
            x += SPACE
            continue
        letters.append(Letter(character, x, x + WIDTH, baseline, 10.0, 0, False, False, x, False))
        x += WIDTH
    return letters


def read(letters):
    fragments, _ = fragments_of(in_reading_order(letters))
    return [one.text for one in fragments]


@pytest.mark.parametrize("order", [lambda line: line, lambda line: line[::-1], lambda line: line[7:] + line[:7]])
def test_hebrew_is_read_right_to_left_in_any_file_order(order):
    """Catches reversed letters or words: programs write them in either order."""
    assert read(order(seen("םירצק םילמ"))) == ["מלים קצרים"]


def test_numbers_and_latin_words_are_read_left_to_right():
    """Catches numbers and foreign words reversed with the line, and brackets facing the wrong way."""
    assert read(seen(".םלוע Mill Works (1848־ב) םולש")) == ["שלום (ב־1848) Mill Works עולם."]
    assert read(seen("3.50 םולש")) == ["שלום 3.50"]


def test_hebrew_words_within_english_are_reversed_alone():
    """Catches English words reordered along with a Hebrew quotation."""
    text = "The words {} mean peace to the world of the readers here."
    assert read(seen(text.format("םלוע םולש"))) == [text.format("שלום עולם")]


def test_right_to_left_pages_are_mirrored():
    """Catches indents and columns detected on the wrong side."""
    first, second = in_reading_order([*seen("אב", left=300.0), *seen("גד", left=200.0, baseline=688.0)])[::2]
    assert (first.text, second.text) == ("ב", "ד")
    assert first.left < second.left


def test_words_that_begin_with_a_vowel_sign_are_counted():
    """Catches Devanagari with its letters out of order that is read without a warning."""
    assert broken_words("पुरानी चक्की नदी words") == (0, 3)
    assert broken_words("पुर ानी िनद") == (2, 3)
