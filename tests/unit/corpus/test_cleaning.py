"""Each cleaning step, on handwritten paragraphs."""

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
    """Catches ligatures and invisible characters left in the text, and the author's own characters changed."""
    kept, removed = tidy_unicode(prose(before))
    assert texts(kept) == [after] and removed == changed


def test_mojibake_is_repaired():
    """Catches mojibake such as "Ã©" for é, as in many converted books."""
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
def test_lists_are_removed_by_kind_and_by_heading(step, kind, title):
    """Catches contents, indexes or references kept as prose, whether marked by the format or only by a heading."""
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
    """Catches a table of contents without a heading that is kept, and sentences with rows of dots that are removed."""
    listing = "One . . . . . . . . 3\n1.1 Two ........ 14\nThree … … xii"
    kept, removed = drop_contents(prose(listing, "He waited ....", "In the year .... 1848 it was. And more."))
    assert removed == [listing] and len(kept) == 2


def test_contents_end_at_any_heading():
    """Catches a book removed because its chapter headings are of a lower level than the heading Contents."""
    paragraphs = [heading("Contents"), *prose("list"), heading("Chapter", 2), *prose("text")]
    assert texts(drop_contents(paragraphs)[0]) == ["Chapter", "text"]


def test_contents_end_where_prose_begins():
    """Catches a book removed as contents because its chapter titles are not recognised as headings."""
    prose_of_chapter = (
        "The sea lay still, and the boats had gone out before anybody else in the whole of the town was awake."
    )
    paragraphs = [heading("Inhalt"), *prose("Erstes Kapitel", "Zweites Kapitel", prose_of_chapter, "And so on.")]
    assert texts(drop_contents(paragraphs)[0]) == [prose_of_chapter, "And so on."]


@pytest.mark.parametrize(("step", "title"), [(drop_index, "Index"), (drop_references, "Bibliography")])
def test_most_of_a_book_is_not_removed_as_a_list(step, title):
    """Catches a book removed because its first part is called Bibliography and no later heading is recognised."""
    paragraphs = [*prose("A title"), heading(title), *prose("Text of the book. " * 200)]
    assert step(paragraphs) == (paragraphs, [])


def test_dropped_sections_end_at_a_heading_of_their_level():
    """Catches an index kept from its first subheading (a letter) on."""
    paragraphs = [heading("Index", 2), heading("A", 3), *prose("apple 1"), heading("After", 2), *prose("text")]
    assert texts(without_sections(paragraphs, {"index"})[0]) == ["After", "text"]


RIVER = [
    f"The river rises in the hills of {name}, where it rains for most of the year, and runs down to the sea past the "
    "mill that two brothers bought for the price of its timber before the great frost."
    for name in ("Hale", "Stone", "Lane", "Carter")
]


@pytest.mark.parametrize("title", ["Sources", "Notes", "3. NOTES"])
def test_a_chapter_titled_like_a_list_is_kept(title):
    """Catches a chapter removed because of its title, or kept without a warning."""
    paragraphs = [heading("The mill"), *prose(*["Text of the book. " * 40] * 9), heading(title), *prose(*RIVER)]
    kept, removed, (warning,) = without_lists(paragraphs, {"sources", "notes"})
    assert (kept, removed) == (paragraphs, [])
    assert title in warning and f"{sum(map(len, RIVER)):,} characters" in warning


def test_a_short_book_is_not_removed_with_one_section():
    """Catches most of a short book removed because only one of its headings is recognised."""
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
def test_lists_of_sentences_are_not_kept_as_chapters(items):
    """Catches notes and sources kept because they consist of sentences."""
    paragraphs = [heading("The mill"), *prose(*["Text of the book. " * 40] * 9), heading("Notes"), *prose(*items)]
    kept, removed, warnings = without_lists(paragraphs, {"notes"})
    assert (len(kept), removed, warnings) == (10, ["Notes", *items], [])


