"""Copies of paragraphs: what counts as one, and what does not."""

import random

from localist.corpus.near_duplicates import NearDuplicates


def paragraph(seed, words=60):
    generator = random.Random(seed)
    return " ".join("".join(generator.choices("abcdefghijklm", k=6)) for _ in range(words))


def test_the_second_of_two_like_paragraphs_goes():
    """Catches a book that is in the corpus twice, in training text and in test text, in two files or printings."""
    seen = NearDuplicates()
    first, other = paragraph(1), paragraph(2)
    assert seen.without([first, other]) == ([first, other], [])
    again = first.upper().replace(" ", ", ")
    assert seen.without([again, paragraph(3)]) == ([paragraph(3)], [again])


def test_a_word_changed_in_a_hundred_is_still_a_copy():
    """Catches copies that differ by a misprint."""
    seen = NearDuplicates()
    words = paragraph(1, 200).split()
    seen.without([" ".join(words)])
    words[100] = "misprint"
    assert seen.without([" ".join(words)])[1]


def test_half_of_a_paragraph_or_a_short_one_is_no_copy():
    """Catches quotations, names and set phrases that come back, and are part of the text."""
    seen = NearDuplicates()
    words = paragraph(1, 100).split()
    seen.without([" ".join(words), "A short line that is said twice."])
    half = " ".join(words[:50] + paragraph(2, 50).split())
    assert seen.without([half, "A short line that is said twice."])[1] == []


def test_the_same_text_gives_the_same_answer():
    """Catches sketches that hang on the order of a set or on a random seed."""
    lines = [" ".join((paragraph(seed // 2) + " " + paragraph(seed, 6)).split()) for seed in range(40)]
    assert NearDuplicates().without(lines) == NearDuplicates().without(lines)
