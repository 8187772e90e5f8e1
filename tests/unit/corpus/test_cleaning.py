"""Cleaning steps, one by one, on paragraphs made by hand."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localist.corpus.cleaning import (
    STEPS,
    TEXT_STEPS,
    clean,
    drop_boilerplate,
    drop_contents,
    drop_footnote_marks,
    drop_footnotes,
    drop_index,
    drop_references,
    drop_tables,
    join_hyphenated,
    tidy_unicode,
    without_lists,
    without_sections,
)
from localist.corpus.formats.book import (
    CONTENTS,
    HEADING,
    INDEX,
    MARK_END,
    MARK_START,
    NAVIGATION,
    NOTE,
    REFERENCES,
    TABLE,
    Paragraph,
)

ANY_CHARACTER = st.characters() | st.sampled_from(["\ud800", MARK_START, MARK_END, "\n", "-", "\x85"])


def prose(*texts):
    return [Paragraph(text) for text in texts]


def heading(text, level=1):
    return Paragraph(text, HEADING, level)


def texts(paragraphs):
    return [paragraph.text for paragraph in paragraphs]


def raised(text):
    return f"{MARK_START}{text}{MARK_END}"


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        ("\ufb01ne o\ufb00ice", "fine office", ["\ufb01", "\ufb00"]),
        ("cafe\u0301", "café", ["e", "\u0301"]),
        ("co\u00adop\u200berate", "cooperate", ["\u00ad", "\u200b"]),
        ("a\u00a0b\u2009c", "a b c", ["\u00a0", "\u2009"]),
        ("a\x07b", "ab", ["\x07"]),
        ("“Quotes” – and… dashes", "“Quotes” – and… dashes", []),
        ("全角！ＡＢＣ", "全角！ＡＢＣ", []),
        ("می\u200cخواهم", "می\u200cخواهم", []),
        ("plain", "plain", []),
    ],
)
def test_unicode_forms(before, after, changed):
    """Catches ligatures and invisible characters that stay, and forms that are the author's own and go."""
    kept, removed = tidy_unicode(prose(before))
    assert texts(kept) == [after] and removed == changed


def test_wrongly_decoded_letters_are_put_right():
    """Catches "Ã©" where é was meant, as in many converted books."""
    assert texts(tidy_unicode(prose("Le café crème Ã©tait dÃ©jÃ\xa0 froid."))[0]) == ["Le café crème était déjà froid."]


@pytest.mark.parametrize(
    ("step", "kind", "title"),
    [
        (drop_contents, CONTENTS, "Table of Contents"),
        (drop_index, INDEX, "12. Index"),
        (drop_index, INDEX, "Sachregister"),
        (drop_references, REFERENCES, "A. References"),
        (drop_references, REFERENCES, "VII Bibliography:"),
        (drop_references, REFERENCES, "LITERATURVERZEICHNIS"),
    ],
)
def test_lists_go_by_kind_and_by_heading(step, kind, title):
    """Catches lists of titles, pages and books that are taken for prose, where the format or only a heading tells."""
    by_kind = [Paragraph("a list", kind), *prose("text")]
    assert texts(step(by_kind)[0]) == ["text"]
    by_heading = [
        heading("Chapter"),
        *prose("text"),
        heading(title),
        *prose("a list"),
        heading("After"),
        *prose("more"),
    ]
    kept, removed = step(by_heading)
    assert texts(kept) == ["Chapter", "text", "After", "more"]
    assert removed == [title, "a list"]


def test_lines_with_leaders_are_contents():
    """Catches tables of contents without a heading, and sentences that trail off in dots."""
    listing = "One . . . . . . . . 3\n1.1 Two ........ 14\nThree … … xii"
    kept, removed = drop_contents(prose(listing, "He waited ....", "In the year .... 1848 it was. And more."))
    assert removed == [listing] and len(kept) == 2


def test_contents_end_with_any_heading():
    """Catches a whole book that goes because its chapters are of a lower level than the heading Contents."""
    paragraphs = [heading("Contents"), *prose("list"), heading("Chapter", 2), *prose("text")]
    assert texts(drop_contents(paragraphs)[0]) == ["Chapter", "text"]


def test_contents_end_where_prose_begins():
    """Catches a whole book that goes because its chapters are called by names that nobody knows for headings."""
    prose_of_chapter = (
        "The sea lay still, and the boats had gone out before anybody else in the whole of the town was awake."
    )
    paragraphs = [heading("Inhalt"), *prose("Erstes Kapitel", "Zweites Kapitel", prose_of_chapter, "And so on.")]
    assert texts(drop_contents(paragraphs)[0]) == [prose_of_chapter, "And so on."]


