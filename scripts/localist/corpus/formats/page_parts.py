"""Decides, once a complete page has been read, which parts of it are not its text."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, groupby

from localist.corpus.formats.book import CONTENTS, HEADING, NAVIGATION, NOTE, PROSE, REFERENCES, TABLE, Paragraph
from localist.corpus.unspaced import word_count
from localist.corpus.wrapped_lines import ENDS_SENTENCE

# Kinds of claims besides the paragraph kinds: parts to remove unless they contain the page's text, and the main part.
ASIDE, MAIN, ARTICLE = "aside", "main", "article"
# A table of cells with fewer words than this on average holds data, not text.
PROSE_CELL_WORDS = 12
PROSE_WORDS = 20
# A part with more than this share of a page is its text, whatever its name.
LARGEST_PART = 0.5
# A main part is accepted if the prose outside it is less than this share of the prose inside.
LARGEST_OUTSIDE = 0.1
# At least this many consecutive paragraphs of links only are a table of contents.
FEWEST_LINKS = 4


@dataclass(frozen=True)
class Claim:
    """The claim that the paragraphs from `start` up to, not including, `end` are of a kind."""

    start: int
    end: int
    kind: str


def judged(
    found: Sequence[Paragraph], claims: Iterable[Claim], links: Sequence[bool], *, whole: bool
) -> list[Paragraph]:
    """The paragraphs, labelled with the kinds of those claims that their content confirms.

    links: whether each paragraph consists of links only. whole: whether this is a complete book, in which notes and
    references cannot be the larger part.
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
    """The paragraphs of a file that is declared a table of contents, labelled as such unless they include prose."""
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
    """If nearly all prose is in the main part, label the rest of the page as navigation."""
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
    """Characters of prose in a paragraph: one that is long enough and ends a sentence."""
    text = paragraph.text
    is_prose = paragraph.kind == PROSE and ENDS_SENTENCE.search(text) and word_count(text) >= PROSE_WORDS
    return len(text) if is_prose else 0


def _sums(numbers: Iterable[int]) -> list[int]:
    return [0, *accumulate(numbers)]


def _within(sums: Sequence[int], claim: Claim) -> int:
    return sums[claim.end] - sums[claim.start]


def _runs(links: Sequence[bool], found: Sequence[Paragraph]) -> Iterable[tuple[int, int]]:
    """Runs of consecutive paragraphs of links only."""
    place = 0
    for is_links, run in groupby(zip(links, found, strict=True), key=lambda one: one[0] and one[1].kind == PROSE):
        length = len(list(run))
        if is_links and length >= FEWEST_LINKS:
            yield place, place + length
        place += length
