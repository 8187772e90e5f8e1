"""Sections, the units of the splits: what stands under one heading, or a part of it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from localist.corpus.documents import Section
from localist.corpus.formats.book import HEADING, Passage
from localist.corpus.sentences import split_sentences

# A passage of more than so many sections' words is cut between sentences.
LONG_PASSAGE = 2


def sections_of(passages: Sequence[Passage], section_words: int | None, language: str) -> Iterator[Section]:
    """Sections of cleaned passages; headings are joined from the top by ' / ', and those without prose have no section.

    With `section_words`, what stands under one heading is cut between passages (a passage of over LONG_PASSAGE times
    that length between sentences of `language`) into parts of at least so many words; the last may be shorter.
    """
    trail: list[tuple[int, str]] = []
    pending: list[Passage] = []
    for passage in passages:
        if passage.kind == HEADING:
            yield from _parts(pending, trail, section_words)
            pending = []
            trail = [(level, name) for level, name in trail if level < passage.level] + [(passage.level, passage.text)]
        else:
            pending.extend(_cut(passage, section_words, language))
    yield from _parts(pending, trail, section_words)


def _parts(passages: Iterable[Passage], trail: Sequence[tuple[int, str]], section_words: int | None) -> list[Section]:
    groups: list[list[Passage]] = []
    words = 0
    for passage in passages:
        if not groups or (section_words and words >= section_words):
            groups.append([])
            words = 0
        groups[-1].append(passage)
        words += len(passage.text.split())
    heading = " / ".join(name for _, name in trail)
    return [
        Section(_part_name(heading, number, len(groups)), "\n".join(one.text for one in group), group[0].page)
        for number, group in enumerate(groups, start=1)
    ]


def _cut(passage: Passage, section_words: int | None, language: str) -> Iterator[Passage]:
    if not section_words or len(passage.text.split()) <= LONG_PASSAGE * section_words:
        yield passage
        return
    start, words = 0, 0
    for first, last in split_sentences(passage.text, language):
        if words >= section_words:
            yield replace(passage, text=passage.text[start:first].strip())
            start, words = first, 0
        words += len(passage.text[first:last].split())
    yield replace(passage, text=passage.text[start:].strip())


def _part_name(heading: str, number: int, parts: int) -> str:
    if parts == 1:
        return heading
    return f"{heading}, part {number}" if heading else f"Part {number}"
