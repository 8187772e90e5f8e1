"""Fonts for text in any script: installed fonts are used, and characters that none covers are transliterated."""

import logging
import unicodedata
from functools import cache

from matplotlib.figure import Figure
from matplotlib.font_manager import FontEntry, findfont, fontManager, get_font
from matplotlib.text import Text

logger = logging.getLogger(__name__)

FONT = "DejaVu Sans"  # comes with Matplotlib; Latin, Greek, Cyrillic, Hebrew, Arabic and more
REGULAR = ("normal", "regular", 400)
BOXES = "Last Resort"  # a font with a box for every character


def legible(text: str) -> str:
    """`text`, with characters that no installed font covers transliterated to Latin letters."""
    absent = _absent(text) - set().union(*(_characters(entry.fname) for entry in _fonts_for(text)))
    if not absent:
        return text
    from anyascii import anyascii

    shown = "".join(anyascii(one) if one in absent else one for one in text)
    logger.warning("No installed font covers all characters of %r; it is drawn as %r.", text, shown)
    return shown


def use_installed_fonts(figure: Figure) -> None:
    """Set the fonts of every text in a figure, so that characters missing in FONT come from other installed fonts."""
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        others = [entry.name for entry in _fonts_for(text.get_text())]
        if others:
            text.set_fontfamily([FONT, *others])


def columns(text: str) -> int:
    """The width of a text in letters; Chinese, Japanese and Korean characters count as two."""
    return sum(1 + (unicodedata.east_asian_width(one) in "WF") for one in text)


@cache
def _fonts_for(text: str) -> tuple[FontEntry, ...]:
    """The installed fonts that cover the characters missing in FONT: as few as possible, chosen deterministically."""
    absent, chosen = _absent(text), []
    while absent:
        best = max(_regular_fonts(), key=lambda entry: len(absent & _characters(entry.fname)), default=None)
        if best is None or not absent & _characters(best.fname):
            break
        chosen.append(best)
        absent -= _characters(best.fname)
    return tuple(chosen)


def _absent(text: str) -> set[str]:
    """The characters of a text that FONT does not cover, except white space."""
    return set() if text.isascii() else {one for one in text if not one.isspace()} - _characters(findfont(FONT))


@cache
def _regular_fonts() -> list[FontEntry]:
    regular = (entry for entry in fontManager.ttflist if entry.style == "normal" and entry.weight in REGULAR)
    return sorted(
        (entry for entry in regular if not entry.name.startswith(BOXES)), key=lambda entry: (entry.name, entry.fname)
    )


@cache
def _characters(font: str) -> frozenset[str]:
    """The characters covered by a font file; empty if it cannot be read."""
    try:
        return frozenset(map(chr, get_font(font).get_charmap()))
    except (OSError, RuntimeError):
        return frozenset()
