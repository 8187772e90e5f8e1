"""Clean prose from a MediaWiki XML dump (bz2, gz or plain), streamed page by page."""

import bz2
import gzip
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

from localist.documents import Document, Section
from localist.errors import UserError

NOT_PROSE_NAMESPACES = ("file:", "image:", "category:", "media:")
NOT_PROSE_TAGS = ("ref", "references", "table", "gallery", "math", "timeline", "imagemap", "score", "chem")
# What the readers of compressed files, XML and dumps raise on a file that is none, or is damaged.
NOT_A_DUMP = (OSError, EOFError, ValueError, AssertionError, zlib.error, ParseError, mwxml.errors.MalformedXML)
OPENERS = {".bz2": bz2.open, ".gz": gzip.open}

# Templates vanish with their text, and leave brackets with nothing but punctuation in them.
EMPTY_BRACKETS = re.compile(r"[^\S\n]*[(\[](?:[^\S\n]|[,;:])*[)\]]")
EMPHASIS = re.compile("'{2,5}")
SPACES = re.compile(r"[^\S\n]+")


def read_mediawiki(path: Path, *, titles: Sequence[str], drop_sections: Sequence[str]) -> list[Document]:
    """Read the articles named in `titles` (all articles when empty), in the order of `titles`.

    Redirects and pages outside the article namespace are passed over; sections whose heading is in `drop_sections`
    go with their subsections. Raises UserError for an unreadable dump, and for titles that it does not have.
    """
    wanted = set(titles)
    found: dict[str, Document] = {}
    for title, source in _article_sources(path):
        if not wanted or title in wanted:
            found[title] = Document(title, tuple(clean_sections(source, drop_sections)))
        if wanted and wanted == set(found):
            break
    missing = [title for title in titles if title not in found]
    if missing:
        raise UserError(f"corpus.articles: {path} has no article called {', '.join(map(repr, missing))}.")
    return [found[title] for title in titles] if titles else list(found.values())


def clean_sections(source: str, drop_sections: Sequence[str]) -> Iterator[Section]:
    """The prose of one article's wikitext, section by section; headings are joined from the top by ' / '."""
    dropped = {name.casefold() for name in drop_sections}
    trail: list[tuple[int, str]] = []
    # Unbalanced '' and ''' are common, and make the parser give up on the links and footnotes between them.
    parsed = mwparserfromhell.parse(source, skip_style_tags=True)
    for wikicode in parsed.get_sections(flat=True, include_lead=True):
        headings = wikicode.filter_headings()
        if headings:
            level, name = headings[0].level, _prose(headings[0].title)
            trail = [(depth, above) for depth, above in trail if depth < level] + [(level, name)]
            wikicode.remove(headings[0])
        if any(name.casefold() in dropped for _, name in trail):
            continue
        text = _prose(wikicode)
        if text:
            yield Section(" / ".join(name for _, name in trail), text)


def _article_sources(path: Path) -> Iterator[tuple[str, str]]:
    try:
        with OPENERS.get(Path(path).suffix, open)(path, "rt", encoding="utf-8") as stream:
            for page in mwxml.Dump.from_file(stream):
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