def test_notes_and_tables_are_removed():
    """Catches notes (marked by the format or by brackets) and cells of data tables left in the text."""
    paragraphs = [
        Paragraph("a note", NOTE),
        *prose("[Footnote 3: Not so.]", "[12] See there.", "[He laughs.]", "text.[12]"),
    ]
    assert texts(drop_footnotes(paragraphs)[0]) == ["[He laughs.]", "text.[12]"]
    assert texts(drop_tables([Paragraph("1.0", TABLE), *prose("text")])[0]) == ["text"]


def test_numbered_paragraphs_are_not_notes():
    """Catches a court judgment, with paragraph numbers in brackets, removed as a long list of notes."""
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
def test_note_marks_are_removed_but_other_superscripts_kept(before, after):
    """Catches note numbers left glued to words, and exponents, ordinals or the author's brackets removed with them."""
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
def test_words_hyphenated_at_line_ends_are_joined(before, after):
    """Catches words left in two halves, and hyphens removed that belong to the word."""
    assert texts(join_hyphenated(prose(before))[0]) == [after]


def test_hyphenation_follows_the_spelling_of_the_book():
    """Catches "wellknown" in a book that writes "well-known", and "in-deed" where it writes "indeed"."""
    paragraphs = prose("well-\nknown in-\ndeed", "A well-known fact, indeed.", "in deed in deed")
    assert texts(join_hyphenated(paragraphs)[0])[0] == "well-known indeed"
    compounds = prose("anti-\nhero", "anti-war, anti-trust and anti-slavery")
    assert texts(join_hyphenated(compounds)[0])[0] == "anti-hero"


def test_spacing_of_dashes_follows_the_book():
    """Catches words glued together in languages such as Spanish, where a space follows the dash that ends an aside."""
    paragraphs = prose("—Sí —dijo él— y salió.", "—No —dijo ella—\ny entró.")
    assert texts(join_hyphenated(paragraphs)[0])[1] == "—No —dijo ella—\ny entró."


def test_soft_hyphens_at_line_ends_join_words():
    """Catches a word left in two pieces because its soft hyphen is removed but the line break is kept."""
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
def test_refrains_and_stage_directions_are_kept(paragraphs):
    """Catches the author's own repetitions removed as boilerplate."""
    assert drop_boilerplate(paragraphs) == (paragraphs, [])


def test_a_notice_at_the_end_of_each_chapter_is_removed():
    """Catches a repeated notice kept because its wording never varies."""
    chapters = [
        one
        for n in "abcdefg"
        for one in (
            heading(n),
            *prose(f"The mill of {n} stood still, and nobody came. " * 3, "Return to the table of contents"),
        )
    ]
    assert len(drop_boilerplate(chapters)[1]) == 7


def test_repeated_notices_are_removed():
    """Catches page notices or navigation left in the text, and repeated headings or short refrains removed."""
    notice = [f"Click here to return to page {number}" for number in range(5)]
    paragraphs = [heading("The same heading every time")] * 6 + prose(
        *notice, *["Nevermore."] * 9, "Said once only, this."
    )
    kept, removed = drop_boilerplate([*paragraphs, Paragraph("Home", NAVIGATION)])
    assert removed == [*notice, "Home"]
    assert len(kept) == 6 + 9 + 1


def test_disabled_steps_do_not_run():
    """Catches a disabled step that still runs, and internal marks left in the text."""
    before = [Paragraph("o\ufb00ice", NOTE), *prose(f"exam-\nple{raised('2')}")]
    kept, removed = clean(before, ())
    assert texts(kept) == ["o\ufb00ice", "exam- ple2"] and removed == {}
    kept, removed = clean(before, STEPS)
    assert texts(kept) == ["example"] and set(removed) == set(TEXT_STEPS)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.text(ANY_CHARACTER, max_size=40), max_size=6), st.sets(st.sampled_from(sorted(TEXT_STEPS))))
def test_any_text_is_cleaned_to_storable_lines(parts, steps):
    """Catches text that crashes a step or cannot be encoded as UTF-8, empty paragraphs, and line breaks within one."""
    kept, _ = clean(prose(*parts), steps)
    for paragraph in kept:
        assert paragraph.text.encode("utf-8").strip() and len(paragraph.text.splitlines()) == 1
        assert MARK_START not in paragraph.text and MARK_END not in paragraph.text
