"""Clean prose from a MediaWiki XML dump (bz2, gz or plain), streamed page by page."""

import io
import re
import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.etree.ElementTree import ParseError

import mwparserfromhell
import mwxml
from mwparserfromhell.nodes import Tag, Wikilink
from mwparserfromhell.wikicode import Wikicode
from mwxml.errors import MalformedXML

from localist.corpus.formats.book import HEADING, Book, Paragraph
from localist.corpus.formats.file_kinds import opened
from localist.plumbing.errors import UserError

NOT_PROSE_NAMESPACES = ("file:", "image:", "category:", "media:")
NOT_PROSE_TAGS = ("ref", "references", "table", "gallery", "math", "timeline", "imagemap", "score", "chem")
# Raised by the readers of compressed files, XML and dumps for damaged or other files.
NOT_A_DUMP = (
    OSError,
    EOFError,
    ValueError,
    TypeError,
    AssertionError,
    zlib.error,
    ParseError,
    MalformedXML,
)

# Templates vanish with their text, and leave brackets with nothing but punctuation in them.
EMPTY_BRACKETS = re.compile(r"[^\S\n]*[(\[](?:[^\S\n]|[,;:])*[)\]]")
EMPHASIS = re.compile("'{2,5}")
SPACES = re.compile(r"[^\S\n]+")


def read_mediawiki(path: Path, titles: Sequence[str] = ()) -> Iterator[Book]:
    """Read the articles named in `titles`, in that order; with none named, every article in the dump's order.

    Redirects and pages outside the article namespace are passed over. Raises UserError for an unreadable dump, and
    for titles that it does not have.
    """
    if not titles:
        for title, source in _article_sources(path):
            yield Book(title, tuple(article_paragraphs(source)))
        return
    found: dict[str, str] = {}
    for title, source in _article_sources(path):
        if title in titles:
            found[title] = source
        if len(found) == len(titles):
            break
    missing = [title for title in titles if title not in found]
    if missing:
        raise UserError(f"corpus.articles: {path} has no article called {', '.join(map(repr, missing))}.")
    for title in titles:
        yield Book(title, tuple(article_paragraphs(found[title])))


def article_paragraphs(source: str) -> Iterator[Paragraph]:
    """Headings and prose of one article's wikitext; each line of prose is a paragraph."""
    # Unbalanced '' and ''' are common, and make the parser give up on the links and footnotes between them.
    parsed = mwparserfromhell.parse(source, skip_style_tags=True)
    for wikicode in parsed.get_sections(flat=True, include_lead=True):
        headings = wikicode.filter_headings()
        if headings:
            yield Paragraph(_prose(headings[0].title), HEADING, headings[0].level)
            wikicode.remove(headings[0])
        yield from (Paragraph(line) for line in _prose(wikicode).splitlines())


def _article_sources(path: Path) -> Iterator[tuple[str, str]]:
    try:
        with opened(path) as stream:
            for page in mwxml.Dump.from_file(io.TextIOWrapper(stream, encoding="utf-8")):
                if page.namespace == 0 and not page.redirect:
                    latest = deque(page, maxlen=1)
                    if latest and latest[0].text:
                        yield page.title, latest[0].text
    except NOT_A_DUMP as error:
        reason = str(error) or type(error).__name__
        raise UserError(f"{path} is not a readable MediaWiki XML dump ({reason}). Check corpus.source.") from error


def _prose(wikicode: Wikicode) -> str:
    for node in wikicode.filter(recursive=True, matches=_is_not_prose):
        try:
            wikicode.remove(node)
        except ValueError:  # it went with a node around it
            continue
    for node in wikicode.filter_tags(recursive=True, matches=lambda node: str(node.tag).strip().lower() == "br"):
        wikicode.replace(node, "\n")
    text = wikicode.strip_code(normalize=True, collapse=True)
    text = EMPTY_BRACKETS.sub("", SPACES.sub(" ", EMPHASIS.sub("", text)))
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())


def _is_not_prose(node: object) -> bool:
    if isinstance(node, Wikilink):
        return str(node.title).strip().lstrip(":").lower().startswith(NOT_PROSE_NAMESPACES)
    return isinstance(node, Tag) and str(node.tag).strip().lower() in NOT_PROSE_TAGS