@pytest.mark.parametrize(("step", "title"), [(drop_index, "Index"), (drop_references, "Bibliography")])
def test_most_of_a_book_is_no_list(step, title):
    """Catches a book that goes because its first part is called Bibliography and no later heading is known."""
    paragraphs = [*prose("A title"), heading(title), *prose("Text of the book. " * 200)]
    assert step(paragraphs) == (paragraphs, [])


def test_dropped_sections_end_with_a_heading_of_their_level():
    """Catches an index whose letters are subheadings and stay."""
    paragraphs = [heading("Index", 2), heading("A", 3), *prose("apple 1"), heading("After", 2), *prose("text")]
    assert texts(without_sections(paragraphs, {"index"})[0]) == ["After", "text"]


RIVER = [
    f"The river rises in the hills of {name}, where it rains for most of the year, and runs down to the sea past the "
    "mill that two brothers bought for the price of its timber before the great frost."
    for name in ("Hale", "Stone", "Lane", "Carter")
]


@pytest.mark.parametrize("title", ["Sources", "Notes", "3. NOTES"])
def test_a_chapter_that_is_called_like_a_list_stays(title):
    """Catches a chapter that goes because of its name, and one that stays without a word."""
    paragraphs = [heading("The mill"), *prose(*["Text of the book. " * 40] * 9), heading(title), *prose(*RIVER)]
    kept, removed, (warning,) = without_lists(paragraphs, {"sources", "notes"})
    assert (kept, removed) == (paragraphs, [])
    assert title in warning and f"{sum(map(len, RIVER)):,} characters" in warning


def test_a_short_book_is_not_lost_to_a_heading_in_it():
    """Catches a text that goes since only one of its headings is known."""
    paragraphs = [*prose("The Flood", RIVER[0]), heading("NOTES"), *prose("See there.", "The Frost", *RIVER[1:])]
    kept, removed, warnings = without_lists(paragraphs, {"notes"})
    assert (kept, removed, len(warnings)) == (paragraphs, [], 1)


@pytest.mark.parametrize(
    "items",
    [
        [f"{number}. {text}" for number, text in enumerate(RIVER)],
        [
            f"A. Hale, The Mill and its Wheel, a History of the Valley in the Great Frost of the Year ({year})."
            for year in range(1911, 1922)
        ],
        ["See the second chapter."],
    ],
)
def test_a_list_is_no_chapter(items):
    """Catches notes and sources that stay because they are sentences."""
    paragraphs = [heading("The mill"), *prose(*["Text of the book. " * 40] * 9), heading("Notes"), *prose(*items)]
    kept, removed, warnings = without_lists(paragraphs, {"notes"})
    assert (len(kept), removed, warnings) == (10, ["Notes", *items], [])


def test_notes_and_tables_go():
    """Catches notes by format, notes of plain text, and cells of data."""
    paragraphs = [
        Paragraph("a note", NOTE),
        *prose("[Footnote 3: Not so.]", "[12] See there.", "[He laughs.]", "text.[12]"),
    ]
    assert texts(drop_footnotes(paragraphs)[0]) == ["[He laughs.]", "text.[12]"]
    assert texts(drop_tables([Paragraph("1.0", TABLE), *prose("text")])[0]) == ["text"]


def test_numbered_paragraphs_are_no_notes():
    """Catches a judgment, whose paragraphs are numbered in brackets, that goes as one long list of notes."""
    paragraphs = prose("[1] The claimant argues.", "[2] As said at [1], the court disagrees.")
    assert drop_footnotes(paragraphs) == (paragraphs, [])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"word{raised('12')} and", "word and"),
        (f"end.{raised('3')}", "end."),
        (f"“quote”{raised('a')} on", "“quote” on"),
        (f"word{raised('*')}", "word"),
        (f"word{raised('1, 2')}", "word"),
        (f"the 10{raised('th')} day", "the 10th day"),
        (f"10{raised('6')} times", "106 times"),
        (f"5 m{raised('2')} of", "5 m2 of"),
        (f"{raised('1')} A note", " A note"),
        ("as said.[12] And", "as said. And"),
        ("some word[3] here", "some word here"),
        ("an array a[3] here", "an array a[3] here"),
        ("in [12] they say", "in [12] they say"),
        ("the frost.[A] He", "the frost. He"),
        ("the frost[B] of", "the frost of"),
        ('he said "[A] trial is', 'he said "[A] trial is'),
        ("the[T]hing", "the[T]hing"),
    ],
)
def test_marks_of_notes_go_and_raised_text_stays(before, after):
    """Catches numbers glued to words, and exponents and ordinals that go with them."""
    assert texts(drop_footnote_marks(prose(before))[0]) == [after]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("exam-\nple", "example"),
        ("Jean-\nJacques", "Jean-Jacques"),
        ("1914-\n1918", "1914-1918"),
        ("pre-\nand post-war", "pre- and post-war"),
        ("EXAM-\nPLE", "EXAMPLE"),
        ("a dash -\nhere", "a dash -\nhere"),
        ("per\u2010\nhaps", "perhaps"),
        ("per\u00ac\nhaps", "perhaps"),
        ("the wheel\u2014\nthe last", "the wheel\u2014the last"),
        ("the wheel \u2013\nthe last", "the wheel \u2013\nthe last"),
    ],
)
def test_words_cut_at_line_ends_are_made_whole(before, after):
    """Catches halves of words, and hyphens lost that belong to the word."""
    assert texts(join_hyphenated(prose(before))[0]) == [after]


