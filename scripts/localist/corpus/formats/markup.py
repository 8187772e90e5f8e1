"""Prose of HTML and XHTML as paragraphs. Scripts, styles and pictures are skipped; nothing is fetched or executed."""

import re
from collections.abc import Iterator
from dataclasses import replace
from html.entities import html5
from pathlib import Path

from lxml import etree  # pyright: ignore[reportAttributeAccessIssue] (compiled, without stubs)
from lxml import html as lxml_html

from localist.corpus.formats.book import HEADING, MARK_END, MARK_START, NAVIGATION, PROSE, TABLE, Book, Paragraph
from localist.corpus.formats.decoding import decode
from localist.corpus.formats.file_kinds import plain_stem, unpacked
from localist.corpus.formats.markup_words import (
    formula_of,
    is_beside_the_text,
    is_code,
    is_main,
    is_mark_of_the_page,
    is_note_mark,
    is_unseen,
    kind_named,
    kind_said,
    seems_unseen,
    text_of,
)
from localist.corpus.formats.page_parts import ARTICLE, ASIDE, MAIN, Claim, judged
from localist.corpus.formats.plain_text import text_paragraphs
from localist.corpus.formats.xml_entities import with_signs
from localist.corpus.unspaced import without_line_ends
from localist.corpus.wrapped_lines import NARROWEST, paragraphs_of_lines, text_width
from localist.plumbing.errors import UserError

HEADINGS = {f"h{level}": level for level in range(1, 7)}
SKIPPED = {
    *("script", "style", "noscript", "template", "head", "svg", "audio", "video", "canvas", "object", "embed"),
    *("iframe", "map", "input", "select", "textarea", "button", "rt", "rp", "rtc"),
}
# Block-level elements; all others, known or not, are inline.
BLOCKS = {
    *("address", "article", "aside", "blockquote", "body", "caption", "center", "col", "colgroup", "dd", "details"),
    *("dialog", "dir", "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "frameset", "header"),
    *(
        "hgroup",
        "hr",
        "html",
        "legend",
        "li",
        "main",
        "menu",
        "nav",
        "noframes",
        "ol",
        "optgroup",
        "option",
        "p",
        "pre",
    ),
    *("search", "section", "summary", "table", "tbody", "td", "tfoot", "th", "thead", "title", "tr", "ul"),
    *HEADINGS,
}
LISTS = {"ul", "ol", "menu", "dir"}
BLOCK_STYLE = re.compile(r"display\s*:\s*(?:block|flex|grid|table|list-item)", re.IGNORECASE)
# Labels of links between the pages of a book.
WAYS = re.compile(
    r"\W*(?:(?:prev(?:ious)?|next|up|home|top|back|first|last|contents|toc|index|table of contents|continue)"
    r"(?: (?:page|chapter|section|part|up|to (?:top|contents|index|the top)))?|(?:back|skip|jump|go|return) to .{1,30}|"
    r"zurück|weiter|nach oben|inhalt|précédent|suivant|retour|sommaire|anterior|siguiente|precedente|successivo)?\W*",
    re.IGNORECASE,
)
SPACES = re.compile(r"\s+")
BREAKS = re.compile(r" *\n *")
ENTITY = re.compile(rb"&([A-Za-z][A-Za-z0-9]*);")
SUBSET = re.compile(r"<!DOCTYPE[^>\[]*\[", re.IGNORECASE)
# Encoding declarations, which libxml2 would obey, and end tags, after which it would stop reading.
NO_TEXT = re.compile(r"\A\s*<\?xml[^>]*\?>|</(?:body|html)\s*>", re.IGNORECASE)


def read_html(path: Path, encoding: str | None = None) -> Iterator[Book]:
    """Read one HTML file as one book. Raises UserError if it cannot be decoded or has no elements."""
    text, found = decode(unpacked(path), str(path), encoding, markup=True)
    yield html_book(text, path, found)


def html_book(text: str, path: Path, encoding: str = "") -> Book:
    """A book from HTML text; its title is that of the page, or else the file name."""
    if SUBSET.search(text, 0, 4096):
        text = with_signs(text.encode(), f"{path}:").decode()
    root = parse_html(text, str(path))
    title = " ".join((root.findtext(".//title") or "").split())
    author = root.xpath("string(//meta[translate(@name, 'AUTHOR', 'author') = 'author']/@content)")
    return Book(
        title or plain_stem(path),
        tuple(paragraphs(root, whole=True)),
        author=" ".join(author.split()),
        encoding=encoding,
    )


def parse_html(text: str, name: str) -> etree._Element:
    """Parse HTML text. Raises UserError, naming `name`, if it cannot be parsed."""
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
    """Parse an XHTML file; if it is not well-formed, it is parsed as HTML, as browsers do."""
    parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False)
    try:
        root = etree.fromstring(ENTITY.sub(_character, content), parser)
    except (etree.XMLSyntaxError, ValueError):
        return parse_html(decode(content, name, markup=True)[0], name)
    for element in root.iter(etree.Element):
        element.tag = etree.QName(element).localname
    return root


def paragraphs(root: etree._Element, *, whole: bool = False) -> Iterator[Paragraph]:
    """The paragraphs of an element in document order.

    A line end in the source is a space; line breaks of the page (`br`) that only wrap text are joined. whole: the
    element is a complete book, not part of one.
    """
    walk = _Walk()
    walk.enter(root, PROSE)
    walk.close()
    return iter(judged(walk.found, walk.claims, walk.links, whole=whole))


