"""Classifies elements of web pages by their names and attributes: kind of content, visibility, function."""

import re

from lxml import etree  # pyright: ignore[reportAttributeAccessIssue] (compiled, without stubs)

from localist.corpus.formats.book import CONTENTS, INDEX, NAVIGATION, NOTE, REFERENCES
from localist.corpus.formats.formulas import FORMULA, formula_text

# Kind of content → values of epub:type or role.
SAID = {
    CONTENTS: {"toc", "doc-toc", "landmarks", "page-list", "lot", "loi"},
    INDEX: {"index", "doc-index"},
    REFERENCES: {"bibliography", "doc-bibliography"},
    NOTE: {
        *("footnote", "footnotes", "endnote", "endnotes", "rearnote", "rearnotes"),
        *("doc-footnote", "doc-endnote", "doc-endnotes"),
    },
    NAVIGATION: {"navigation", "banner", "contentinfo", "search"},
}
# The same for class and id. Authors choose these freely, so the content must confirm them.
NAMED = {
    CONTENTS: {"toc", "toc-entry", "table-of-contents", "tableofcontents"},
    INDEX: {"index"},
    REFERENCES: {"bibliography", "references", "csl-bib-body", "reflist"},
    NOTE: {"footnote", "footnotes", "endnote", "endnotes", "rearnote", "rearnotes"},
    NAVIGATION: {
        *(
            "navigation",
            "search",
            "banner",
            "breadcrumb",
            "breadcrumbs",
            "navbar",
            "menu",
            "sidebar",
            "share",
            "sharing",
        ),
        *(
            "social",
            "related",
            "newsletter",
            "subscribe",
            "pagination",
            "pager",
            "masthead",
            "site-header",
            "skip-link",
        ),
        *("site-footer", "printfooter", "catlinks", "hatnote", "navbox", "share-buttons", "related-posts"),
        *("related-articles", "most-read", "toolbar", "advert", "advertisement", "promo", "post-navigation"),
    },
}
NAVIGATION_NAME = re.compile(r"nav(?:header|footer|bar|links?|menu)?|(?:doc|sub|top|side|foot|bottom|page)-?nav")
# Parts of a page outside its text, though they may contain sentences.
ASIDE = {"comments", "comment-list", "comments-area", "disqus_thread", "ambox"}
COOKIES = re.compile(r"cookies?\b.*|gdpr\b.*|.*-cookies?|consent-.*")
PASSED_OVER = {"pagebreak", "doc-pagebreak", "footnote-back", "footnote-backref", "doc-backlink"}
PAGE_NUMBER = {"pagebreak", "pagenum", "pageno", "page-number", "page_number", "pagenumber"}
LONGEST_MARK = 20
PAGE_NUMBER_TEXT = re.compile(r"\W*(?:p(?:age|g)?\b\W*)?(?:\d{1,5}|[ivxlc]{1,9})?\W*", re.IGNORECASE)
# For screen readers only, or hidden; comments and deletions of word processors.
UNSEEN = {
    *("sr-only", "visually-hidden", "visuallyhidden", "screen-reader-text", "screenreader", "hidden", "d-none"),
    *(
        "mw-editsection",
        "mw-jump-link",
        "skip-to-content",
        "skiplink",
        "noprint",
        "comment-start",
        "deletion",
        "msocomtxt",
    ),
    *("msocommentreference", "msocomanchor", "msocomoff", "mathjax_preview"),
}
FOR_EARS = {"sr-only", "visually-hidden", "visuallyhidden", "screen-reader-text", "screenreader"}
UNSEEN_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all|mso-element\s*:\s*comment", re.I
)
REMARK_ID = re.compile(r"cmnt(?:_ref)?\d+|_?_?msocom.*|_msoanchor.*", re.IGNORECASE)
NOTE_REFERENCE = {"noteref", "doc-noteref", "footnote-ref", "footnoteref", "fnref", "reference"}
NOTE_NUMBER = re.compile(r"[\[(]?(?:\d{1,4}|[*†‡§¶]{1,3}|[a-z])[\])]?")
# As written by pandoc, Word and LibreOffice.
NOTE_ID = re.compile(r"(?:foot|end)note-\d+$|_?(?:ft|ed)n\d+$|sd(?:foot|end)note\d+$")
NOTE_TARGET = re.compile(r"note|fn|cite|ref", re.IGNORECASE)
ARROW = re.compile(r"[↑↩⏎^\ufe0e]+")
# Elements that may contain a formula in several equivalent forms.
FORMULAS = {"katex", "mathjax", "mathjax_display", "mathjax_svg", "mathjax_chtml", "mjx-chtml", "mwe-math-element"}
FORMULA_PICTURES = {"math", "tex", "latex", "mwe-math-fallback-image-inline", "mwe-math-fallback-image-display"}
CODE = {"code", "highlight", "sourcecode", "programlisting", "prettyprint", "verbatim", "screen", "codehilite"}
MAIN_IDS = {"main", "main-content", "content", "mw-content-text"}


def kind_said(element: etree._Element) -> str | None:
    """The kind of an element's content according to its semantics (epub:type, role, nav), or None."""
    said = words_of(element, "{http://www.idpf.org/2007/ops}type", "epub:type", "role")
    return next((kind for kind, words in SAID.items() if said & words), CONTENTS if element.tag == "nav" else None)


