"""Words and spaces from positioned letters."""

import pytest

from localist.corpus.formats.pdf_fragments import fragments_of
from localist.corpus.formats.pdf_letters import Letter

WIDTH, SPACE, SIZE = 5.0, 3.0, 10.0


def line(*stretches, typed=False):
    """Letters of a line; each stretch is a text and the gap around its letters."""
    letters, x, space = [], 100.0, False
    for text, gap in stretches:
        for character in text:
            if character == " ":
                x, space = x + SPACE, True
                continue
            x += gap / 2
            # PDFium reads a wide gap as a space.
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
def test_letter_spaced_words_are_joined(stretches):
    """Catches letter-spaced emphasis or headings split into single letters."""
    assert texts(line(*stretches)) == ["".join(text for text, _ in stretches)]


@pytest.mark.parametrize("text", ["the points A B C D and", "x y z a b are", "A B C D E", "I I I I", "À à Á á A a Ã ã"])
def test_one_letter_words_are_not_joined(text):
    """Catches lists of single letters read as letter-spaced words."""
    assert texts(line((text, 0))) == [text]
    assert texts(line((text, 0), typed=True)) == [text]


def test_rotated_letters_are_counted_and_removed():
    """Catches rotated margin stamps dropped without being counted, or left in the middle of a sentence."""
    stamp = [one._replace(quarter_turns=1) for one in line(("arXiv", 0))]
    found, turned = fragments_of([*line(("Some words of a page", 0)), *stamp])
    assert ([one.text for one in found], turned) == (["Some words of a page"], 5)


def test_the_widest_word_gap_is_recorded():
    """Catches a fragment without its widest word gap, which is compared with the width of a gutter."""
    (found,), _ = fragments_of(line(("one two", 0)))
    assert found.gap == SPACE
