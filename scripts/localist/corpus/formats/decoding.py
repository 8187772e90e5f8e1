"""Decodes bytes of unknown encoding."""

import codecs
import re

import chardet

from localist.plumbing.errors import UserError

BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
DECLARED = re.compile(rb"""(?:<\?xml[^>]*\bencoding|<meta[^>]*\bcharset)\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)
# A file whose line ends were converted twice has CR CR LF.
LINE_END = re.compile(r"\r\r?\n|\r")
LONGEST_LINE = 10_000_000
FEWEST_NULS = 5
MULTIBYTE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
HIGH_BYTE = re.compile(rb"[\x80-\xff]")
# Pages that declare one of these are decoded with its Windows superset (WHATWG Encoding Standard).
WINDOWS_SUPERSETS = {"iso-8859-1": "cp1252", "latin-1": "cp1252", "latin1": "cp1252", "us-ascii": "cp1252"}


def decode(content: bytes, name: str, encoding: str | None = None, *, markup: bool = False) -> tuple[str, str]:
    """The text of `content` and the encoding that it was decoded with; line ends become `\\n`.

    Tried in this order: `encoding` (corpus.encoding), a byte order mark, UTF-8, the declaration at the beginning of
    `markup`, and detection. Raises UserError, naming the file as `name`, if none fits or encodings are mixed, and for
    NUL bytes and lines over LONGEST_LINE bytes, which do not occur in text.
    """
    found = encoding or _marked(content) or unmarked_utf16(content)
    if not found:
        _refuse_what_is_no_text(content, name)
        found = "utf-8" if _is_utf8(content) else (markup and _declared(content)) or _detected(content, name)
    try:
        text = content.decode(found)
    except (UnicodeError, LookupError) as error:
        reason = "is not known" if isinstance(error, LookupError) else f"does not fit ({error})"
        raise UserError(
            f"{name}: the encoding {found} {reason}. Set corpus.encoding, or convert it with iconv."
        ) from error
    return LINE_END.sub("\n", text.removeprefix("\ufeff")), found


def _refuse_what_is_no_text(content: bytes, name: str) -> None:
    nul = content.find(b"\0")
    if nul >= 0:
        raise UserError(
            f"{name}: has a NUL byte in line {_line_of(content, nul)} (byte {nul}), so it is binary, or UTF-16 without "
            "a byte order mark. Save it as UTF-8 text, or set corpus.encoding."
        )
    if len(content) > LONGEST_LINE:
        longest, line = max((len(part), number) for number, part in enumerate(content.splitlines(), start=1))
        if longest > LONGEST_LINE:
            raise UserError(
                f"{name}: line {line} has {longest:,} bytes; the limit is {LONGEST_LINE:,}. Break it into paragraphs."
            )


def _marked(content: bytes) -> str | None:
    return next((name for mark, name in BYTE_ORDER_MARKS if content.startswith(mark)), None)


def unmarked_utf16(content: bytes) -> str | None:
    """The codec of UTF-16 without a byte order mark, recognised by NUL bytes (of spaces and line ends) at only even or
    only odd positions; None for other content."""
    start = content[:10_000]
    even, odd = start[::2].count(0), start[1::2].count(0)
    if max(even, odd) < max(FEWEST_NULS, len(start) / 100) or min(even, odd) > max(even, odd) / 50:
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def _declared(content: bytes) -> str | None:
    match = DECLARED.search(content, 0, 4000)
    if not match:
        return None
    name = match[1].decode("ascii", "replace").lower()
    try:
        codecs.lookup(name)
        content.decode(WINDOWS_SUPERSETS.get(name, name))
    except (LookupError, UnicodeError):
        return None
    return WINDOWS_SUPERSETS.get(name, name)


def _is_utf8(content: bytes) -> bool:
    # Text in ISO 2022 is all ASCII, with escape characters.
    return b"\x1b" not in content and _first_that_is_no_utf8(content) is None


def _first_that_is_no_utf8(content: bytes) -> int | None:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start
    return None


def _line_of(content: bytes, place: int) -> int:
    return content.count(b"\n", 0, place) + 1


def _detected(content: bytes, name: str) -> str:
    without = MULTIBYTE.sub(b"", content)
    valid, invalid = len(MULTIBYTE.findall(content)), len(HIGH_BYTE.findall(without))
    wrong = _first_that_is_no_utf8(content)
    # In a legacy encoding, two adjacent letters rarely look like UTF-8 by chance.
    if valid > invalid and wrong is not None:
        raise UserError(
            f"{name}: mixes encodings: most of it is UTF-8, but line {_line_of(content, wrong)} (byte {wrong}) is not. "
            "Convert that part (for example with iconv), or set corpus.encoding to read the file in one encoding."
        )
    found = chardet.detect(content)["encoding"]
    if found is None:
        raise UserError(
            f"{name}: is not text in any known encoding (first byte that is not UTF-8 in line "
            f"{_line_of(content, wrong or 0)}). Set corpus.encoding, or save it as UTF-8."
        )
    return found.lower()
