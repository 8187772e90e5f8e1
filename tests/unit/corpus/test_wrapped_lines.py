"""Which lines of a layout belong to one paragraph."""

import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localist.corpus.wrapped_lines import paragraphs_of_lines

FIRST = (
    "The keeper climbed the stairs at dusk, counted the steps as he always did, and lit the lamp before the first "
    "boats came home. Nobody had asked him for a story that evening, so he wrote of the weather."
)
SECOND = (
    "By midnight the wind had turned to the north and rain beat on the glass. He trimmed the wick, drank cold tea, and "
    "listened for the bell of the buoy, which told him how high the waves were running."
)
GERMAN = (
    "Der Wärter stieg in der Dämmerung die Treppe hinauf, zählte die Stufen wie jeden Abend und zündete die Lampe "
    "an, bevor die ersten Boote in den Hafen kamen. Um Mitternacht drehte der Wind nach Norden, und Regen schlug "
    "gegen Glas."
)
CHINESE = (
    "黄昏时分，看守人照例数着台阶登上塔楼，在第一批渔船回港之前点亮了灯。到了午夜，风转向北方，雨点敲打着玻璃，他喝着冷茶，听着浮标上的钟声。"
    "没有人请他讲故事，于是他写下了当天的天气。"
)
VERSE = "Slow turns the wheel,\nAnd slow the water under it,\nBut never still\nAs long as anyone is left to listen."
BLANK_VERSE = (
    "The light upon the headland burned all night,\nAnd ships that passed it turned toward the east,\n"
    "Where nothing but the morning waited them,\nAnd no one on the shore had known their names\n"
    "Or asked what cargo lay beneath their decks."
)
FREE_VERSE = "the light\nupon the headland burned all night\nand ships\nthat passed it turned away\nwithout a name"


def joined(text: str, width: int | None = None) -> list[str]:
    return [" ".join(one.split()) for one in paragraphs_of_lines(text.split("\n"), width)]


@pytest.mark.parametrize("width", [40, 58, 72, 95])
@pytest.mark.parametrize("text", [FIRST, SECOND, GERMAN])
def test_wrapped_prose_is_one_paragraph(text, width):
    """Catches wrapped lines of prose that become separate paragraphs."""
    assert joined(textwrap.fill(text, width)) == [text]


KOREAN = (
    "방앗간은 강이 굽이치는 곳에 서 있었고, 지난해 큰 서리 이후로 그 바퀴는 돌지 않았다. "
    "두 형제가 목재 값으로 그것을 샀다."
)


def test_wrapped_korean_is_one_paragraph():
    """Catches a minimum width for Latin letters applied to Korean, whose letters are twice as wide."""
    assert joined(textwrap.fill(KOREAN, 25)) == [KOREAN]


@pytest.mark.parametrize("width", [18, 24, 38])
def test_wrapped_chinese_is_one_paragraph(width):
    """Catches detection that depends on word counts or capitals."""
    lines = [CHINESE[start : start + width] for start in range(0, len(CHINESE), width)]
    assert ["".join(one.split()) for one in paragraphs_of_lines(lines)] == [CHINESE]


@pytest.mark.parametrize(
    "verse", [VERSE, BLANK_VERSE, FREE_VERSE, "One.\nTwo.\nThree.", "Axe\nSaw\nPlane", "古池や\n蛙飛びこむ\n水の音"]
)
@pytest.mark.parametrize("width", [None, 72])
def test_verse_and_lists_keep_their_lines(verse, width):
    """Catches verse or lists joined into prose."""
    assert joined(verse, width) == verse.split("\n")


@pytest.mark.parametrize("indent", ["    ", "  ", "\t", "\u3000\u3000"])
def test_an_indent_begins_a_paragraph(indent):
    """Catches an indented book without blank lines read as one paragraph."""
    wrapped = [textwrap.fill(text, 60, initial_indent="    ").strip() for text in (FIRST, SECOND, FIRST)]
    assert joined("\n".join(indent + one for one in wrapped)) == [FIRST, SECOND, FIRST]


def test_a_hanging_indent_continues_a_paragraph():
    """Catches each line of an entry with a hanging indent read as a paragraph."""
    wrapped = [textwrap.fill(text, 60, subsequent_indent="    ") for text in (FIRST, SECOND)]
    assert joined("\n".join(wrapped)) == [FIRST, SECOND]


def test_a_short_line_that_ends_a_sentence_ends_a_paragraph():
    """Catches paragraphs that run together because no blank line or indent separates them."""
    texts = [FIRST, "“No,” he said.", "“Yes.”", SECOND]
    assert joined("\n".join(textwrap.fill(text, 60) for text in texts)) == texts


@pytest.mark.parametrize("gap", ["\n\n\n", "\n\n    "])
def test_double_spaced_text_keeps_its_paragraphs(gap):
    """Catches each line of double-spaced text read as a paragraph."""
    text = gap.join("\n\n".join(textwrap.wrap(one, 60)) for one in (FIRST, SECOND, FIRST))
    assert joined(text) == [FIRST, SECOND, FIRST]


def test_one_paragraph_per_line_is_kept():
    """Catches paragraphs or sentences on lines of their own that are joined."""
    assert joined(f"{FIRST}\n{SECOND}\nShort.\n{FIRST}") == [FIRST, SECOND, "Short.", FIRST]
    sentences = [
        "He came.",
        "Nobody had asked him for a story that evening.",
        "By midnight the wind had turned.",
        "Why?",
    ]
    assert joined("\n\n".join(sentences)) == joined("\n".join(sentences)) == sentences


def test_a_hyphen_at_a_line_end_marks_wrapped_text():
    """Catches words left cut in two in narrow columns of uneven lines."""
    lines = ["He looked at the wheel, the only", "one left, and exam-", "ined it from the", "bank of the river."]
    assert len(paragraphs_of_lines(lines)) == 1


def test_list_items_are_paragraphs():
    """Catches a list read as one paragraph, and items cut at line ends."""
    items = [f"1. {FIRST}", "2. Trim the wick.", f"3. {SECOND}"]
    assert joined("\n".join(textwrap.fill(one, 60) for one in items)) == items
    assert joined("- an axe\n- a saw that\n  was blunt") == ["- an axe", "- a saw that was blunt"]
    assert joined("He took:\n- an axe\n- a saw and\n- a plane") == ["He took:", "- an axe", "- a saw and", "- a plane"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["", " ", "one two", "  Three.", "\t四五。", "- x", "VI", "6) y" * 60]), max_size=20))
def test_no_word_is_lost(lines):
    """Catches lost or doubled words, and empty paragraphs."""
    paragraphs = paragraphs_of_lines(lines)
    assert " ".join(paragraphs).split() == " ".join(lines).split()
    assert all(one.strip() for one in paragraphs)
