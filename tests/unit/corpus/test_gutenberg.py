"""Project Gutenberg's header, credits and licence, and the markup of its plain text."""

import pytest

from localist.corpus.formats.book import HEADING, Paragraph
from localist.corpus.gutenberg import drop_gutenberg


def prose(*texts: str) -> list[Paragraph]:
    return [Paragraph(text) for text in texts]


def texts(paragraphs: list[Paragraph]) -> list[str]:
    return [paragraph.text for paragraph in paragraphs]


def test_header_credits_and_licence_are_removed():
    """Catches the header, credits or licence left in a book, and the book's own text removed with them."""
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


def test_other_books_are_unchanged():
    """Catches the beginning or end removed from a book that is not from Project Gutenberg."""
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
def test_captions_and_transcribers_notes_are_removed(before, after):
    """Catches captions or volunteers' notes left in the text, and a book removed after a bracket that never closes."""
    assert texts(drop_gutenberg(prose(*before))[0]) == after


def test_a_transcribers_note_ends_at_the_next_heading():
    """Catches paragraphs of a transcriber's note left below its heading, and the next chapter removed with it."""
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
def test_page_marks_and_rows_of_asterisks_are_removed(before, after):
    """Catches page numbers left within sentences, and the author's own brackets removed."""
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
def test_underscores_for_italics_are_removed(before, after):
    """Catches underscores left around words, and identifiers that lose theirs."""
    assert texts(drop_gutenberg(prose(before))[0]) == [after]
