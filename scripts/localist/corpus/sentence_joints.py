"""Sentence boundaries that the splitter gets wrong: in direct speech, after list numbers and abbreviations."""

import re
from collections.abc import Iterable, Iterator

from localist.corpus.unspaced import is_unspaced

# Opening mark → its closing marks. Straight quotation marks and guillemets may be either.
CLOSES = {
    "“": "”",
    "„": "“”",
    "«": "»",
    "»": "«",
    "‹": "›",
    "›": "‹",
    "‘": "’",
    "‚": "‘’",
    '"': '"',
    "(": ")",
    "[": "]",
}
CLOSES |= {"「": "」", "『": "』", "（": "）", "【": "】"}
CLOSERS = "".join(dict.fromkeys("".join(CLOSES.values())))
SURE_CLOSERS = ")]」』）】"
BRACKETS = "([（【"
MASK = str.maketrans(dict.fromkeys([*CLOSES, *CLOSERS], " "))
FEWEST_WORDS_IN_BRACKETS = 3
# Quoted speech in Chinese and Japanese is not split up to this many characters.
LONGEST_SPEECH = 200

AFTER_GAP = re.compile(rf"\s*[{re.escape(''.join(CLOSES))}\s]*(\S?)")
NUMBER = re.compile(r"[(\[]?(?:\d{1,3}|[^\W\d_]|[IVXLCDM]{1,7}|[ivxlcdm]{1,7})[.)]")
LETTERED = re.compile(r"\(?[^\W\d_]\)\s")
ROMAN = re.compile(r"[IVXLCDM]+\b")
UNIT = re.compile(r"\d\s?(?:frs?|kg|km|cm|mm|m|g|h|min|lbs?|oz|ft)\.(?=\s+[A-ZÀ-Þ][\w’'])")
# Abbreviations before names or words, and before numbers, that the splitter does not know.
BEFORE_WORDS = {
    "en": "Mr Mrs Ms Dr Prof approx incl misc lit Mme Mgr Messrs Mlle",
    "fr": "M MM Mme Mlle Mgr St Ste env av apr cf éd Dr Pr Bd",
    "de": "hrsg Hrsg geb gest verh",
    "es": "D Dña Sto Sta",
    "it": "S Ss sig Sig Sigg dott Dott on On",
    "pt": "D Exmo Exma Av",
    "nl": "dhr mevr Dhr Mevr",
    "ru": "г гг им ул",
}
BEFORE_NUMBERS = {
    "en": "[Vv]ols? [Cc]hs? [Cc]haps? [Ff]igs? [Ee]qs? [Ss]ecs? [Ss]ects? [Aa]rts? est max min tel",
    "fr": "chap vol art fig p pp t tome n",
    "de": "Bd Bde Kap Abb Tab Art Abs Anm Str",
    "es": "cap vol art fig pág págs t núm",
    "it": "cap vol art fig pag pagg t n",
    "pt": "cap vol art fig pág págs t n",
    "nl": "blz hfst afb nr",
    "ru": "гл т стр рис ст",
}
# A German ordinal ends in a full stop, follows an article, and precedes a capitalised noun.
ORDINAL = re.compile(r"\b(?:d(?:er|ie|as|e[mns])|[ai]m|zu[mr]|vom|beim|[ai]ns|seit|bis|ab)\s\d{1,2}\.\Z", re.IGNORECASE)
# After direct speech: the attribution.
AFTER_DASH = re.compile(r"[–—]\s?([^\W\d_])")
SAID_IN_JAPANESE = re.compile(r"(?:と|って|など)")
SAID_IN_CHINESE = re.compile(
    r"[^。！？“”「」]{0,10}(?<![没不沒])(?:说|說|道|问|問|答|喊|叫|嚷|想)[着著了道]{0,2}[，,：:。！]"
)


def _ends_with(words: dict[str, str]) -> dict[str, re.Pattern[str]]:
    return {language: re.compile(rf"(?<![\w.])(?:{'|'.join(some.split())})\.\Z") for language, some in words.items()}


ENDS_BEFORE_WORDS, ENDS_BEFORE_NUMBERS = _ends_with(BEFORE_WORDS), _ends_with(BEFORE_NUMBERS)
LONGEST_ABBREVIATION = 12
DEEPEST = 5
NEAR = 60


def cuts_within_marks(text: str, cuts: Iterable[int]) -> Iterator[int]:
    """The sentence ends in `cuts` (found in `text` with quotation marks and brackets masked, MASK) that lie within
    quotation marks or brackets."""
    if is_unspaced(text) and len(text) <= LONGEST_SPEECH:
        return
    marks = _open_marks(text)
    last = 0
    for cut in cuts:
        end = cut
        while end < len(text) and len(marks[end + 1]) < len(marks[end]):
            end += 1
        after = AFTER_GAP.match(text, end)
        begins = after[1] if after else ""
        if not marks[end] or not begins or begins.islower() or not (begins.isalnum() or begins in "…¿¡"):
            continue
        if marks[end][-1] in BRACKETS and not (_has_words(text[last:end]) and _has_words(text[end : end + NEAR])):
            continue
        yield end
        last = end


def _has_words(text: str) -> bool:
    return len(text.split()) >= FEWEST_WORDS_IN_BRACKETS


def _open_marks(text: str) -> list[str]:
    """The marks that are open before each character and at the end."""
    found, stack = [""], ""
    for number, character in enumerate(text):
        before, after = text[number - 1 : number], text[number + 1 : number + 2]
        if stack and character in CLOSES[stack[-1]] and not (character == "’" and after.isalpha()):
            stack = stack[:-1]
        elif character in CLOSES and len(stack) < DEEPEST and (not before or not before.isalnum()):
            stack += character
        found.append(stack)
    return found


def runs_on(before: str, after: str, language: str) -> bool:
    """Whether two adjacent pieces of a line, stripped of white space, belong to one sentence."""
    said = AFTER_DASH.match(after)
    if NUMBER.fullmatch(before) or after[0] in SURE_CLOSERS or (said and said[1].islower()):
        return True
    end = before[-LONGEST_ABBREVIATION:]
    if end[-1] == ".":
        first = after.lstrip("".join(CLOSES))[:1]
        if (first.islower() and not LETTERED.match(after)) or after[0] in "-–,;:":
            return True
        if language == "de" and ORDINAL.search(end):
            return True
        words, numbers = ENDS_BEFORE_WORDS.get(language), ENDS_BEFORE_NUMBERS.get(language)
        if words and words.search(end):
            return True
        return bool(numbers and numbers.search(end) and (first.isdigit() or ROMAN.match(after)))
    return end[-1] in CLOSERS and _is_said(before, after)


def _is_said(before: str, after: str) -> bool:
    """Whether, in Chinese or Japanese, `after` attributes the quoted speech before it."""
    if before[0] == "「":
        return SAID_IN_JAPANESE.match(after) is not None
    return before[0] == "“" and SAID_IN_CHINESE.match(after) is not None