class _Walk:
    """Collects inline text until a block begins or ends."""

    def __init__(self) -> None:
        self.found: list[Paragraph] = []
        self.claims: list[Claim] = []
        self.links: list[bool] = []  # for each paragraph: whether it consists of links only
        self.text: list[str] = []
        self.kind, self.level = PROSE, 0
        self._link: list[str] | None = None  # text of the link being read
        self._labels: list[str] = []

    def enter(self, element: etree._Element, kind: str) -> None:
        tag = element.tag if isinstance(element.tag, str) else ""
        if not tag or is_unseen(element) or is_mark_of_the_page(element):
            return
        formula = formula_of(element)
        is_block = tag in BLOCKS or bool(BLOCK_STYLE.search(element.get("style", "")))
        if formula is not None:
            self._add(formula)
        elif tag in SKIPPED or (not is_block and seems_unseen(element)):
            return
        elif is_note_mark(element):
            self.text.append(f"{MARK_START}{' '.join(element.itertext()).strip()}{MARK_END}")
        elif tag == "br":
            self.text.append("\n")
        elif tag == "img":
            self._add(_letter(element))
        elif is_block:
            self._block(element, kind)
        elif tag in ("b", "strong") and self._fills_a_line(element):
            self.text.append("\n\n")
            self._inside(element, kind)
            self.text.append("\n\n")
        elif tag == "a" and self._link is None and element.get("href") is not None:
            self._in_link(element, kind)
        else:
            self._inside(element, kind)

    def close(self) -> None:
        text = BREAKS.sub("\n", "".join(self.text)).strip()
        labels, self.text, self._labels = self._labels, [], []
        if not text:
            return
        lines = text.split("\n")
        said = "".join(filter(str.isalnum, text))
        only_links = bool(said) and said == "".join(filter(str.isalnum, "".join(labels)))
        leads_around = only_links and self.kind == PROSE and all(map(WAYS.fullmatch, labels))
        kind = NAVIGATION if leads_around else self.kind
        # Breaks of short lines are deliberate, even if the next line begins in lower case.
        for one in paragraphs_of_lines(lines) if text_width(lines) >= NARROWEST else filter(None, lines):
            self.found.append(Paragraph(one, kind, self.level))
            self.links.append(only_links)

    def _block(self, element: etree._Element, kind: str) -> None:
        self.close()
        outer = self.kind, self.level
        kind = (kind_said(element) or kind) if kind == PROSE else kind
        level = HEADINGS.get(element.tag, 0)
        self.kind, self.level = (HEADING, level) if level and kind == PROSE else (kind, 0)
        start = len(self.found)
        if element.tag == "pre":
            self._preformatted(element, kind)
        elif level and not text_of(element):
            self._add(" ".join(picture.get("alt", "") for picture in element.iter("img")))
        else:
            self._inside(element, kind)
        self.close()
        if kind == PROSE:
            self.claims.extend(Claim(start, len(self.found), one) for one in _claimed(element))
            if self._leads_around(element, start):
                self.claims.append(Claim(start, len(self.found), NAVIGATION))
        self.kind, self.level = outer

    def _leads_around(self, element: etree._Element, start: int) -> bool:
        """Whether this is a list of links only, or a date line of the page (which does not end a sentence)."""
        if element.tag in LISTS:
            return all(self.links[start:])
        return len(self.found) == start + 1 and element.find(".//time") is not None and element.tag not in HEADINGS

    def _preformatted(self, element: etree._Element, kind: str) -> None:
        text = "".join(element.itertext())
        if kind == PROSE and is_code(element):
            paragraphs = [Paragraph(text.strip(), TABLE)]
        else:
            paragraphs = [one if kind == PROSE else replace(one, kind=kind) for one in text_paragraphs(text)]
        self.found.extend(paragraphs)
        self.links.extend([False] * len(paragraphs))

    def _fills_a_line(self, bold: etree._Element) -> bool:
        """Whether bold text is alone between line breaks, and so is a heading."""
        before = next((text for text in reversed(self.text) if text != " "), "\n")
        after = bold.getnext()
        return before.endswith("\n") and after is not None and after.tag == "br" and not (bold.tail or "").strip()

    def _in_link(self, element: etree._Element, kind: str) -> None:
        self._link = []
        self._inside(element, kind)
        self._labels.append("".join(self._link))
        self._link = None

    def _inside(self, element: etree._Element, kind: str) -> None:
        self._add(element.text)
        for child in element:
            self.enter(child, kind)
            self._add(child.tail)

    def _add(self, text: str | None) -> None:
        if text:
            text = SPACES.sub(" ", without_line_ends(text))
            self.text.append(text)
            if self._link is not None:
                self._link.append(text)


def _claimed(element: etree._Element) -> Iterator[str]:
    """The kinds that a block may be, if its content confirms it."""
    if element.tag == "table":
        yield TABLE
    if is_main(element):
        yield MAIN
    if element.tag == "article":
        yield ARTICLE
    if is_beside_the_text(element) or seems_unseen(element):
        yield ASIDE
    named = kind_named(element)
    if named:
        yield named


def _letter(picture: etree._Element) -> str:
    """The letter shown by a picture at the beginning of a word (a drop cap), or an empty string."""
    says = picture.get("alt", "").strip()
    last = picture
    while not last.tail and last.getnext() is None and last.getparent() is not None:
        last = last.getparent()
    rest = last.tail or ""
    return says if sum(map(str.isalpha, says)) == 1 and len(says) <= 2 and rest[:1].isalpha() else ""


def _character(match: re.Match[bytes]) -> bytes:
    """Replace a named HTML character reference, unknown to XML, with its number."""
    name = match[1].decode("ascii")
    characters = html5.get(f"{name};")
    if name in ("amp", "lt", "gt", "quot", "apos") or not characters:
        return match[0]
    return "".join(f"&#{ord(character)};" for character in characters).encode("ascii")