def kind_named(element: etree._Element) -> str | None:
    """The kind of an element's content according to its names (class, id), or None."""
    names = words_of(element, "class", "id")
    if NOTE_ID.match(element.get("id", "")):
        return NOTE
    for kind, words in NAMED.items():
        if names & words:
            return kind
    if any(NAVIGATION_NAME.fullmatch(name) for name in names) or is_footer(element):
        return NAVIGATION
    return None


def is_footer(element: etree._Element) -> bool:
    above = element.getparent()
    return element.tag == "footer" and above is not None and above.tag in ("body", "main", "div", "article")


def is_beside_the_text(element: etree._Element) -> bool:
    """Whether an element is labelled as reader comments, a cookie banner, or a form."""
    names = words_of(element, "class", "id")
    return element.tag == "form" or bool(names & ASIDE) or any(COOKIES.fullmatch(name) for name in names)


def is_main(element: etree._Element) -> bool:
    return element.tag == "main" or element.get("role") == "main" or element.get("id") in MAIN_IDS


def is_unseen(element: etree._Element) -> bool:
    """Whether an element is invisible, whatever its content."""
    return (
        element.tag == "del"
        or (element.tag == "dialog" and element.get("open") is None)
        or element.get("hidden", "until-found") != "until-found"
        or bool(UNSEEN_STYLE.search(element.get("style", "")))
        or bool(REMARK_ID.fullmatch(element.get("id", "")) and element.tag in ("a", "div", "span"))
        or _holds_a_remark(element)
    )


def seems_unseen(element: etree._Element) -> bool:
    """Whether an element is marked as visually hidden by its names, or as hidden from screen readers by its attribute.

    In a pair of elements, one for screen readers and one for display, the displayed one counts as visible.
    """
    if element.get("aria-hidden") == "true":
        return element.tag != "span" or not any(
            one is not None and _is_for_ears(one) for one in (element.getprevious(), element.getnext())
        )
    return bool(words_of(element, "class") & UNSEEN)


def is_mark_of_the_page(element: etree._Element) -> bool:
    """A page number of the printed book, or a link from a note to the text."""
    said = words_of(element, "{http://www.idpf.org/2007/ops}type", "epub:type", "role")
    named = words_of(element, "class")
    if said & PASSED_OVER or named & (PASSED_OVER | PAGE_NUMBER):
        text = text_of(element)
        return len(text) <= LONGEST_MARK and bool(said or PAGE_NUMBER_TEXT.fullmatch(text) or ARROW.fullmatch(text))
    return element.tag == "a" and ARROW.fullmatch(text_of(element)) is not None


def is_note_mark(element: etree._Element) -> bool:
    if element.tag not in ("sup", "a", "span"):
        return False
    text = text_of(element)
    if not NOTE_NUMBER.fullmatch(text):
        return False
    links = [
        link for link in (element, *element.iter("a")) if NOTE_TARGET.search(link.get("href", "").partition("#")[2])
    ]
    raised = element.tag == "sup" or element.find("sup") is not None
    said = words_of(element, "{http://www.idpf.org/2007/ops}type", "epub:type", "role", "class")
    return bool(said & NOTE_REFERENCE) or bool(links and (raised or text[0] in "[(*†‡§¶"))


def formula_of(element: etree._Element) -> str | None:
    """The text of a formula, without its repetitions, or None if the element is not a formula."""
    if element.tag == "math":
        return formula_text(element)
    if element.tag == "script":
        drawn = element.getprevious()
        is_drawn = drawn is not None and isinstance(drawn.tag, str) and words_of(drawn, "class") & FORMULAS
        return None if is_drawn else _source(element)
    named = words_of(element, "class")
    if element.tag == "img":
        return " ".join(element.get("alt", "").split()) or FORMULA if named & FORMULA_PICTURES else None
    if element.tag != "mjx-container" and not named & FORMULAS:
        return None
    math = element.find(".//math")
    if math is not None:
        return formula_text(math)
    pictures = (one.get("alt", "").strip() for one in element.iter("img"))
    return _source(element.getnext()) or next(filter(None, pictures), "") or text_of(element) or FORMULA


def is_code(element: etree._Element) -> bool:
    """Whether preformatted text is a program."""
    names = words_of(element, "class")
    return bool(names & CODE) or element.find("code") is not None or element.find("samp") is not None


def words_of(element: etree._Element, *attributes: str) -> set[str]:
    return {word.lower() for name in attributes for word in element.get(name, "").split()}


def text_of(element: etree._Element) -> str:
    return "".join(element.itertext()).strip()


def _is_for_ears(element: etree._Element) -> bool:
    return isinstance(element.tag, str) and bool(words_of(element, "class") & FOR_EARS)


def _holds_a_remark(element: etree._Element) -> bool:
    """Whether a block of a word processor's page begins with the anchor of a comment."""
    if element.tag != "div" or not len(element):
        return False
    first = next(element.iter("a"), None)
    return first is not None and bool(re.fullmatch(r"cmnt\d+", first.get("id", "")))


def _source(script: etree._Element | None) -> str | None:
    """The source of the formula in a script element, or None."""
    if script is None or script.tag != "script" or not script.get("type", "").startswith("math/"):
        return None
    return " ".join((script.text or "").split())
