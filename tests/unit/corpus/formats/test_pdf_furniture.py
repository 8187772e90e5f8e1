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


def test_words_that_recur_are_no_heads():
    """Catches lines of a scan at the edges of pages, whose words stand one by one and are found on many pages."""
    others = [["old", "ferry"], ["new", "mill"], ["tall", "barn"], ["rusty", "river"], ["quiet", "field"]]
    pages = [
        page(
            *(line(word, 700, left=100.0 + 60 * at) for at, word in enumerate(["the", *other, "of", "that"])),
            body=WORDS[n],
        )
        for n, other in enumerate(others)
    ]
    assert left_of(pages)[1][RUNNING_HEADS] == ()


def test_a_part_of_a_head_is_enough():
    """Catches heads of which the book's title comes back and the section's does not."""
    sections = ["Mills", "Ferries", "Barns", "Rivers", "Fields"]
    pages = [page(line("The Book", 700), line(name, 700, left=400.0), body=WORDS[n]) for n, name in enumerate(sections)]
    assert left_of(pages)[0] == [[]] * 5


def numbered(first, step=1, rows=16, left=60.0):
    """Lines of text, of which every `step`th has its number beside it."""
    text = [line(f"Some words, row {WORDS[row % 8]} of {first}", 600 - 12 * row) for row in range(rows)]
    return text, [line(str(first + row), 600 - 12 * row, left) for row in range(rows) if (first + row) % step == 0]


def test_line_numbers_go():
    """Catches numbers beside every line, or every fifth, that stand in the middle of sentences."""
    for step in (1, 5):
        pages = [[*text, *numbers] for text, numbers in (numbered(1, step, 22), numbered(23, step, 22))]
        assert left_of(pages)[0] == [[], []]


def test_numbers_of_items_stay():
    """Catches the numbers of a list's items, some lines apart, that are taken for line numbers."""
    text, numbers = numbered(1)
    items = [line(str(item + 1), numbers[row].baseline, 60.0) for item, row in enumerate((0, 2, 5, 9, 12))]
    assert left_of([[*text, *items]])[0] == [[one.text for one in items]]


def test_a_large_word_in_one_place_of_all_pages_is_a_stamp():
    """Catches watermarks that are set upright, and titles of chapters taken for one."""
    pages = [
        page(line("DRAFT", 550, size=60.0), line(f"Title {WORDS[n]}", 640, size=24.0), body=WORDS[n]) for n in range(6)
    ]
    assert left_of(pages)[0] == [[f"Title {WORDS[n]}"] for n in range(6)]


def test_heads_made_of_titles_go_from_few_pages_too():
    """Catches heads of short chapters and sections, each on a page or two, that come into the middle of a sentence."""
    titles = [line("The Long", 700, size=20.0), line("Crossing", 680, size=20.0), line("Eggs", 650, size=14.0)]
    heads = ["1.1. EGGS CHAPTER 1. THE LONG CROSSING", "Eggs", "the eggs.", "Eggs of the kind that nobody sells"]
    pages = [page(*titles), *(page(line(head, 700), body=WORDS[n]) for n, head in enumerate(heads))]
    assert left_of(pages)[0] == [[one.text for one in titles], [], [], ["the eggs."], [heads[-1]]]


def test_the_outermost_lines_of_two_pages_go_where_they_are_alike():
    """Catches date and address on each of the two pages that a browser printed, and first lines of text that go too."""
    pages = [page(line("1/2/26, 5 PM", 700), line(f"http://a.bc/d {n}/2", 60), body=WORDS[n]) for n in (1, 2)]
    assert left_of(pages)[0] == [[], []]
    pages = [page(line("They said the same.", 700), body=WORDS[n]) for n in (1, 2)]
    assert left_of(pages)[0] == [["They said the same."]] * 2
