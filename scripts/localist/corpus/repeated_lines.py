"""Lines that come back on the pages of one folder: the menu, the book's name, the links of each page."""

from collections import Counter
from collections.abc import Collection, Iterable

FEWEST_PAGES = 5
# Of the pages: a chorus stands in a few of them.
LEAST_SHARE = 0.5


def lines_of_most(pages: Collection[Iterable[str]]) -> frozenset[str]:
    """The lines that stand on at least FEWEST_PAGES and LEAST_SHARE of the pages."""
    if len(pages) < FEWEST_PAGES:
        return frozenset()
    times = Counter(line for page in pages for line in set(page))
    fewest = max(FEWEST_PAGES, LEAST_SHARE * len(pages))
    return frozenset(line for line, count in times.items() if count >= fewest)
