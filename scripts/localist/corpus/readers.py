"""Reads a file of any format into cleaned documents, with samples and the texts removed."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import py3langid

from localist.corpus.cleaning import (
    NEAR_DUPLICATES,
    UNICODE,
    clean,
    one_line,
    repeated_sentences,
    tidy_unicode,
    without_lists,
)
from localist.corpus.documents import Document
from localist.corpus.formats.book import DROPPED_SECTIONS, NAVIGATION, Book, Paragraph
from localist.corpus.formats.docx import read_docx
from localist.corpus.formats.epub import read_epub
from localist.corpus.formats.file_kinds import kind_of
from localist.corpus.formats.markdown import read_markdown
from localist.corpus.formats.markup import read_html
from localist.corpus.formats.mediawiki import read_mediawiki
from localist.corpus.formats.mhtml import read_mhtml
from localist.corpus.formats.notebook import read_notebook
from localist.corpus.formats.pdf import read_pdf
from localist.corpus.formats.plain_text import read_plain_text
from localist.corpus.formats.tabular import read_arrow, read_csv, read_json_lines, read_parquet
from localist.corpus.section_names import section_name
from localist.corpus.sections import sections_of
from localist.corpus.settings import CorpusSettings

# Length of a sample that is not a page, and how many of its characters are shown.
SAMPLE_PARAGRAPHS = 6
SAMPLE_CHARACTERS = 1500
LONGEST_NAME = 300
LANGUAGE_PIECE = 1000
LANGUAGE_PIECES = 50


# Format (see file_kinds) → function that reads a path, given the settings and the enabled cleaning steps.
READERS: dict[str, Callable[[Path, CorpusSettings, frozenset[str]], Iterator[Book]]] = {
    "pdf": lambda path, settings, steps: read_pdf(path, steps),
    "epub": lambda path, settings, steps: read_epub(path),
    "docx": lambda path, settings, steps: read_docx(path),
    "html": lambda path, settings, steps: read_html(path, settings.encoding),
    "markdown": lambda path, settings, steps: read_markdown(path, settings.encoding),
    "mhtml": lambda path, settings, steps: read_mhtml(path),
    "notebook": lambda path, settings, steps: read_notebook(path),
    "text": lambda path, settings, steps: read_plain_text(path, settings.encoding, steps),
    "mediawiki": lambda path, settings, steps: read_mediawiki(path, settings.articles),
    "jsonl": lambda path, settings, steps: read_json_lines(path, settings.text_column),
    "csv": lambda path, settings, steps: read_csv(path, settings.text_column, settings.encoding),
    "parquet": lambda path, settings, steps: read_parquet(path, settings.text_column),
    "arrow": lambda path, settings, steps: read_arrow(path, settings.text_column),
}


@dataclass(frozen=True)
class Extracted:
    """One document, and facts about its extraction for the report."""

    document: Document
    kind: str
    encoding: str
    pages: int | None
    characters_read: int
    languages: Mapping[str, int]  # characters by language code
    removed: Mapping[str, Sequence[str]]
    samples: Sequence[Mapping[str, str]]
    warnings: Sequence[str]


def extract_file(path: Path, settings: CorpusSettings) -> Iterator[Extracted]:
    """Read and clean every document of a file. Raises UserError, naming the file."""
    kind = kind_of(path, settings.format)
    steps = frozenset(name for name, on in settings.clean.items() if on)
    names = frozenset(section_name(heading) for heading in settings.drop_sections)
    # Articles keep their own sections, which are short.
    section_words = None if kind == "mediawiki" else settings.section_words
    for book in READERS[kind](path, settings, steps):
        paragraphs = [replace(paragraph, number=number) for number, paragraph in enumerate(book.paragraphs)]
        tidied, changed = tidy_unicode(paragraphs) if UNICODE in steps else (paragraphs, [])
        kept, removed = clean(tidied, steps - {UNICODE, NEAR_DUPLICATES})
        kept, dropped, stays = without_lists(kept, names)
        again = repeated_sentences(removed.get(NAVIGATION, ()))
        text = "\n".join(paragraph.text for paragraph in kept)
        yield Extracted(
            document=Document(
                title=_name(book.title) or _name(path.stem),
                sections=tuple(sections_of(kept, section_words, settings.language)),
                author=_name(book.author),
            ),
            kind=kind,
            encoding=book.encoding,
            pages=book.pages,
            # Counted after tidying, which turns a ligature into two letters: else more might be kept than was read.
            characters_read=sum(len(one_line(paragraph.text)) + 1 for paragraph in tidied),
            languages=languages_of(text),
            removed={**book.removed, UNICODE: changed, **removed, DROPPED_SECTIONS: dropped},
            samples=_samples(book, paragraphs, kept),
            warnings=(*book.warnings, *stays, *map(_is_it_the_author_s, again)),
        )


def _is_it_the_author_s(text: str) -> str:
    said = text[:LONGEST_NAME]
    return f"{said!r} was removed everywhere as boilerplate: if it is the author's, set corpus.clean.boilerplate: false"


def languages_of(text: str) -> dict[str, int]:
    """Characters per language (two-letter code, detected by py3langid) in pieces spread evenly over the text."""
    pieces = [text[start : start + LANGUAGE_PIECE] for start in range(0, len(text), LANGUAGE_PIECE)]
    found: dict[str, int] = {}
    for piece in pieces[:: len(pieces) // LANGUAGE_PIECES + 1]:
        language = py3langid.classify(piece)[0]
        found[language] = found.get(language, 0) + len(piece)
    return found


def _samples(book: Book, paragraphs: Sequence[Paragraph], kept: Sequence[Paragraph]) -> list[dict[str, str]]:
    """The beginning and the middle, before and after cleaning: whole pages if the format has pages, else paragraphs."""
    samples = []
    if book.page_texts:
        for page, text in book.page_texts.items():
            after = [paragraph.text for paragraph in kept if paragraph.page == page]
            samples.append(_sample(f"page {page}", text, after))
        return samples
    for start in dict.fromkeys((0, len(paragraphs) // 2)):
        before = [paragraph.text for paragraph in paragraphs[start : start + SAMPLE_PARAGRAPHS]]
        after = [paragraph.text for paragraph in kept if start <= paragraph.number < start + SAMPLE_PARAGRAPHS]
        samples.append(_sample("the beginning" if start == 0 else "the middle", "\n".join(before), after))
    return samples


def _sample(where: str, before: str, after: Sequence[str]) -> dict[str, str]:
    return {"where": where, "before": before[:SAMPLE_CHARACTERS], "after": "\n".join(after)[:SAMPLE_CHARACTERS]}


def _name(text: str) -> str:
    return one_line("".join(one for one in text if one.isprintable() or one.isspace()))[:LONGEST_NAME]
