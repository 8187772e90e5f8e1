"""Running heads and page numbers on made-up pages."""

from localist.corpus.formats.pdf_fragments import Fragment
from localist.corpus.formats.pdf_furniture import PAGE_NUMBERS, RUNNING_HEADS, without_furniture

BOTH = (RUNNING_HEADS, PAGE_NUMBERS)
WORDS = ("One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight")


def line(text, baseline, left=100.0, size=10.0):
    return Fragment(text, left, left + 5 * len(text), baseline, size)


def page(*lines, body="Some words"):
    """A page of ten lines of body text, each said nowhere else, and further lines."""
    return [*(line(f"{body}, row {WORDS[row]} of it", 600 - 12 * row) for row in range(8)), *lines]


def left_of(pages, steps=BOTH):
    kept, removed = without_furniture(pages, steps)
    return [[one.text for one in fragments if "row" not in one.text] for fragments in kept], removed


def test_heads_that_come_back_go_whatever_their_number():
    """Catches a head that stays because its page number makes each one different, and heads of left and right pages."""
    pages = [page(line(f"{n} The Book" if n % 2 else f"Chapter Nine {n}", 700), body=WORDS[n]) for n in range(1, 8)]
    kept, removed = left_of(pages)
    assert kept == [[]] * 7
    assert removed[RUNNING_HEADS][:2] == ("1 The Book", "Chapter Nine 2")


def test_a_head_of_one_page_goes_where_heads_stand():
    """Catches the head of a short chapter, which no other page has, in a place where all others come back."""
    pages = [page(line("The Book", 700), body=WORDS[n]) for n in range(6)]
    pages[3] = page(line("A chapter of one page", 700), body="other")
    assert left_of(pages)[0] == [[]] * 6


def test_a_title_is_no_head_though_heads_repeat_it():
    """Catches chapter titles that go because the running heads below them say the same."""
    pages = [page(line("The Sea", 700, size=24.0)), *(page(line("The Sea", 700), body=WORDS[n]) for n in range(5))]
    assert left_of(pages)[0] == [["The Sea"], [], [], [], [], []]


def test_numbers_that_count_with_the_pages_go():
    """Catches Arabic and Roman page numbers, decorated ones and those of chapter openings, at the foot or the head."""
    texts = ["iii", "iv", "v", "- 1 -", "2", "Page 3", "4 of 9", "5"]
    pages = [page(line(text, 100 if n % 3 else 700), body=WORDS[n]) for n, text in enumerate(texts)]
    kept, removed = left_of(pages)
    assert kept == [[]] * 8
    assert removed[PAGE_NUMBERS] == tuple(texts)


def test_a_number_that_does_not_count_stays():
    """Catches years and figures at a page's edge that are taken for page numbers."""
    pages = [page(line("1848", 100)), page(body="two"), page(line("12", 100), body="three")]
    assert left_of(pages)[0] == [["1848"], [], ["12"]]


def test_text_at_the_edge_stays():
    """Catches body lines at the top of pages, of which two happen to be alike."""
    pages = [page(body=WORDS[n]) for n in range(6)]
    pages[2] = page(body=WORDS[1])
    kept, removed = without_furniture(pages, BOTH)
    assert kept == pages and removed == {RUNNING_HEADS: (), PAGE_NUMBERS: ()}


def test_what_is_said_here_and_there_is_no_head():
    """Catches a short line of dialogue that stands at the edge of three pages of a novel."""
    pages = [
        [
            *(line(f"{WORDS[number % 8]} {number} {WORDS[row]}", 600 - 12 * row) for row in range(8)),
            line("No, he said.", 612),
        ]
        if number % 20 == 0
        else [line(f"{WORDS[number % 8]} {number} {WORDS[row]} other", 600 - 12 * row) for row in range(8)]
        for number in range(80)
    ]
    kept, _ = without_furniture(pages, BOTH)
    assert sum(one.text == "No, he said." for fragments in kept for one in fragments) == 4


def test_each_step_can_be_off():
    """Catches a step of the config that does its work although it is off."""
    pages = [page(line("The Book", 700), line(str(n + 1), 100), body=WORDS[n]) for n in range(6)]
    assert left_of(pages, [RUNNING_HEADS])[0] == [[str(n + 1)] for n in range(6)]
    assert left_of(pages, [PAGE_NUMBERS])[0] == [["The Book"]] * 6
    assert without_furniture(pages, [])[0] == pages
