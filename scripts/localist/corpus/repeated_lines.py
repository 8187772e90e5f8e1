"""Lines repeated across the web pages of one folder: menus, the book's name, navigation links."""

from collections import Counter
from collections.abc import Collection, Iterable

FEWEST_PAGES = 5
# Share of the pages; a chorus appears in only a few.
LEAST_SHARE = 0.5


def lines_of_most(pages: Collection[Iterable[str]]) -> frozenset[str]:
    """The lines that occur on at least FEWEST_PAGES pages and at least a share LEAST_SHARE of them."""
    if len(pages) < FEWEST_PAGES:
        return frozenset()
    times = Counter(line for page in pages for line in set(page))
    fewest = max(FEWEST_PAGES, LEAST_SHARE * len(pages))
    return frozenset(line for line, count in times.items() if count >= fewest)
