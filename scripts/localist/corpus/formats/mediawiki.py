"""Clean prose from a MediaWiki XML dump (bz2, gz or plain), streamed page by page."""

import io
import re
import zlib
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import ParseError

import mwparserfromhell
import mwxml
from mwparserfromhell.nodes import Tag, Text, Wikilink
from mwparserfromhell.wikicode import Wikicode
from mwxml.errors import MalformedXML

from localist.corpus.formats.book import HEADING, UNKNOWN_TEMPLATES, Book, Paragraph
from localist.corpus.formats.file_kinds import opened
from localist.corpus.formats.formulas import FORMULA
from localist.corpus.formats.mediawiki_templates import shown, unknown_in_sentences
from localist.plumbing.errors import UserError

# Media, file and category namespaces: their numbers in a dump's list of namespaces, and the names valid in every wiki.
NOT_PROSE_NAMESPACES = (-2, 6, 14)
NOT_PROSE_NAMES = frozenset({"file", "image", "category", "media"})
# The list lacks former names of the namespaces; links to files are recognised by their target.
FILE = re.compile(
    r"[^:/]+:[^|/:]+\.(?:jpe?g|png|gif|svg|tiff?|webp|xcf|og[gva]|webm|mp3|wav|midi?|pdf|djvu)\s*", re.IGNORECASE
)
NOT_PROSE_TAGS = ("ref", "references", "table", "gallery", "timeline", "imagemap", "score")
FORMULAS = ("math", "chem", "ce")
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

MAGIC_WORD = re.compile(r"__[A-Z]{3,}__")
PAGE_NAME = re.compile(r"\{\{\s*(?:FULL|BASE)?PAGENAME\s*\}\}")
# In Chinese, a word in several scripts; the first is used.
IN_SCRIPTS = re.compile(r"-\{(?:[^{}|]*\|)?(?:[a-z-]+:)?([^{};]*)[^{}]*\}-")
IN_BRACES = re.compile(r"\A\{([^{}]*)\}\Z")
TEX_SPACE = re.compile(r"\\[,;:! ]|~|\\q?quad\b")
TABLE_EDGE = re.compile(r"(?:^[ \t:]*|\|[ \t]*)(\{\|)(?![|}])|^[ \t]*\|\}(?!\})", re.MULTILINE)
# Removed templates leave brackets that contain only punctuation.
EMPTY_BRACKETS = re.compile(r"[^\S\n]*[(\[](?:[^\S\n]|[,;:])*[)\]]")
EMPHASIS = re.compile("'{2,5}")
SPACES = re.compile(r"[^\S\n]+")


def read_mediawiki(path: Path, titles: Sequence[str] = ()) -> Iterator[Book]:
    """Read the articles named in `titles`, in that order; if empty, all articles in the order of the dump.

    Redirects and pages outside the article namespace are skipped. Raises UserError for an unreadable dump and for
    missing titles.
    """
    if not titles:
        for article in _articles(path):
            yield _book(article)
        return
    found: dict[str, _Article] = {}
    for article in _articles(path):
        if article.title in titles:
            found[article.title] = article
        if len(found) == len(titles):
            break
    missing = [title for title in titles if title not in found]
    if missing:
        raise UserError(
            f"corpus.articles: {path} has no article called {', '.join(map(repr, missing))}. "
            "Correct the titles, or set corpus.articles: [] to use all articles."
        )
    for title in titles:
        yield _book(found[title])


@dataclass(frozen=True)
class _Article:
    title: str
    source: str
    namespaces: frozenset[str]  # of files and categories


def _book(article: _Article) -> Book:
    parsed = parsed_article(PAGE_NAME.sub(lambda _: article.title, article.source))
    unknown = tuple(unknown_in_sentences(parsed.nodes))
    paragraphs = tuple(article_paragraphs(parsed, article.namespaces))
    return Book(article.title, paragraphs, removed={UNKNOWN_TEMPLATES: unknown})


def parsed_article(source: str) -> Wikicode:
    """The nodes of an article's wikitext."""
    # Unbalanced '' and ''' are common, and make the parser miss the links and footnotes between them.
    return mwparserfromhell.parse(_without_nested_tables(source), skip_style_tags=True)


