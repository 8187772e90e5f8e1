"""Prepares the XML of Word documents for mammoth: removes invisible text, and moves text that mammoth would skip to
where it is read."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from lxml import etree  # pyright: ignore[reportAttributeAccessIssue] (compiled, without stubs)

from localist.corpus.formats.formulas import FORMULA, formula_text
from localist.corpus.formats.heading_words import LONGEST_HEADING

WITH_TEXT = ("document", "footnotes", "endnotes")
# Removed with their content: deletions and the origins of moved text, comments, pictures, ruby annotations.
GONE = (
    *("del", "moveFrom", "commentReference", "commentRangeStart", "commentRangeEnd", "drawing", "pict", "rt"),
    *("rPrChange", "pPrChange", "fldData"),
)
# The elements in which mammoth reads text; others are unwrapped, and their text stays.
READ_BY_MAMMOTH = {
    *("document", "body", "footnotes", "footnote", "endnotes", "endnote", "p", "r", "t", "tbl", "tr", "tc"),
    *("hyperlink", "ins", "moveTo", "smartTag", "sdt", "sdtContent", "customXml"),
}
# Replaced, since mammoth ignores the former or reads them as unusual characters.
SIGNS = {"cr": "br", "ptab": "tab"}
# Identifier, followed by the level, of the styles that docx.py maps to headings.
HEADING_STYLE = "HeadingOfLevel"
LEVELS = 6
# Font size in half points where none is specified.
USUAL_SIZE = 24
ENDS_TEXT = re.compile(r"[.,;:!?…]\W*\Z")


class WordStyles:
    """Looks up, by style identifier, whether a style hides its text, and its heading level."""

    def __init__(self, content: bytes | None = None) -> None:
        self._styles: dict[str, etree._Element] = {}
        if content is not None:
            root = _parsed(content)
            self._styles = {_value(one, "styleId"): one for one in root if _name(one) == "style"}

    def hides(self, style: str) -> bool:
        return any(_is_hidden(_child(one, "rPr")) for one in self._chain(style))

    def level(self, style: str) -> int:
        """1 for the highest headings; 0 for text."""
        for one in self._chain(style):
            level = _value(_child(_child(one, "pPr"), "outlineLvl"))
            if level.isdigit():
                return int(level) + 1 if int(level) < LEVELS else 0
        return 0

    def _chain(self, style: str) -> Iterator[etree._Element]:
        """A style, and those that it is based on."""
        seen = set()
        while style in self._styles and style not in seen:
            seen.add(style)
            yield self._styles[style]
            style = _value(_child(self._styles[style], "basedOn"))


def prepared(content: bytes, styles: WordStyles) -> tuple[bytes, Counter[str]]:
    """A document part prepared for mammoth, and the counts of external content that it refers to. Parts other than body
    and notes are unchanged."""
    root = _parsed(content)
    if _name(root) not in WITH_TEXT:
        return content, Counter()
    missing = Counter(_name(one) for one in root.iter() if _name(one) in ("altChunk", "subDoc"))
    _keep_one_alternative(root)
    _remove_hidden(root, styles)
    _lift_text_boxes(root)
    _replace_formulas(root)
    for one in list(root.iter()):
        if _name(one) in GONE and _name(one.getparent()) not in ("rPr", "trPr"):  # there, a property that mammoth reads
            _remove(one)
    for one in list(root.iter()):
        if _name(one) in SIGNS:
            one.tag = etree.QName(etree.QName(one).namespace, SIGNS[_name(one)])
    for link in root.iter("{*}hyperlink"):
        for name in [key for key in link.attrib if key.endswith("}id")]:  # mammoth fails on a dangling one
            del link.attrib[name]
    _unwrap(root)
    _join_drop_capitals(root)
    _name_headings(root, styles)
    return etree.tostring(root), missing


def _parsed(content: bytes) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False)
    return etree.fromstring(content, parser)


def _keep_one_alternative(root: etree._Element) -> None:
    """Keep, of alternative contents, the first if it has text, else the fallback for older readers."""
    for one in list(root.iter("{*}AlternateContent")):
        forms = [form for form in one if _name(form) in ("Choice", "Fallback")]
        kept = next((form for form in forms if _first(form, "txbxContent") is not None), forms[-1] if forms else None)
        for form in forms:
            if form is not kept:
                one.remove(form)


def _remove_hidden(root: etree._Element, styles: WordStyles) -> None:
    for one in list(root.iter("{*}r", "{*}tc", "{*}sdt")):
        if _name(one) == "tc" and _child(_child(one, "tcPr"), "cellDel") is not None:
            _remove(one)
        elif _name(one) == "sdt" and _child(_child(one, "sdtPr"), "showingPlcHdr") is not None:
            _remove(one)  # "Click here to enter text"
        elif _name(one) == "r" and _is_hidden_run(one, styles):
            _remove(one)


def _is_hidden_run(run: etree._Element, styles: WordStyles) -> bool:
    properties = _child(run, "rPr")
    if _child(properties, "vanish") is not None:
        return _is_hidden(properties)
    paragraph = next(run.iterancestors("{*}p"), None)
    return styles.hides(_value(_child(properties, "rStyle"))) or styles.hides(_style(paragraph))


def _lift_text_boxes(root: etree._Element) -> None:
    """Move the paragraphs of each text box after the paragraph that contains it."""
    last: dict[etree._Element, etree._Element] = {}
    for box in list(root.iter("{*}txbxContent")):
        holders = list(box.iterancestors("{*}p"))
        if holders:
            for block in list(box):
                last.get(holders[-1], holders[-1]).addnext(block)
                last[holders[-1]] = block


def _replace_formulas(root: etree._Element) -> None:
    for formula in list(root.iter("{*}oMath")):
        formula.getparent().replace(formula, _run_of(formula_text(formula), root))
    for one in list(root.iter("{*}object")):
        embedded = _first(one, "OLEObject")
        if embedded is not None and embedded.get("ProgID", "").startswith("Equation"):
            one.getparent().replace(one, _run_of(FORMULA, root)[0])
        else:
            _remove(one)


def _run_of(text: str, root: etree._Element) -> etree._Element:
    run = etree.Element(_word(root, "r"))
    etree.SubElement(run, _word(root, "t")).text = text
    return run


def _unwrap(root: etree._Element) -> None:
    for one in list(root.iter("{*}t", "{*}p", "{*}tbl")):
        for above in list(one.iterancestors()):
            if _name(above) not in READ_BY_MAMMOTH and above is not root:
                for child in list(above):
                    above.addprevious(child)
                above.getparent().remove(above)


def _join_drop_capitals(root: etree._Element) -> None:
    for paragraph in list(root.iter("{*}p")):
        frame = _child(_child(paragraph, "pPr"), "framePr")
        following = paragraph.getnext()
        if _value(frame, "dropCap") in ("drop", "margin") and _name(following) == "p":
            runs = [one for one in paragraph if _name(one) != "pPr"]
            place = 1 if _child(following, "pPr") is not None else 0
            following[place:place] = runs
            _remove(paragraph)


def _name_headings(root: etree._Element, styles: WordStyles) -> None:
    """Apply a heading style to paragraphs whose own style has a heading level, and to manually formatted headings:
    short, bold and larger than the text."""
    paragraphs = list(root.iter("{*}p"))
    sizes = Counter()
    for paragraph in paragraphs:
        for size, text in _sized(paragraph):
            sizes[size] += len(text)
    usual = next((size for size, _ in sizes.most_common(1)), 0) or USUAL_SIZE
    by_hand = {one: size for one in paragraphs if (size := _size_by_hand(one, usual))}
    levels = {size: level for level, size in enumerate(sorted(set(by_hand.values()), reverse=True)[:LEVELS], start=1)}
    for paragraph in paragraphs:
        level = levels.get(by_hand[paragraph], LEVELS) if paragraph in by_hand else styles.level(_style(paragraph))
        if level:
            _set_style(paragraph, f"{HEADING_STYLE}{level}", root)


def _size_by_hand(paragraph: etree._Element, usual: int) -> int:
    """The font size if this is a manually formatted heading; else 0."""
    in_table = next(paragraph.iterancestors("{*}tc"), None) is not None
    if in_table or _style(paragraph) not in ("", "Normal") or _child(_child(paragraph, "pPr"), "numPr") is not None:
        return 0
    runs = [run for run in paragraph.iter("{*}r") if _text(run).strip()]
    text = "".join(map(_text, runs)).strip()
    if not 0 < len(text) <= LONGEST_HEADING or ENDS_TEXT.search(text) or not any(map(str.isalpha, text)):
        return 0
    smallest = min(_size(run) for run in runs)
    bold = all(_is_on(_child(_child(run, "rPr"), "b")) for run in runs)
    return smallest if bold and smallest > usual else 0


def _sized(paragraph: etree._Element) -> Iterable[tuple[int, str]]:
    return ((_size(run), _text(run)) for run in paragraph.iter("{*}r"))


def _size(run: etree._Element) -> int:
    said = _value(_child(_child(run, "rPr"), "sz"))
    return int(said) if said.isdigit() else 0


def _set_style(paragraph: etree._Element, style: str, root: etree._Element) -> None:
    properties = _child(paragraph, "pPr")
    if properties is None:
        properties = etree.Element(_word(root, "pPr"))
        paragraph.insert(0, properties)
    for old in (one for one in list(properties) if _name(one) == "pStyle"):
        properties.remove(old)
    etree.SubElement(properties, _word(root, "pStyle"), {_word(root, "val"): style})


def _style(paragraph: etree._Element | None) -> str:
    return _value(_child(_child(paragraph, "pPr"), "pStyle"))


def _text(run: etree._Element) -> str:
    return "".join(one.text or "" for one in run.iter("{*}t"))


def _is_hidden(properties: etree._Element | None) -> bool:
    return _is_on(_child(properties, "vanish"))


def _is_on(switch: etree._Element | None) -> bool:
    return switch is not None and _value(switch) not in ("0", "false", "off", "none")


def _name(element: etree._Element | None) -> str:
    return etree.QName(element).localname if element is not None and isinstance(element.tag, str) else ""


def _word(root: etree._Element, name: str) -> str:
    """A WordprocessingML name in the namespace (transitional or strict) of this document."""
    return f"{{{etree.QName(root).namespace}}}{name}"


def _child(element: etree._Element | None, name: str) -> etree._Element | None:
    return next((one for one in element if _name(one) == name), None) if element is not None else None


def _first(element: etree._Element, name: str) -> etree._Element | None:
    return next(element.iter(f"{{*}}{name}"), None)


def _value(element: etree._Element | None, attribute: str = "val") -> str:
    if element is None:
        return ""
    attributes: Mapping[str, str] = element.attrib
    return next((value for key, value in attributes.items() if key.rpartition("}")[2] == attribute), "")


def _remove(element: etree._Element) -> None:
    parent = element.getparent()
    if parent is not None:
        parent.remove(element)
