"""Parts of a page that are not its text, judged by what they hold once the whole page has been read."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, groupby

from localist.corpus.formats.book import CONTENTS, HEADING, NAVIGATION, NOTE, PROSE, REFERENCES, TABLE, Paragraph
from localist.corpus.unspaced import word_count
from localist.corpus.wrapped_lines import ENDS_SENTENCE

# Kinds of claims beside those of paragraphs: parts that should go unless they hold the page's text, and its main part.
ASIDE, MAIN, ARTICLE = "aside", "main", "article"
# A table of cells with fewer words than this on average holds data, not text.
PROSE_CELL_WORDS = 12
PROSE_WORDS = 20
# A part that holds more than this share of a page is its text, whatever it is called.
LARGEST_PART = 0.5
# A main part is believed where prose outside of it is less than this share of that inside.
LARGEST_OUTSIDE = 0.1
# So many paragraphs in a row that are links and nothing else list contents.
FEWEST_LINKS = 4


@dataclass(frozen=True)
class Claim:
    """Says that paragraphs from `start` to before `end` are of a kind."""

    start: int
    end: int
    kind: str


def judged(
    found: Sequence[Paragraph], claims: Iterable[Claim], links: Sequence[bool], *, whole: bool
) -> list[Paragraph]:
    """The paragraphs, with the kinds of the claims that what they hold bears out.

    links: whether a paragraph is links alone. whole: whether this is a whole book, which its notes and references
    cannot be most of.
    """
    paragraphs = list(found)
    if not paragraphs:
        return paragraphs
    ordered = sorted(claims, key=lambda claim: (claim.start, -claim.end))
    is_borne_out = _judge(found, whole)
    done = 0
    for claim in ordered:
        if claim.start >= done and claim.kind not in (MAIN, ARTICLE) and is_borne_out(claim):
            done = claim.end
            _label(paragraphs, claim.start, claim.end, NAVIGATION if claim.kind == ASIDE else claim.kind)
    for start, end in _runs(links, found):
        _label(paragraphs, start, end, CONTENTS)
    if whole:
        _label_outside(paragraphs, ordered)
    return paragraphs


def as_contents(found: Sequence[Paragraph]) -> list[Paragraph]:
    """Paragraphs of a file that is said to list contents: they do, unless there is prose among them."""
    return judged(found, [Claim(0, len(found), CONTENTS)], [False] * len(found), whole=False)


def _judge(found: Sequence[Paragraph], whole: bool) -> Callable[[Claim], bool]:
    sizes = _sums(len(one.text) for one in found)
    words = _sums(word_count(one.text) for one in found)
    prose = _sums(map(_prose, found))

    def is_borne_out(claim: Claim) -> bool:
        is_small = _within(sizes, claim) <= LARGEST_PART * sizes[-1]
        if claim.kind == TABLE:
            return _within(words, claim) < PROSE_CELL_WORDS * (claim.end - claim.start)
        if claim.kind in (NOTE, REFERENCES):
            return is_small or not whole
        return is_small if claim.kind == ASIDE else not _within(prose, claim)

    return is_borne_out


def _label_outside(paragraphs: list[Paragraph], claims: Sequence[Claim]) -> None:
    """Where nearly all prose is in the main part, the rest of the page is around it."""
    prose = _sums(map(_prose, paragraphs))
    for kind in (ARTICLE, MAIN):
        main = _outermost(claim for claim in claims if claim.kind == kind)
        inside = sum(_within(prose, claim) for claim in main)
        if inside and prose[-1] - inside < LARGEST_OUTSIDE * inside:
            edges = [0, *(edge for claim in main for edge in (claim.start, claim.end)), len(paragraphs)]
            for start, end in zip(edges[::2], edges[1::2], strict=True):
                _label(paragraphs, start, end, NAVIGATION)
            return


def _outermost(claims: Iterable[Claim]) -> list[Claim]:
    found: list[Claim] = []
    for claim in claims:
        if not found or claim.start >= found[-1].end:
            found.append(claim)
    return found


def _label(paragraphs: list[Paragraph], start: int, end: int, kind: str) -> None:
    for number in range(start, end):
        if paragraphs[number].kind in (PROSE, HEADING):
            paragraphs[number] = replace(paragraphs[number], kind=kind, level=0)


def _prose(paragraph: Paragraph) -> int:
    """Characters of prose in a paragraph: it ends a sentence, and is no mere line."""
    text = paragraph.text
    is_prose = paragraph.kind == PROSE and ENDS_SENTENCE.search(text) and word_count(text) >= PROSE_WORDS
    return len(text) if is_prose else 0


def _sums(numbers: Iterable[int]) -> list[int]:
    return [0, *accumulate(numbers)]


def _within(sums: Sequence[int], claim: Claim) -> int:
    return sums[claim.end] - sums[claim.start]


def _runs(links: Sequence[bool], found: Sequence[Paragraph]) -> Iterable[tuple[int, int]]:
    """Stretches of paragraphs that are links and nothing else."""
    place = 0
    for is_links, run in groupby(zip(links, found, strict=True), key=lambda one: one[0] and one[1].kind == PROSE):
        length = len(list(run))
        if is_links and length >= FEWEST_LINKS:
            yield place, place + length
        place += length