def article_paragraphs(parsed: Wikicode, namespaces: Collection[str] = NOT_PROSE_NAMES) -> Iterator[Paragraph]:
    """Headings and prose of one article; each line of prose is a paragraph. Links into `namespaces` (in lower case) are
    not prose."""
    for wikicode in parsed.get_sections(flat=True, include_lead=True):
        headings = wikicode.filter_headings()
        if headings:
            yield Paragraph(_prose(headings[0].title, namespaces), HEADING, headings[0].level)
            wikicode.remove(headings[0])
        yield from (Paragraph(line) for line in _prose(wikicode, namespaces).splitlines())


def _without_nested_tables(source: str) -> str:
    """The source without nested tables, which the parser splits incorrectly."""
    depth = deepest = start = 0
    kept, after = [], 0
    for edge in TABLE_EDGE.finditer(source):
        if edge[1]:
            start = edge.start(1) if not depth else start
            depth += 1
            deepest = max(deepest, depth)
        elif depth:
            depth -= 1
            if not depth and deepest > 1:
                kept.append(source[after:start])
                after = edge.end()
            deepest = deepest if depth else 0
    return "".join([*kept, source[after:]])


def _articles(path: Path) -> Iterator[_Article]:
    try:
        with opened(path) as stream:
            dump = mwxml.Dump.from_file(io.TextIOWrapper(stream, encoding="utf-8"))
            namespaces = _not_prose(dump.site_info.namespaces or ())
            for page in dump:
                if page.namespace == 0 and not page.redirect:
                    latest = deque(page, maxlen=1)
                    if latest and latest[0].text:
                        yield _Article(page.title, latest[0].text, namespaces)
    except NOT_A_DUMP as error:
        reason = str(error) or type(error).__name__
        raise UserError(f"{path} is not a readable MediaWiki XML dump ({reason}). Check corpus.source.") from error


def _not_prose(namespaces: Iterable[mwxml.Namespace]) -> frozenset[str]:
    own = {str(one.name).lower() for one in namespaces if one.id in NOT_PROSE_NAMESPACES and one.name}
    return NOT_PROSE_NAMES | own


def _prose(wikicode: Wikicode, namespaces: Collection[str]) -> str:
    for node in wikicode.filter(recursive=True, matches=lambda node: _is_not_prose(node, namespaces)):
        try:
            wikicode.remove(node)
        except ValueError:  # already removed with an enclosing node
            continue
    for node in wikicode.filter_tags(recursive=True, matches=lambda node: str(node.tag).strip().lower() == "br"):
        wikicode.replace(node, "\n")
    # Innermost first.
    for template in reversed(wikicode.filter_templates(recursive=True)):
        text = shown(template)
        if text is not None:
            wikicode.replace(template, text)
    formulas = _write_formulas(wikicode)
    text = wikicode.strip_code(normalize=True, collapse=True)
    text = IN_SCRIPTS.sub(r"\1", MAGIC_WORD.sub("", EMPHASIS.sub("", text)))
    text = EMPTY_BRACKETS.sub("", SPACES.sub(" ", text))
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and line.strip(" ,.;:") not in formulas)


def _write_formulas(wikicode: Wikicode) -> set[str]:
    """Replace formulas with their source, on one line. Returns them: a formula on a line of its own is not prose."""
    found = set()
    for node in wikicode.filter_tags(recursive=True, matches=lambda node: str(node.tag).strip().lower() in FORMULAS):
        formula = IN_BRACES.sub(r"\1", " ".join(TEX_SPACE.sub(" ", str(node.contents)).split()))
        found.add(formula.strip(" ,.;:"))
        wikicode.replace(node, Text(formula or FORMULA))
    return found


def _is_not_prose(node: object, namespaces: Collection[str]) -> bool:
    if isinstance(node, Wikilink):
        title = str(node.title).strip().lstrip(":")
        namespace, colon, _ = title.partition(":")
        return bool(colon) and (namespace.strip().lower() in namespaces or FILE.fullmatch(title) is not None)
    return isinstance(node, Tag) and str(node.tag).strip().lower() in NOT_PROSE_TAGS
