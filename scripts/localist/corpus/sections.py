"""Sections, the units of the splits: the text under one heading, or part of it."""

from collections.abc import Iterable, Iterator, Sequence

from localist.corpus.documents import Section
from localist.corpus.formats.book import HEADING, Paragraph
from localist.corpus.sentences import split_sentences
from localist.corpus.unspaced import word_count

# In multiples of section_words; longer paragraphs are cut between sentences.
LONG_PARAGRAPH = 2


def sections_of(paragraphs: Sequence[Paragraph], section_words: int | None, language: str) -> Iterator[Section]:
    """Sections of cleaned paragraphs. Nested headings are joined with ' / '; a heading without prose yields no section.

    With `section_words`, the text under one heading is cut between paragraphs into parts of at least that many words
    (letters, in a script without spaces); the last may be shorter. A paragraph longer than LONG_PARAGRAPH times that is
    cut between sentences of `language`.
    """
    trail: list[tuple[int, str]] = []
    pending: list[Paragraph] = []
    for paragraph in paragraphs:
        if paragraph.kind == HEADING:
            yield from _parts(pending, trail, section_words)
            pending = []
            trail = [(level, name) for level, name in trail if level < paragraph.level] + [
                (paragraph.level, paragraph.text)
            ]
        else:
            pending.extend(_cut(paragraph, section_words, language))
    yield from _parts(pending, trail, section_words)


def _parts(
    paragraphs: Iterable[Paragraph], trail: Sequence[tuple[int, str]], section_words: int | None
) -> list[Section]:
    groups: list[list[Paragraph]] = []
    words = 0
    for paragraph in paragraphs:
        if not groups or (section_words and words >= section_words):
            groups.append([])
            words = 0
        groups[-1].append(paragraph)
        words += word_count(paragraph.text)
    heading = " / ".join(name for _, name in trail)
    return [
        Section(_part_name(heading, number, len(groups)), "\n".join(one.text for one in group), group[0].page)
        for number, group in enumerate(groups, start=1)
    ]


def _cut(paragraph: Paragraph, section_words: int | None, language: str) -> Iterator[Paragraph]:
    if not section_words or word_count(paragraph.text) <= LONG_PARAGRAPH * section_words:
        yield paragraph
        return
    start, words = 0, 0
    for first, last in split_sentences(paragraph.text, language):
        if words >= section_words:
            yield paragraph.with_text(paragraph.text[start:first].strip())
            start, words = first, 0
        words += word_count(paragraph.text[first:last])
    yield paragraph.with_text(paragraph.text[start:].strip())


def _part_name(heading: str, number: int, parts: int) -> str:
    if parts == 1:
        return heading
    return f"{heading}, part {number}" if heading else f"Part {number}"
