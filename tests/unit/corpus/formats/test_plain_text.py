"""Plain text: paragraphs, headings and page furniture."""

import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localist.corpus.formats.book import CONTENTS, HEADING, PROSE
from localist.corpus.formats.pdf_furniture import PAGE_NUMBERS, RUNNING_HEADS
from localist.corpus.formats.plain_text import read_plain_text, text_paragraphs


def test_a_file_is_one_book_titled_by_its_name(tmp_path):
    """Catches a byte order mark or Windows line ends left in the text."""
    path = tmp_path / "book.txt"
    path.write_bytes(b"\xef\xbb\xbfOnce upon\r\na time.\r\n\r\nThe end.\r\n")
    (book,) = read_plain_text(path)
    assert (book.title, book.encoding) == ("book", "utf-8-sig")
    assert [paragraph.text for paragraph in book.paragraphs] == ["Once upon\na time.", "The end."]


def test_without_blank_lines_each_line_is_a_paragraph():
    """Catches a whole book read as one paragraph."""
    assert [paragraph.text for paragraph in text_paragraphs("One.\nTwo.\nThree.")] == ["One.", "Two.", "Three."]


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("CHAPTER I.", 2),
        ("Chapter 12: The Sea", 2),
        ("CHAPTER I\nDown the Rabbit-Hole", 2),
        ("BOOK THE SECOND", 1),
        ("Part Two", 1),
        ("PREFACE", 2),
        ("Kapitel 3", 2),
        ("Bibliography", 2),
        ("Part of the crew had gone ashore, and nobody knew when it would come back to the ship again.", 0),
        ("Introduction to the matter at hand", 0),
        ('"Chapter 12," he said,', 0),
        ("Book 7 was lost,", 0),
        ("Plain words.", 0),
    ],
)
def test_separate_lines_naming_a_part_are_headings(line, level):
    """Catches chapter headings read as prose, and sentences read as headings."""
    (before, paragraph, after) = text_paragraphs(f"Before.\n\n{line}\n\nAfter.")
    assert (before.text, after.text) == ("Before.", "After.")
    assert paragraph.level == level and (paragraph.kind == HEADING) == bool(level)


def test_a_list_of_headings_is_a_table_of_contents():
    """Catches a two-line table of contents read as a chapter heading and its title."""
    (_, paragraph, _) = text_paragraphs("Before.\n\nCHAPTER I. The Sea\nCHAPTER II. The Land\n\nAfter.")
    assert paragraph.kind == CONTENTS


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.sampled_from(["one", "twö", "3,", "😀", "\f"]), max_size=6), max_size=12))
def test_no_word_is_lost(paragraphs):
    """Catches lost or duplicated words, and empty paragraphs."""
    text = "\n\n".join(" ".join(words) for words in paragraphs)
    paragraphs = list(text_paragraphs(text))
    assert " ".join(paragraph.text for paragraph in paragraphs).split() == text.split()
    assert all(paragraph.text.strip() for paragraph in paragraphs)


def read(tmp_path, text: str, steps=(RUNNING_HEADS, PAGE_NUMBERS)):
    path = tmp_path / "book.txt"
    path.write_bytes(text.encode())
    (book,) = read_plain_text(path, steps=steps)
    return book


def words(book):
    return " ".join(paragraph.text for paragraph in book.paragraphs).split()


FIRST = (
    "The keeper climbed the stairs at dusk, counted the steps as he always did, and lit the lamp before the first "
    "boats came home, although nobody had asked him for a story that evening, so that he wrote of the weather again. "
)
PAGES = [FIRST.replace("keeper", name) for name in ("baker", "miller", "carpenter", "shepherd", "sister", "brother")]


