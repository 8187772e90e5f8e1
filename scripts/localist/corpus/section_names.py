"""Headings of non-prose sections, in several languages."""

import re
import unicodedata

from localist.corpus.formats.book import CONTENTS, INDEX, REFERENCES

NAMES = {
    CONTENTS: {
        *("contents", "table of contents", "list of figures", "list of tables", "list of illustrations"),
        *("inhalt", "inhaltsverzeichnis", "table des matières", "sommaire", "índice general", "contenido"),
        *("indice generale", "sommario", "inhoud", "inhoudsopgave", "содержание", "оглавление"),
    },
    INDEX: {
        *("index", "general index", "subject index", "index of names", "sachregister", "personenregister"),
        *("stichwortverzeichnis", "namenregister", "índice analítico", "indice analitico", "zakenregister"),
    },
    REFERENCES: {
        *("references", "bibliography", "works cited", "literature cited", "cited works", "notes and references"),
        *("literaturverzeichnis", "quellenverzeichnis", "références", "bibliographie", "références bibliographiques"),
        *("notes et références", "einzelnachweise", "referências", "przypisy", "примечания"),
        *("referencias", "bibliografía", "bibliografia", "riferimenti bibliografici", "literatuurlijst"),
        "список литературы",
    },
}
# Matches only valid Roman numerals, not words of the same letters (Civil).
ROMAN = r"(?=[ivxlc])c{0,3}(?:xc|xl|l?x{0,3})(?:ix|iv|v?i{0,3})"
HEADING_NUMBER = re.compile(
    rf"^(?:(?:chapter|appendix|section|part|kapitel|anhang)\s+)?(?:(?:\d+|{ROMAN})[.:)]?\s+|[A-Z][.:)]\s+)?",
    re.IGNORECASE,
)


def section_name(heading: str) -> str:
    """A heading without its number, for comparison with other headings."""
    name = HEADING_NUMBER.sub("", " ".join(heading.split()))
    return unicodedata.normalize("NFC", name).strip(" .:").casefold()
