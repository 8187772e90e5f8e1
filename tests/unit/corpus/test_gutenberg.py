"""Project Gutenberg's frame and the marks of its plain text."""

import pytest

from localist.corpus.formats.book import HEADING, Paragraph
from localist.corpus.gutenberg import drop_gutenberg


def prose(*texts: str) -> list[Paragraph]:
    return [Paragraph(text) for text in texts]


def texts(paragraphs: list[Paragraph]) -> list[str]:
    return [paragraph.text for paragraph in paragraphs]


def test_gutenberg_s_frame_goes_and_the_book_stays():
    """Catches the licence in the first and last sections of every such book, and a book that goes with it."""
    before = ["The Project Gutenberg eBook of Alice", "*** START OF THE PROJECT GUTENBERG EBOOK ALICE ***"]
    book = [
        "Produced by A. Volunteer and",
        "Proofreaders at https://www.pgdp.net",
        "Alice was beginning.",
        "By and by.",
        "THE END",
    ]
    after = ["*** END OF THE PROJECT GUTENBERG EBOOK ALICE ***", "Section 1. General Terms of Use"]
    kept, removed = drop_gutenberg(prose(*before, *book, *after))
    assert texts(kept) == book[2:]
    assert removed == [*before, *book[:2], *after]


def test_another_book_is_left_alone():
    """Catches a book without that frame which loses its beginning or end."""
    paragraphs = prose("Produced by hand.", "The end of Project Gutenberg was not near.")
    assert drop_gutenberg(paragraphs) == (paragraphs, [])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (["[Illustration]", "Text."], ["Text."]),
        (["[Illustration: The mill [in winter],", "by an unknown hand.]", "Text."], ["Text."]),
        (["[Illustration: never closed", "Text.", "More."], ["Text.", "More."]),
        (["[Transcriber's Note: One error", "was put right.]", "Text."], ["Text."]),
        (["Transcriber’s Notes: errors were put right.", "Text."], ["Text."]),
        (["Text [Illustration: a wheel] goes on."], ["Text goes on."]),
        (
            ["[Sidenote: The mill.]", "Text [Greek: logos] and =bold= +Caps+ 1 + 2 + 3.", "[Blank Page]"],
            ["Text logos and bold Caps 1 + 2 + 3."],
        ),
        (["[Illustration: T]HE mill stood."], ["THE mill stood."]),
        (["[Illustration: a wheel]\nThe mill stood.", "More."], ["\nThe mill stood.", "More."]),
        (["[He laughs.] Text.", "[The curtain falls.]"], ["[He laughs.] Text.", "[The curtain falls.]"]),
    ],
)
def test_what_stands_for_a_picture_or_is_the_transcriber_s_goes(before, after):
    """Catches captions and notes of volunteers in the text, and the rest of the book in an open bracket."""
    assert texts(drop_gutenberg(prose(*before))[0]) == after


def test_a_headed_note_of_the_transcriber_goes_up_to_the_next_heading():
    """Catches the paragraphs below the heading."""
    paragraphs = [
        Paragraph("TRANSCRIBER'S NOTE", HEADING, 2),
        *prose("One.", "Two."),
        Paragraph("CHAPTER I", HEADING, 2),
    ]
    assert texts(drop_gutenberg([*paragraphs, *prose("Text.")])[0]) == ["CHAPTER I", "Text."]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (["before [Pg 12] after", "bro[Pg 13]ken", "[Page xii]"], ["before after", "broken"]),
        (["before [Pg 12]after"], ["before after"]),
        (["a [Pg 1]", "+-----+", "b"], ["a", "b"]),
        (["a {12} b", "c {13} d", "e{14}f"], ["a b", "c d", "ef"]),
        (["the set {12} and {3}"], ["the set {12} and {3}"]),
        ([r"\frac{1}{2} of \sqrt{2} in {3}, {1} or {1}"], [r"\frac{1}{2} of \sqrt{2} in {3}, {1} or {1}"]),
        (["a {12} b", r"c {13} d \frac{1}{2}", "e{14}f"], ["a b", r"c d \frac{1}{2}", "ef"]),
        (["as he says [p. 12] here"], ["as he says [p. 12] here"]),
        (["a [Pg 1]", "*       *       *", "* * *", "b"], ["a", "b"]),
    ],
)
def test_marks_of_pages_and_rows_of_asterisks_go(before, after):
    """Catches numbers of pages within sentences, and brackets of the author that go."""
    assert texts(drop_gutenberg(prose(*before))[0]) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("the _very_ bend", "the very bend"),
        ("_The Old\nLady_, he", "The Old\nLady, he"),
        ("“_No!_” he", "“No!” he"),
        ("an_odd_name and __init__ and a_ b_", "an_odd_name and __init__ and a_ b_"),
        ("_____ is blank", "_____ is blank"),
    ],
)
def test_underscores_stand_for_italics(before, after):
    """Catches underscores around words, and names of programs that lose theirs."""
    assert texts(drop_gutenberg(prose(before))[0]) == [after]
