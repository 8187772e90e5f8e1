"""Prose of HTML and XHTML as paragraphs. Scripts, styles and pictures are passed over; nothing is fetched or run."""

import re
from collections.abc import Iterator
from dataclasses import replace
from html.entities import html5
from pathlib import Path

from lxml import etree  # pyright: ignore[reportAttributeAccessIssue] (compiled, without stubs)
from lxml import html as lxml_html

from localist.corpus.formats.book import (
    CONTENTS,
    HEADING,
    INDEX,
    MARK_END,
    MARK_START,
    NAVIGATION,
    NOTE,
    PROSE,
    REFERENCES,
    TABLE,
    Book,
    Paragraph,
)
from localist.corpus.formats.decoding import decode
from localist.corpus.formats.plain_text import text_paragraphs
from localist.plumbing.errors import UserError

HEADINGS = {f"h{level}": level for level in range(1, 7)}
SKIPPED = {
    *("script", "style", "noscript", "template", "head", "svg", "math", "audio", "video", "canvas", "object", "embed"),
    *("iframe", "map", "input", "select", "textarea", "button", "rt", "rp"),
}
INLINE = {
    *("a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i", "img"),
    *("ins", "kbd", "label", "mark", "q", "ruby", "s", "samp", "small", "span", "strike", "strong", "sub", "sup"),
    *("time", "tt", "u", "var", "wbr"),
}
# Words in epub:type, role or class of an element → kind of its content.
SAID = {
    CONTENTS: {"toc", "doc-toc", "landmarks", "page-list", "lot", "loi", "toc-entry"},
    INDEX: {"index", "doc-index"},
    REFERENCES: {"bibliography", "doc-bibliography", "references", "csl-bib-body"},
    NOTE: {
        *("footnote", "footnotes", "endnote", "endnotes", "rearnote", "rearnotes"),
        *("doc-footnote", "doc-endnote", "doc-endnotes"),
    },
    NAVIGATION: {"navigation", "banner", "contentinfo", "search", "breadcrumb", "breadcrumbs", "navbar"},
}
NOTE_REFERENCE = {"noteref", "doc-noteref", "footnote-ref", "footnoteref", "fnref", "reference"}
NOTE_NUMBER = re.compile(r"[\[(]?(?:\d{1,4}|[*†‡§¶]{1,3}|[a-z])[\])]?")
NOTE_ID = re.compile(r"(?:foot|end)note-\d+$")
ARROW = re.compile(r"[↑↩⏎^\ufe0e]+")
NOTE_TARGET = re.compile(r"note|fn|cite|ref", re.IGNORECASE)
PASSED_OVER = {
    *("pagebreak", "doc-pagebreak", "pagenum", "pageno", "page-number"),
    *("footnote-back", "footnote-backref", "doc-backlink"),
}
HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
# A table of cells with fewer words than this on average holds data, not text.
PROSE_CELL_WORDS = 12
SPACES = re.compile(r"[^\S\ue000\ue001]+")
ENTITY = re.compile(rb"&([A-Za-z][A-Za-z0-9]*);")
# An encoding declaration, which libxml2 would obey, and end tags, after which it would stop reading.
NO_TEXT = re.compile(r"\A\s*<\?xml[^>]*\?>|</(?:body|html)\s*>", re.IGNORECASE)


def read_html(path: Path, encoding: str | None = None) -> Iterator[Book]:
    """Read one HTML file as one book. Raises UserError where it cannot be decoded or has no element."""
    text, found = decode(path.read_bytes(), str(path), encoding, markup=True)
    yield html_book(text, path, found)


def html_book(text: str, path: Path, encoding: str = "") -> Book:
    """A book from HTML text; its title is that of the page, else the file's name."""
    root = parse_html(text, str(path))
    title = " ".join((root.findtext(".//title") or "").split())
    author = root.xpath("string(//meta[translate(@name, 'AUTHOR', 'author') = 'author']/@content)")
    return Book(title or path.stem, tuple(paragraphs(root)), author=" ".join(author.split()), encoding=encoding)


def parse_html(text: str, name: str) -> etree._Element:
    """The tree of an HTML text. Raises UserError, naming `name`, where there is none."""
    parser = lxml_html.HTMLParser(no_network=True, huge_tree=True)
    try:
        root = lxml_html.document_fromstring(NO_TEXT.sub("", text), parser=parser)
    except (etree.ParserError, ValueError) as error:
        raise UserError(f"{name}: is not readable HTML ({error}). Check the file.") from error
    if any("depth" in entry.message for entry in parser.error_log):
        raise UserError(
            f"{name}: is nested too deeply to be a book. Save it again with another program, or leave it out."
        )
    return root


