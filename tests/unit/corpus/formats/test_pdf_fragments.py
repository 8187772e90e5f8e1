"""Words and spaces from letters with places."""

import pytest

from localist.corpus.formats.pdf_fragments import fragments_of
from localist.corpus.formats.pdf_letters import Letter

WIDTH, SPACE, SIZE = 5.0, 3.0, 10.0


def line(*stretches, typed=False):
    """Letters of a line; each stretch is a text and the gap that its letters have around them."""
    letters, x, space = [], 100.0, False
    for text, gap in stretches:
        for character in text:
            if character == " ":
                x, space = x + SPACE, True
                continue
            x += gap / 2
            # PDFium takes a wide gap for a space.
            letters.append(Letter(character, x, x + WIDTH, 700.0, SIZE, 0, space or gap > 0, False, x, typed))
            x, space = x + WIDTH + gap / 2, False
    return letters


def texts(letters):
    return [one.text for one in fragments_of(letters)[0]]


@pytest.mark.parametrize(
    "stretches",
    [
        [("He meant it ", 0), ("very seriously", 2.0), (" and said so.", 0)],
        [("Das war ", 0), ("Kapitel", 2.8), (" eins.", 0)],
        [("Er las ", 0), ("Die Zeitung", 2.8), (" und ging.", 0)],
        [("KAPITEL EINS", 3.0)],
        [("The first winter", 3.0)],
    ],
)
def test_letter_spaced_words_are_whole(stretches):
    """Catches emphasis and headings by letter-spacing, of which every letter becomes a word."""
    assert texts(line(*stretches)) == ["".join(text for text, _ in stretches)]


@pytest.mark.parametrize("text", ["the points A B C D and", "x y z a b are", "A B C D E", "I I I I", "À à Á á A a Ã ã"])
def test_words_of_one_letter_stay_apart(text):
    """Catches lists of single letters that are taken for letter-spaced words."""
    assert texts(line((text, 0))) == [text]
    assert texts(line((text, 0), typed=True)) == [text]


def test_what_is_turned_against_the_text_is_counted():
    """Catches stamps along a margin that are lost without a word, and labels set in the middle of a sentence."""
    stamp = [one._replace(quarter_turns=1) for one in line(("arXiv", 0))]
    found, turned = fragments_of([*line(("Some words of a page", 0)), *stamp])
    assert ([one.text for one in found], turned) == (["Some words of a page"], 5)


def test_the_widest_gap_between_words_is_known():
    """Catches gaps of justified lines that are compared with a gutter as if they were none."""
    (found,), _ = fragments_of(line(("one two", 0)))
    assert found.gap == SPACE
