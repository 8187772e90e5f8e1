"""Formulas as one line of text, built from their structure: MathML (web pages, EPUB) and Office Math (Word)."""

from collections.abc import Callable, Iterable

from lxml import etree  # pyright: ignore[reportAttributeAccessIssue] (compiled, without stubs)

# Placeholder for a formula without known text, so that its sentence stays grammatical.
FORMULA = "[formula]"
# Alternative forms of the same formula, and invisible parts. Office Math calls properties …Pr.
NO_PART = {"annotation", "annotation-xml", "mphantom", "mprescripts", "none"}
SPACED = {"mtext", "t"}
INVISIBLE = dict.fromkeys([0x2061, 0x2062, 0x2063, 0x2064, 0x200B])


def formula_text(element: etree._Element) -> str:
    """A MathML `math` or Office Math `oMath` on one line, as in (a+b)/2; else its alternative text, else FORMULA."""
    return " ".join(_text(element).split()) or " ".join(element.get("alttext", "").split()) or FORMULA


def _text(element: etree._Element) -> str:
    parts = [_text(child) for child in element if _is_part(child)]
    name = etree.QName(element).localname
    if name in FORMS:
        return FORMS[name](parts, element)
    if parts:
        return "".join(parts)
    text = (element.text or "").translate(INVISIBLE)
    return text if name in SPACED else "".join(text.split())


def _is_part(element: etree._Element) -> bool:
    if not isinstance(element.tag, str):
        return False
    name = etree.QName(element).localname
    return name not in NO_PART and not name.endswith("Pr")


def _operand(part: str) -> str:
    return part if len(part) < 2 or part.isalnum() else f"({part})"


def _scripts(*signs: str) -> Callable[[list[str], etree._Element], str]:
    def joined(parts: list[str], _: etree._Element) -> str:
        scripts = zip(signs, parts[1:], strict=False)
        return "".join([*parts[:1], *(sign + _operand(part) for sign, part in scripts if part)])

    return joined


def _root(degree: Iterable[str], inside: Iterable[str]) -> str:
    return f"{''.join(degree)}√{_operand(''.join(inside))}"


def _summed(parts: list[str], element: etree._Element) -> str:
    limits, summed = parts[:2], parts[2:]
    return _scripts("_", "^")([_said(element, "chr", "∫"), *limits], element) + " " + "".join(summed)


def _said(element: etree._Element, name: str, default: str) -> str:
    """The value of a property of an Office Math element."""
    found = element.xpath("*[contains(local-name(), 'Pr')]/*[local-name() = $name]/@*", name=name)
    return found[0] if found else default


# Element (of MathML, then of Office Math) → function that joins its parts.
FORMS: dict[str, Callable[[list[str], etree._Element], str]] = {
    "semantics": lambda parts, _: "".join(parts[:1]),
    "mfrac": lambda parts, _: "/".join(map(_operand, parts)),
    "msup": _scripts("^"),
    "msub": _scripts("_"),
    "msubsup": _scripts("_", "^"),
    "mover": _scripts("^"),
    "munder": lambda parts, one: _scripts("_")(parts, one) + " ",
    "munderover": lambda parts, one: _scripts("_", "^")(parts, one) + " ",
    "msqrt": lambda parts, _: _root("", parts),
    "mroot": lambda parts, _: _root(parts[1:], parts[:1]),
    "mfenced": lambda parts, one: one.get("open", "(") + ", ".join(parts) + one.get("close", ")"),
    "mspace": lambda parts, _: " ",
    "mtr": lambda parts, _: ", ".join(parts),
    "mtable": lambda parts, _: f"[{'; '.join(parts)}]",
    "f": lambda parts, _: "/".join(map(_operand, parts)),
    "sSup": _scripts("^"),
    "sSub": _scripts("_"),
    "sSubSup": _scripts("_", "^"),
    "limLow": _scripts("_"),
    "limUpp": _scripts("^"),
    "rad": lambda parts, _: _root(parts[:-1], parts[-1:]),
    "d": lambda parts, one: _said(one, "begChr", "(") + ", ".join(parts) + _said(one, "endChr", ")"),
    "nary": _summed,
    "func": lambda parts, _: " ".join(parts),
    "mr": lambda parts, _: ", ".join(parts),
    "m": lambda parts, _: f"[{'; '.join(parts)}]",
    "eqArr": lambda parts, _: "; ".join(parts),
}
