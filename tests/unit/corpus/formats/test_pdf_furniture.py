"""Running heads and page numbers on synthetic pages."""

from localist.corpus.formats.pdf_fragments import Fragment
from localist.corpus.formats.pdf_furniture import PAGE_NUMBERS, RUNNING_HEADS, without_furniture

BOTH = (RUNNING_HEADS, PAGE_NUMBERS)
WORDS = ("One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight")


def line(text, baseline, left=100.0, size=10.0):
    return Fragment(text, left, left + 5 * len(text), baseline, size)


def page(*lines, body="Some words"):
    """A page of eight lines of body text, which no page with another `body` has, and further lines."""
    return [*(line(f"{body}, row {WORDS[row]} of it", 600 - 12 * row) for row in range(8)), *lines]


def left_of(pages, steps=BOTH):
    kept, removed = without_furniture(pages, steps)
    return [[one.text for one in fragments if "row" not in one.text] for fragments in kept], removed


def test_recurring_heads_are_removed_despite_page_numbers():
    """Catches running heads kept because they include page numbers or alternate between left and right pages."""
    pages = [page(line(f"{n} The Book" if n % 2 else f"Chapter Nine {n}", 700), body=WORDS[n]) for n in range(1, 8)]
    kept, removed = left_of(pages)
    assert kept == [[]] * 7
    assert removed[RUNNING_HEADS][:2] == ("1 The Book", "Chapter Nine 2")


def test_a_unique_head_is_removed_at_the_usual_position():
    """Catches the head of a one-page chapter kept although all other pages have a recurring head in its place."""
    pages = [page(line("The Book", 700), body=WORDS[n]) for n in range(6)]
    pages[3] = page(line("A chapter of one page", 700), body="other")
    assert left_of(pages)[0] == [[]] * 6


def test_a_title_repeated_by_running_heads_is_kept():
    """Catches chapter titles removed because the running heads repeat them."""
    pages = [page(line("The Sea", 700, size=24.0)), *(page(line("The Sea", 700), body=WORDS[n]) for n in range(5))]
    assert left_of(pages)[0] == [["The Sea"], [], [], [], [], []]


def test_consecutive_page_numbers_are_removed():
    """Catches Arabic, Roman or decorated page numbers that are kept, at the foot or the head of pages."""
    texts = ["iii", "iv", "v", "- 1 -", "2", "Page 3", "4 of 9", "5"]
    pages = [page(line(text, 100 if n % 3 else 700), body=WORDS[n]) for n, text in enumerate(texts)]
    kept, removed = left_of(pages)
    assert kept == [[]] * 8
    assert removed[PAGE_NUMBERS] == tuple(texts)


def test_numbers_out_of_sequence_are_kept():
    """Catches years and other numbers at the edge of a page removed as page numbers."""
    pages = [page(line("1848", 100)), page(body="two"), page(line("12", 100), body="three")]
    assert left_of(pages)[0] == [["1848"], [], ["12"]]


def test_body_text_at_the_page_edge_is_kept():
    """Catches body lines at the top of pages removed because two happen to be identical."""
    pages = [page(body=WORDS[n]) for n in range(6)]
    pages[2] = page(body=WORDS[1])
    kept, removed = without_furniture(pages, BOTH)
    assert kept == pages and removed == {RUNNING_HEADS: (), PAGE_NUMBERS: ()}


def test_a_line_at_the_edge_of_a_few_pages_is_not_a_head():
    """Catches a short line of dialogue removed as a head because it begins four of a novel's 80 pages."""
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


def test_each_step_can_be_disabled():
    """Catches a step that runs although the config disables it."""
    pages = [page(line("The Book", 700), line(str(n + 1), 100), body=WORDS[n]) for n in range(6)]
    assert left_of(pages, [RUNNING_HEADS])[0] == [[str(n + 1)] for n in range(6)]
    assert left_of(pages, [PAGE_NUMBERS])[0] == [["The Book"]] * 6
    assert without_furniture(pages, [])[0] == pages


def test_common_words_are_not_heads():
    """Catches the first lines of scanned pages removed as heads because their single words recur on many pages."""
    others = [["old", "ferry"], ["new", "mill"], ["tall", "barn"], ["rusty", "river"], ["quiet", "field"]]
    pages = [
        page(
            *(line(word, 700, left=100.0 + 60 * at) for at, word in enumerate(["the", *other, "of", "that"])),
            body=WORDS[n],
        )
        for n, other in enumerate(others)
    ]
    assert left_of(pages)[1][RUNNING_HEADS] == ()


def test_a_head_with_one_recurring_part_is_removed():
    """Catches heads kept because only the book's title in them recurs, not the section's."""
    sections = ["Mills", "Ferries", "Barns", "Rivers", "Fields"]
    pages = [page(line("The Book", 700), line(name, 700, left=400.0), body=WORDS[n]) for n, name in enumerate(sections)]
    assert left_of(pages)[0] == [[]] * 5


def numbered(first, step=1, rows=16, left=60.0):
    """Lines of text, and beside every `step`th its line number."""
    text = [line(f"Some words, row {WORDS[row % 8]} of {first}", 600 - 12 * row) for row in range(rows)]
    return text, [line(str(first + row), 600 - 12 * row, left) for row in range(rows) if (first + row) % step == 0]


def test_line_numbers_are_removed():
    """Catches line numbers, beside every line or every fifth, left in the middle of sentences."""
    for step in (1, 5):
        pages = [[*text, *numbers] for text, numbers in (numbered(1, step, 22), numbered(23, step, 22))]
        assert left_of(pages)[0] == [[], []]


def test_numbers_of_list_items_are_kept():
    """Catches the numbers of list items, some lines apart, removed as line numbers."""
    text, numbers = numbered(1)
    items = [line(str(item + 1), numbers[row].baseline, 60.0) for item, row in enumerate((0, 2, 5, 9, 12))]
    assert left_of([[*text, *items]])[0] == [[one.text for one in items]]


def test_a_large_word_at_the_same_place_on_all_pages_is_removed():
    """Catches upright watermarks that are kept, and chapter titles removed as watermarks."""
    pages = [
        page(line("DRAFT", 550, size=60.0), line(f"Title {WORDS[n]}", 640, size=24.0), body=WORDS[n]) for n in range(6)
    ]
    assert left_of(pages)[0] == [[f"Title {WORDS[n]}"] for n in range(6)]


def test_rare_heads_that_repeat_titles_are_removed():
    """Catches heads of short chapters and sections, on only a page or two, left in the middle of sentences."""
    titles = [line("The Long", 700, size=20.0), line("Crossing", 680, size=20.0), line("Eggs", 650, size=14.0)]
    heads = ["1.1. EGGS CHAPTER 1. THE LONG CROSSING", "Eggs", "the eggs.", "Eggs of the kind that nobody sells"]
    pages = [page(*titles), *(page(line(head, 700), body=WORDS[n]) for n, head in enumerate(heads))]
    assert left_of(pages)[0] == [[one.text for one in titles], [], [], ["the eggs."], [heads[-1]]]


def test_matching_outermost_lines_of_two_pages_are_removed():
    """Catches a browser's printed date and address that are kept, and identical first lines of text removed."""
    pages = [page(line("1/2/26, 5 PM", 700), line(f"http://a.bc/d {n}/2", 60), body=WORDS[n]) for n in (1, 2)]
    assert left_of(pages)[0] == [[], []]
    pages = [page(line("They said the same.", 700), body=WORDS[n]) for n in (1, 2)]
    assert left_of(pages)[0] == [["They said the same."]] * 2
