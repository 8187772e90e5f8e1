"""Recognises headings of plain text by their words in several languages: parts of a work, then chapters."""

import re

LONGEST_HEADING = 80


def _any_of(patterns: str) -> str:
    return "|".join(patterns.split())


_ROMAN = r"(?=[ivxlcdm])m{0,3}(?:cm|cd|d?c{0,3})(?:xc|xl|l?x{0,3})(?:ix|iv|v?i{0,3})\b"
_CARDINAL = _any_of(r"""
    one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen
    nineteen twenty(?:\W(?:one|two|three|four|five|six|seven|eight|nine))? thirty forty fifty
    eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf deux trois quatre cinq sept huit neuf dix onze douze
    uno dos tres cuatro cinco seis siete ocho nueve diez due tre quattro cinque sei sette otto nove dieci
    um dois três quatro sete oito dez een twee drie zes zeven tien
""")
_ORDINAL = _any_of("""
    first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth last
    (?:ers|zwei|drit|vier|fünf|sechs|sieb(?:en)?|ach|neun|zehn|elf|zwölf|letz)te[rs]?
    premi(?:er|ère) (?:deux|trois|quatr|cinqu|six|sept|huit|neuv|dix)ième seconde? derni(?:er|ère)
    primer[oa]? segund[oa] tercer[oa]? cuart[oa] quint[oa] sext[oa] séptim[oa] octav[oa] noven[oa] décim[oa]
    prim[oa] second[oa] terz[oa] quart[oa] sest[oa] settim[oa] ottav[oa] non[oa] decim[oa]
    primeir[oa] terceir[oa] sétim[oa] oitav[oa] eerste tweede derde vierde vijfde
    (?:перв|втор|четв[её]рт|пят|шест|седьм|восьм|девят|десят)(?:ая|ый|ой|ое) трет(?:ья|ий|ье)
""")
_NUMBER = rf"(?:\d{{1,3}}\b|{_ROMAN}|(?:(?:the|la|le|el)\s+)?(?:{_ORDINAL})\b|(?:{_CARDINAL})\b)"
_PART = _any_of("""
    book part volume act buch teil band akt aufzug livre partie tome acte libro parte acto atto tomo livro volumen
    boek deel книга часть том действие
""")
_CHAPTER = _any_of("""
    chapter letter scene canto section stave kapitel abschnitt auftritt szene brief chapitre lettre scène chant
    cap[ií]tulo carta escena capitolo lettera scena hoofdstuk глава письмо явление
""")
_BARE = _any_of(r"""
    preface foreword introduction prologue epilogue afterword conclusion contents table\sof\scontents index bibliography
    references appendix notes footnotes acknowledge?ments
    vorwort vorrede einleitung nachwort anhang inhalt inhaltsverzeichnis literaturverzeichnis register anmerkungen
    prolog epilog préface avant-propos table\sdes\smatières bibliographie épilogue prólogo epílogo prefacio índice
    prefazione prologo epilogo предисловие послесловие пролог эпилог оглавление содержание примечания
    前言 序 序言 序章 目录 目錄 目次 后记 後記 尾声 楔子 附录 附錄 終章 はじめに おわりに あとがき まえがき
    머리말 서문 차례 후기
""")
_HAN_NUMBER = r"[\d０-９一二三四五六七八九十百千零〇两兩上中下]+"
# After the number: nothing, punctuation and a title, or a title that begins with a capital and is not a sentence.
_TAIL = re.compile(r"\s*[.:)\]]?\s*\Z|\s*[.:—–)\]-]+\s*\S|\s+(?=[^\W\d_])(?P<title>.*)\Z", re.DOTALL)
_NAMED_PART = re.compile(rf"(?:{_PART})\s+{_NUMBER}|(?:{_ORDINAL})\s+(?:{_PART})\b", re.IGNORECASE)
_NAMED_CHAPTER = re.compile(rf"(?:{_CHAPTER})\s+{_NUMBER}|(?:{_ORDINAL})\s+(?:{_CHAPTER})\b", re.IGNORECASE)
_BARE_NAME = re.compile(rf"(?:{_BARE})\W*\Z", re.IGNORECASE)
_HAN_PART = re.compile(rf"第\s*{_HAN_NUMBER}\s*[卷部篇編编幕]|제\s*\d+\s*[부편]")
_HAN_CHAPTER = re.compile(rf"第\s*{_HAN_NUMBER}\s*[章回节節話话集折]|제\s*\d+\s*[장화절]")
_HAN_TAIL = re.compile(r"\s*\Z|[\s:：、.]+[^。！？]{1,40}\Z")
_ENDS_PROSE = (",", ";", '"', "”")
_SENTENCE_MARKS = (".", "!", "?")


def _is_title(tail: str) -> bool:
    match = _TAIL.match(tail)
    title = match and match["title"]
    return match is not None and (not title or not (title[0].islower() or title.endswith(_SENTENCE_MARKS)))


def _is_han_title(tail: str) -> bool:
    return _HAN_TAIL.match(tail) is not None


_PATTERNS = (
    (1, _HAN_PART, _is_han_title),
    (2, _HAN_CHAPTER, _is_han_title),
    (1, _NAMED_PART, _is_title),
    (2, _NAMED_CHAPTER, _is_title),
)


def heading_level(text: str) -> int:
    """1 for a part of a work (Book I), 2 for a chapter or similar, 0 for text that is not a heading."""
    if len(text) > LONGEST_HEADING or text.count("\n") > 1 or text.endswith(_ENDS_PROSE):
        return 0
    first, _, second = text.partition("\n")
    if second[:1].islower():
        return 0
    for level, pattern, is_tail in _PATTERNS:
        match = pattern.match(first)
        if match and is_tail(first[match.end() :]):
            return level
    return 2 if _BARE_NAME.match(first) else 0
