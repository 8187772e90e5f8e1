"""The text that wiki templates within sentences expand to; all other templates are not prose."""

import re
from collections.abc import Callable, Iterator, Sequence

from mwparserfromhell.nodes import Node, Template, Text

# A template's unnamed parameters → the text it expands to.
Shown = Callable[[Sequence[str]], str]

SIGNS = {
    **dict.fromkeys(("ndash", "en dash", "–"), "–"),
    **dict.fromkeys(("mdash", "em dash", "mdashb", "—"), "—"),
    **dict.fromkeys(("spaced ndash", "snd", "spnd", "sndash", "spaced en dash"), " – "),
    **dict.fromkeys(("nbsp", "space", "spaces", "thinsp", "hsp", "thin space", "0ws"), " "),
    **{"'": "'", "' \"": "' \"", "'s": "'s", "!": "|", "=": "=", "·": " · ", "dot": " · ", "pi": "π", "euro": "€"},
}
# Templates whose first, second or last parameter is the text.
FIRST = {
    *("nowrap", "nobr", "nobreak", "small", "smaller", "big", "bigger", "larger", "resize", "sc", "smallcaps", "caps"),
    *("abbr", "tooltip", "angbr", "em", "strong", "strongbad", "u", "underline", "mono", "code", "kbd", "var", "mvar"),
    *(
        "vanchor",
        "visible anchor",
        "anchored",
        "linktext",
        "sic",
        "not a typo",
        "typo",
        "proper name",
        "nihongo",
        "flag",
    ),
    *(
        "flagu",
        "flagcountry",
        "polytonic",
        "unicode",
        "iast",
        "hebrew",
        "script",
        "nastaliq",
        "noitalic",
        "nobold",
        "text",
    ),
    *("clarify span", "highlight", "literal translation", "lit", "keypress", "ws", "wikisource-inline", "math"),
    *("sup", "sub", "angle bracket", "num", "nb", "nombre", "bce", "val"),
    *(
        "cita",
        "citation bloc",
        "zitat",
        "quote",
        "blockquote",
        "quotation",
        "cquote",
        "bquote",
        "block quote",
        "rquote",
    ),
    *("poem quote", "poemquote", "quotetext", "w", "musical", "music"),
}
SECOND = {"lang", "langx", "langue", "rtl-lang", "color", "colour", "font color", "hover title", "wikt-lang"}
LAST = {"transl", "transliteration", "translit", "xlit"}
LANGUAGE = re.compile(r"[Ll]ang-[a-z-]+|[a-z]{2,3}S")  # {{lang-de|…}} of English wikis, {{enS|…}} of German ones
BLOCKS = {
    *("quote", "blockquote", "quotation", "cquote", "bquote", "block quote", "rquote", "poem quote", "poemquote"),
    *("cita", "citation bloc", "zitat"),
}
TEXT_NAMES = ("text", "quote", "content", "1", "2", "Text", "texte", "texto")
FUNCTIONS: dict[str, Callable[[str], str]] = {
    "formatnum": str,
    "lc": str.lower,
    "uc": str.upper,
    "lcfirst": lambda text: text[:1].lower() + text[1:],
    "ucfirst": lambda text: text[:1].upper() + text[1:],
}
CONVERSIONS = {"convert", "cvt", "unité", "unit", "unidad"}
SHIPS = {"uss", "hms", "ss", "rms", "sms", "hmas", "hmcs"}
MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November"),
    "December",
)
UNITS = {
    **{"m": "metres", "km": "kilometres", "cm": "centimetres", "mm": "millimetres", "ft": "feet", "in": "inches"},
    **{"mi": "miles", "yd": "yards", "nmi": "nautical miles", "kg": "kilograms", "g": "grams", "lb": "pounds"},
    **{"oz": "ounces", "t": "tonnes", "ha": "hectares", "acre": "acres", "km2": "square kilometres"},
    **{"sqkm": "square kilometres", "sqmi": "square miles", "mi2": "square miles", "m2": "square metres"},
    **{"sqft": "square feet", "km/h": "kilometres per hour", "mph": "miles per hour", "l": "litres", "L": "litres"},
    **{"C": "°C", "F": "°F", "K": "K", "°C": "°C", "°F": "°F", "m3": "cubic metres", "ft3": "cubic feet"},
}
SINGULAR = {"feet": "foot", "inches": "inch", "kilometres per hour": "kilometre-per-hour"}
RANGES = {"to": "to", "and": "and", "or": "or", "by": "by", "x": "by", "-": "–", "–": "–", "to(-)": "to", "+/-": "±"}
# Notes and editorial remarks, which are not part of the sentence.
REMARK = re.compile(
    r"(?:cit|cite|cn|fact|sfnm?p?|r|rp|refn?|efn|when|who|which|what|where|why|how|by whom|clarify|vague|dubious|"
    r"dead link|pov|spoken|harv|better source|original research|weasel|peacock|update|inflation-fn|coord)\b.*|"
    r".* (?:needed|evidence|inline)\b.*|.*-inline",
    re.IGNORECASE,
)
CODE = re.compile(r"[a-z]{2,3}")
NUMBER = re.compile(r"[+−-]?[\d.,/ ]*\d[\d.,/ ]*")


