"""Lines of Arabic and Hebrew by the places of their letters; scripts without spaces, and of clusters."""

import pytest

from localist.corpus.formats.pdf_fragments import fragments_of
from localist.corpus.formats.pdf_letters import Letter
from localist.corpus.formats.pdf_scripts import broken_words, in_reading_order

WIDTH, SPACE = 5.0, 4.0


def seen(text, *, left=100.0, baseline=700.0):
    """Letters from left to right as they look on the page, with gaps for spaces."""
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
def test_hebrew_is_read_from_the_right_whatever_the_order_in_the_file(order):
    """Catches letters and words that come out backwards, since programs write them in either order."""
    assert read(order(seen("םירצק םילמ"))) == ["מלים קצרים"]


def test_numbers_and_latin_words_run_from_the_left():
    """Catches numbers and foreign words turned round with the line, and brackets that open at their end."""
    assert read(seen(".םלוע Mill Works (1848־ב) םולש")) == ["שלום (ב־1848) Mill Works עולם."]
    assert read(seen("3.50 םולש")) == ["שלום 3.50"]


def test_hebrew_words_within_english_are_turned_alone():
    """Catches the words around a quotation that change places with it."""
    text = "The words {} mean peace to the world of the readers here."
    assert read(seen(text.format("םלוע םולש"))) == [text.format("שלום עולם")]


def test_lines_of_a_page_from_right_to_left_begin_on_the_left():
    """Catches indents and columns that are looked for on the wrong side."""
    first, second = in_reading_order([*seen("אב", left=300.0), *seen("גד", left=200.0, baseline=688.0)])[::2]
    assert (first.text, second.text) == ("ב", "ד")
    assert first.left < second.left


def test_words_that_begin_with_a_vowel_sign_are_counted():
    """Catches Devanagari whose letters are out of order, read without a warning."""
    assert broken_words("पुरानी चक्की नदी words") == (0, 3)
    assert broken_words("पुर ानी िनद") == (2, 3)
