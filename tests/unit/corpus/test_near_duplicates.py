"""Copies of paragraphs: what counts as one, and what does not."""

import random

from localist.corpus.near_duplicates import NearDuplicates


def paragraph(seed, words=60):
    generator = random.Random(seed)
    return " ".join("".join(generator.choices("abcdefghijklm", k=6)) for _ in range(words))


def test_the_second_of_two_similar_paragraphs_is_removed():
    """Catches a paragraph in both training and test text because it occurs in two files or printings."""
    seen = NearDuplicates()
    first, other = paragraph(1), paragraph(2)
    assert seen.without([first, other]) == ([first, other], [])
    again = first.upper().replace(" ", ", ")
    assert seen.without([again, paragraph(3)]) == ([paragraph(3)], [again])


def test_a_copy_with_a_misprint_is_still_a_copy():
    """Catches copies kept because of a misprint."""
    seen = NearDuplicates()
    words = paragraph(1, 200).split()
    seen.without([" ".join(words)])
    words[100] = "misprint"
    assert seen.without([" ".join(words)])[1]


def test_half_copied_and_short_paragraphs_are_not_copies():
    """Catches quotations, names and recurring set phrases removed as copies, although they are part of the text."""
    seen = NearDuplicates()
    words = paragraph(1, 100).split()
    seen.without([" ".join(words), "A short line that is said twice."])
    half = " ".join(words[:50] + paragraph(2, 50).split())
    assert seen.without([half, "A short line that is said twice."])[1] == []


def test_the_same_text_gives_the_same_result():
    """Catches sketches that depend on the order of a set or on a random seed."""
    lines = [" ".join((paragraph(seed // 2) + " " + paragraph(seed, 6)).split()) for seed in range(40)]
    assert NearDuplicates().without(lines) == NearDuplicates().without(lines)