def test_the_book_says_how_its_words_are_written():
    """Catches "wellknown" in a book that writes "well-known", and "in-deed" where it writes "indeed"."""
    paragraphs = prose("well-\nknown in-\ndeed", "A well-known fact, indeed.", "in deed in deed")
    assert texts(join_hyphenated(paragraphs)[0])[0] == "well-known indeed"
    compounds = prose("anti-\nhero", "anti-war, anti-trust and anti-slavery")
    assert texts(join_hyphenated(compounds)[0])[0] == "anti-hero"


def test_the_book_says_whether_a_space_follows_a_dash():
    """Catches words glued together where, as in Spanish, a dash ends an aside."""
    paragraphs = prose("—Sí —dijo él— y salió.", "—No —dijo ella—\ny entró.")
    assert texts(join_hyphenated(paragraphs)[0])[1] == "—No —dijo ella—\ny entró."


def test_soft_hyphens_at_line_ends_join_words():
    """Catches a word in two pieces where its soft hyphen goes and the line's end stays."""
    assert texts(tidy_unicode(prose("ex\u00adam\u00ad\nined"))[0]) == ["examined"]


REFRAIN = "And slow the water under it goes,"


@pytest.mark.parametrize(
    "paragraphs",
    [
        [one for n in "abcdefg" for one in (heading(f"Stanza {n}"), *prose(f"The {n} of the wheel,", REFRAIN))],
        [
            one
            for n in "abcdefg"
            for one in prose(f"The mill of {n} stood still, and nobody came. " * 3, "They all leave.")
        ],
        [
            one
            for n in "abcdefg"
            for one in (heading(f"Scene {n}"), *prose(f"Now {n} says a long line. " * 4, "[They all leave the stage.]"))
        ],
    ],
)
def test_refrains_and_stage_directions_stay(paragraphs):
    """Catches text of the author that goes because he says it again."""
    assert drop_boilerplate(paragraphs) == (paragraphs, [])


def test_a_notice_at_the_end_of_each_chapter_goes():
    """Catches a notice that stays because it is the same everywhere."""
    chapters = [
        one
        for n in "abcdefg"
        for one in (
            heading(n),
            *prose(f"The mill of {n} stood still, and nobody came. " * 3, "Return to the table of contents"),
        )
    ]
    assert len(drop_boilerplate(chapters)[1]) == 7


def test_what_is_said_again_and_again_goes():
    """Catches a notice at the foot of every page of a web book; and names, headings and refrains of few words stay."""
    notice = [f"Click here to return to page {number}" for number in range(5)]
    paragraphs = [heading("The same heading every time")] * 6 + prose(
        *notice, *["Nevermore."] * 9, "Said once only, this."
    )
    kept, removed = drop_boilerplate([*paragraphs, Paragraph("Home", NAVIGATION)])
    assert removed == [*notice, "Home"]
    assert len(kept) == 6 + 9 + 1


def test_steps_that_are_off_leave_the_text():
    """Catches a step that runs although it is off, and marks of our own that stay in the text."""
    before = [Paragraph("o\ufb00ice", NOTE), *prose(f"exam-\nple{raised('2')}")]
    kept, removed = clean(before, ())
    assert texts(kept) == ["o\ufb00ice", "exam- ple2"] and removed == {}
    kept, removed = clean(before, STEPS)
    assert texts(kept) == ["example"] and set(removed) == set(TEXT_STEPS)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.text(ANY_CHARACTER, max_size=40), max_size=6), st.sets(st.sampled_from(sorted(TEXT_STEPS))))
def test_any_text_is_cleaned_to_lines_that_can_be_stored(parts, steps):
    """Catches text that breaks a step or cannot be written as UTF-8, empty paragraphs, and line breaks in one."""
    kept, _ = clean(prose(*parts), steps)
    for paragraph in kept:
        assert paragraph.text.encode("utf-8").strip() and len(paragraph.text.splitlines()) == 1
        assert MARK_START not in paragraph.text and MARK_END not in paragraph.text