def pages(heads, feet, end: str = "\f") -> str:
    """Continuous text split into pages, each with a head and a foot."""
    lines = textwrap.wrap(" ".join(PAGES), 60)
    size = len(lines) // len(heads) + 1
    bodies = ["\n".join(lines[start : start + size]) for start in range(0, len(lines), size)]
    parts = (
        "\n\n".join(part for part in (head, body, foot) if part)
        for head, body, foot in zip(heads, bodies, feet, strict=True)
    )
    return f"\n\n{end}".join(parts)


NUMBERS = [str(number) for number in range(11, 17)]


@pytest.mark.parametrize(
    ("heads", "feet"),
    [
        ([""] * 6, NUMBERS),
        (NUMBERS, [""] * 6),
        ([""] * 6, [f"- {number} -" for number in NUMBERS]),
        (["THE MILL", "A. WRITER"] * 3, NUMBERS),
        (["The Mill", "Winter at the light"] * 3, [""] * 6),
        ([f"{number}    THE MILL" for number in NUMBERS], [""] * 6),
        ([f"{number}\n\nTHE MILL" for number in NUMBERS], ["A footer"] * 6),
        (["xi", "xii", "xiii", "xiv", "xv", "xvi"], [""] * 6),
    ],
)
def test_pages_are_joined_without_heads_and_numbers(tmp_path, heads, feet):
    """Catches running heads or page numbers left inside sentences, and sentences cut at the end of a page."""
    book = read(tmp_path, pages(heads, feet))
    assert words(book) == " ".join(PAGES).split()
    assert len(book.paragraphs) == 1
    removed = sum(map(len, book.removed.values()))
    assert removed == len([line for part in (*heads, *feet) for line in part.split("\n") if line])


def test_page_numbers_separate_pages_without_form_feeds(tmp_path):
    """Catches page numbers left inside sentences when the form feeds were lost."""
    assert words(read(tmp_path, pages([""] * 6, NUMBERS, end=""))) == " ".join(PAGES).split()


def test_heads_and_numbers_are_kept_when_their_steps_are_off(tmp_path):
    """Catches a cleaning step that runs although it is off."""
    book = read(tmp_path, pages(["THE MILL"] * 6, NUMBERS), steps=())
    assert words(book).count("MILL") == 6 and "16" in words(book) and not any(book.removed.values())


def test_headings_of_one_page_chapters_are_kept(tmp_path):
    """Catches chapter headings removed as running heads because only their numbers differ."""
    text = "\f".join(f"CHAPTER {number}\n\n{page}" for number, page in enumerate(PAGES, start=1))
    book = read(tmp_path, text)
    headings = [paragraph.text for paragraph in book.paragraphs if paragraph.kind == HEADING]
    assert headings == [f"CHAPTER {number}" for number in range(1, 7)]
    assert not any(book.removed.values())


def test_consecutive_numbers_between_paragraphs_are_chapters(tmp_path):
    """Catches numbered, untitled chapters read as page numbers, and a single number read as a chapter."""
    book = read(
        tmp_path, "\n\n".join(part for number, page in enumerate(PAGES, start=1) for part in (f"{number}.", page))
    )
    assert [paragraph.text for paragraph in book.paragraphs if paragraph.kind == HEADING] == [
        f"{n}." for n in range(1, 7)
    ]
    assert [one.kind for one in text_paragraphs("Before.\n\n12\n\nAfter.")] == [PROSE] * 3


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r", "\r\r\n", "\x85", "\u2028"])
def test_line_ends_of_all_systems_are_recognised(tmp_path, line_end):
    """Catches paragraphs split or merged because a system's line ends are not recognised."""
    text = "\n\n".join(textwrap.fill(page, 60) for page in PAGES)
    assert len(read(tmp_path, text.replace("\n", line_end)).paragraphs) == len(PAGES)