def parse_xhtml(content: bytes, name: str) -> etree._Element:
    """The tree of an XHTML file; if it is not well-formed, it is read as HTML, as browsers do."""
    parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False)
    try:
        root = etree.fromstring(ENTITY.sub(_character, content), parser)
    except (etree.XMLSyntaxError, ValueError):
        return parse_html(decode(content, name, markup=True)[0], name)
    for element in root.iter(etree.Element):
        element.tag = etree.QName(element).localname
    return root


def paragraphs(root: etree._Element) -> Iterator[Paragraph]:
    """The paragraphs of an element in document order; a line break of the page (`br`) ends one, a line's end in the
    source does not."""
    walk = _Walk()
    walk.enter(root, PROSE)
    walk.close()
    return iter(walk.found)


class _Walk:
    """Collects inline text until a block begins or ends."""

    def __init__(self) -> None:
        self.found: list[Paragraph] = []
        self.text: list[str] = []
        self.kind, self.level = PROSE, 0

    def enter(self, element: etree._Element, kind: str) -> None:
        tag = element.tag if isinstance(element.tag, str) else ""
        if not tag or tag in SKIPPED or _is_hidden(element) or _said(element) & PASSED_OVER or _leads_back(element):
            return
        if _is_note_mark(element):
            self.text.append(f"{MARK_START}{' '.join(element.itertext()).strip()}{MARK_END}")
        elif tag in INLINE:
            self._inside(element, kind)
        elif tag == "br":
            self.close()
        else:
            self._block(element, _kind(element, kind))

    def close(self) -> None:
        text = SPACES.sub(" ", "".join(self.text)).strip()
        self.text = []
        if text:
            self.found.append(Paragraph(text, self.kind, self.level))

    def _block(self, element: etree._Element, kind: str) -> None:
        self.close()
        outer = self.kind, self.level
        level = HEADINGS.get(element.tag, 0)
        self.kind, self.level = (HEADING, level) if level and kind == PROSE else (kind, 0)
        start = len(self.found)
        if element.tag == "pre":
            text = "".join(element.itertext())
            self.found.extend(one if kind == PROSE else replace(one, kind=kind) for one in text_paragraphs(text))
        else:
            self._inside(element, kind)
        self.close()
        if element.tag == "table" and kind == PROSE:
            cells = self.found[start:]
            if sum(len(cell.text.split()) for cell in cells) < PROSE_CELL_WORDS * len(cells):
                self.found[start:] = [Paragraph(cell.text, TABLE) for cell in cells]
        self.kind, self.level = outer

    def _inside(self, element: etree._Element, kind: str) -> None:
        self.text.append(element.text or "")
        for child in element:
            self.enter(child, kind)
            self.text.append(child.tail or "")


def _kind(element: etree._Element, above: str) -> str:
    if above != PROSE:
        return above
    said = _said(element)
    for kind, words in SAID.items():
        if said & words:
            return kind
    if NOTE_ID.match(element.get("id", "")):
        return NOTE
    if element.tag == "nav" or element.get("id") == "toc":
        return CONTENTS
    above_it = element.getparent()
    return NAVIGATION if element.tag == "footer" and above_it is not None and above_it.tag == "body" else PROSE


def _said(element: etree._Element) -> set[str]:
    attributes = ("{http://www.idpf.org/2007/ops}type", "epub:type", "role", "class")
    return {word.lower() for name in attributes for word in element.get(name, "").split()}


def _is_hidden(element: etree._Element) -> bool:
    return element.get("hidden") is not None or bool(HIDDEN.search(element.get("style", "")))


def _leads_back(element: etree._Element) -> bool:
    """A link from a note to the text."""
    return element.tag == "a" and ARROW.fullmatch("".join(element.itertext()).strip()) is not None


def _is_note_mark(element: etree._Element) -> bool:
    if element.tag not in ("sup", "a", "span"):
        return False
    text = "".join(element.itertext()).strip()
    if not NOTE_NUMBER.fullmatch(text):
        return False
    links = [
        link for link in (element, *element.iter("a")) if NOTE_TARGET.search(link.get("href", "").partition("#")[2])
    ]
    raised = element.tag == "sup" or element.find("sup") is not None
    return bool(_said(element) & NOTE_REFERENCE) or bool(links and (raised or text[0] in "[(*†‡§¶"))


def _character(match: re.Match[bytes]) -> bytes:
    """Replace a named character of HTML, unknown to XML, by its number."""
    name = match[1].decode("ascii")
    characters = html5.get(f"{name};")
    if name in ("amp", "lt", "gt", "quot", "apos") or not characters:
        return match[0]
    return "".join(f"&#{ord(character)};" for character in characters).encode("ascii")