def unknown_in_sentences(nodes: Sequence[Node]) -> Iterator[str]:
    """The templates within sentences whose expansion is unknown."""
    for before, node, after in zip(nodes, nodes[1:], nodes[2:], strict=False):
        if isinstance(node, Template) and shown(node) is None and not REMARK.match(str(node.name).strip()):
            within = not (isinstance(before, Text) and (not before.value or before.value[-1] == "\n"))
            if within and isinstance(after, Text) and after.value.lstrip(" ")[:1].islower():
                yield str(node)


def shown(template: Template) -> str | None:
    """The text that a template adds to a sentence, as wikitext; None if it adds none."""
    written = str(template.name).strip().replace("_", " ")
    name = written.lower()
    function, _, argument = written.partition(":")
    if function.lower() in FUNCTIONS:
        return FUNCTIONS[function.lower()](argument)
    values = [str(one.value).strip() for one in template.params if not one.showkey]
    if name in SIGNS:
        return SIGNS[name]
    if name in BLOCKS:
        return f"\n{_named(template, values)}\n"
    if name == "as of":
        return f"{'as' if template.has('lc') else 'As'} of {_date(values)}" if values else ""
    if name in CONVERSIONS:
        return _converted(values, template.has("adj") and str(template.get("adj").value).strip() == "on")
    if name in RULES:
        return RULES[name](values) if values else ""
    if name in FIRST or LANGUAGE.fullmatch(written):
        return values[0] if values else _named(template, values)
    if name in SECOND:
        return values[1] if len(values) > 1 else ""
    if name in LAST:
        return values[-1] if values else ""
    if name in SHIPS:
        return " ".join([written.upper(), *values[:1]])
    return None


def _named(template: Template, values: Sequence[str]) -> str:
    named = (str(template.get(name).value).strip() for name in TEXT_NAMES if template.has(name))
    return next(named, values[0] if values else "")


def _converted(values: Sequence[str], adjective: bool = False) -> str:
    """A measurement as given, without its conversions."""
    said: list[str] = []
    for value in values:
        if NUMBER.fullmatch(value):
            said.append(f"{int(value):,}" if value.isdecimal() and value.isascii() else value)
        elif value in RANGES:
            said.append(RANGES[value])
        else:
            unit = UNITS.get(value, value)
            one = SINGULAR.get(unit, unit.removesuffix("s") if value in UNITS else unit)
            amount = " ".join(said)
            return f"{amount}-{one}" if adjective else f"{amount} {one if said[-1:] == ['1'] else unit}".strip()
    return " ".join(said)


def _date(values: Sequence[str]) -> str:
    """A date in words if it is given as numbers, year first; else as given."""
    numbers = [int(value) for value in values[:3] if value.isdigit()]
    if len(numbers) == 3 and 1 <= numbers[1] <= 12:
        return f"{numbers[2]} {MONTHS[numbers[1] - 1]} {numbers[0]}"
    if len(numbers) == 2 and 1 <= numbers[1] <= 12:
        return f"{MONTHS[numbers[1] - 1]} {numbers[0]}"
    return values[0]


def _fraction(values: Sequence[str]) -> str:
    whole, *parts = values if len(values) > 2 else ["", *values]
    return f"{whole} {'/'.join(parts)}".strip() if len(parts) > 1 else f"1/{parts[0]}"


def _of_another_wiki(values: Sequence[str]) -> str:
    # Formerly, the language of the other wiki came first.
    return values[1] if len(values) > 1 and CODE.fullmatch(values[0]) else values[0]


RULES: dict[str, Shown] = {
    **dict.fromkeys(("date", "start date", "end date", "birth date", "death date", "dts", "date-"), _date),
    **dict.fromkeys(("birth date and age", "death date and age", "bda", "dda"), _date),
    **dict.fromkeys(("ill", "interlanguage link"), _of_another_wiki),
    **dict.fromkeys(("circa", "c.", "ca."), lambda values: f"c. {'–'.join(values)}"),
    **dict.fromkeys(("frac", "sfrac", "fraction"), _fraction),
    **dict.fromkeys(("gaps", "chem"), "".join),
    "'\"": lambda values: f"'\"{values[0]}",
    '"': lambda values: f"„{values[0]}“",
    **dict.fromkeys(("us$", "usd"), lambda values: f"US${values[0]}"),
    **dict.fromkeys(("gbp", "£"), lambda values: f"£{values[0]}"),
    **dict.fromkeys(("inr", "indian rupee"), lambda values: f"₹{values[0]}"),
}