@pytest.mark.parametrize(
    "line",
    [
        *(
            "Letter in hand, he walked.",
            "Book dealers came.",
            "Act now, she said.",
            "Part mill, part barn.",
            "Scene 3 was cut.",
        ),
        *(
            "Chapter I liked best is lost.",
            "Section 12 applies.",
            "Volume does not matter.",
            "Letter 5 John wrote himself.",
        ),
        *(
            "Book the tickets now.",
            "Teil des Plans war es.",
            "Parte de ella.",
            "第三章里他死了。",
            "Part One\nof the crew went ashore.",
        ),
        *("Who is it?", "HELP!", "I", "OK", "He said: NO"),
    ],
)
def test_sentences_are_not_headings(line):
    """Catches sentences read as headings because of their first word or capitals."""
    (_, *middle, _) = text_paragraphs(f"Before it.\n\n{line}\n\nAfter it.")
    assert " ".join(one.text for one in middle) == line.replace("\n", " ") or [one.text for one in middle] == [line]
    assert {one.kind for one in middle} <= {PROSE} or line == "I"


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("Erstes Kapitel", 2),
        ("Première partie", 1),
        ("Chapter Twenty-One", 2),
        ("Chapter the First", 2),
        ("Capítulo IV. El molino", 2),
        ("Глава первая", 2),
        ("第一章", 2),
        ("第十二回　水車小屋", 2),
        ("제1장", 2),
        ("Act V", 1),
        ("CHAPTER 3 - The Sea", 2),
        ("IV.", 2),
        ("THE FROST", 2),
        ("THE FROST OF\nTHE YEAR 1911", 2),
        ("DIE MÜHLE.", 2),
    ],
)
def test_headings_in_other_forms_and_languages(line, level):
    """Catches sections merged because a heading is in another language, in capitals or only a number."""
    (_, paragraph, _) = text_paragraphs(f"Before it.\n\n{line}\n\nAfter it.")
    assert (paragraph.kind, paragraph.level) == (HEADING, level)


def test_speakers_in_a_play_are_not_headings():
    """Catches a play split into one section per speech."""
    text = "\n\n".join(f"{name}.\n\nIt does not turn at {name}'s." for name in ("ELDER", "YOUNGER") * 3)
    assert {one.kind for one in text_paragraphs(text)} == {PROSE}


def test_a_quoted_sign_in_capitals_is_not_a_heading():
    """Catches capitals introduced by a sentence ("The sign said:") read as a heading."""
    assert {one.kind for one in text_paragraphs("The sign said:\n\nNO ENTRY\n\nHe went in.")} == {PROSE}


@pytest.mark.parametrize("text", ["HELLO WORLD", "V", "THE MILL\n\nTHE FROST", "He left.\n\nTHE END"])
def test_capitals_with_no_text_below_are_not_a_heading(text):
    """Catches a short text in capitals, such as a table row, lost as a heading without a section."""
    assert {one.kind for one in text_paragraphs(text)} == {PROSE}


def test_headings_without_blank_lines_are_detected():
    """Catches a chapter heading left inside a paragraph."""
    body = textwrap.fill(FIRST.strip(), 60)[:-1] + "."
    found = list(text_paragraphs(f"CHAPTER I\n{body}\nCHAPTER II\n{body}"))
    assert [one.kind for one in found] == [HEADING, PROSE] * 2


def test_a_title_below_a_chapter_number_is_a_heading():
    """Catches a title joined to the text below it ("The Frost The mill stood") for lack of a blank line."""
    prose = [
        "The mill stood at the bend of the river, and its wheel",
        "had not turned since the great frost of the year",
        ".",
    ]
    found = list(text_paragraphs("\n".join(["Chapter 1", "", "The Frost", *prose])))
    assert [(one.kind, one.text) for one in found[:2]] == [(HEADING, "Chapter 1"), (HEADING, "The Frost")]
    for first in ("It froze.", "the frost", "The frost had come early and hard,"):
        kinds = [one.kind for one in text_paragraphs("\n".join(["Chapter 1", "", first, *prose]))]
        assert kinds.count(HEADING) == 1
