"""Scripts written without spaces between words: Chinese, Japanese, Thai, Lao, Burmese, Khmer, Tibetan."""

import re
from itertools import pairwise

# For character classes. Korean has spaces.
_LETTERS = (
    "\u0e00-\u0eff\u0f40-\u0fff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3041-\u30fa\u30fc-\u312f\u31a0-\u31bf\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)
_MARKS = (
    "\u0f00-\u0f3f\u2e80-\u2fff\u3001-\u3004\u3008-\u3020\u3030-\u303f\u30fb"
    "\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"
)

UNSPACED = re.compile(f"[{_LETTERS}]")
UNSPACED_OR_MARK = re.compile(f"[{_LETTERS}{_MARKS}]")
LINE_END = re.compile(r"(?<=\S)[^\S\n]*\n\s*(?=\S)")
_WORD = re.compile(f"[{_LETTERS}]|[^\\s{_LETTERS}{_MARKS}]+")


def word_count(text: str) -> int:
    """The number of words separated by spaces; in a script without spaces, each letter counts as one."""
    return len(text.split()) if text.isascii() else sum(1 for _ in _WORD.finditer(text))


def is_unspaced(text: str) -> bool:
    """Whether most letters of `text` belong to a script without spaces."""
    if text.isascii():
        return False
    return 2 * len(UNSPACED.findall(text)) > sum(map(str.isalpha, text))


def without_line_ends(text: str) -> str:
    """The text without line ends within scripts written without spaces; other line ends stay."""
    if text.isascii() or "\n" not in text:
        return text
    mostly = is_unspaced(text)
    return LINE_END.sub(lambda end: "" if _is_gapless(text[end.start() - 1], text[end.end()], mostly) else "\n", text)


def join_lines(text: str) -> str:
    """Join the lines of `text` with single spaces, or with none within a script written without spaces."""
    lines = [line for line in (" ".join(part.split()) for part in text.split("\n")) if line]
    if len(lines) < 2 or text.isascii():
        return " ".join(lines)
    mostly = is_unspaced(text)
    gaps = ("" if _is_gapless(above[-1], below[0], mostly) else " " for above, below in pairwise(lines))
    return "".join(piece for pair in zip(lines, [*gaps, ""], strict=True) for piece in pair)


def _is_gapless(above: str, below: str, in_unspaced_text: bool) -> bool:
    sides = [UNSPACED_OR_MARK.match(one) is not None for one in (above, below)]
    return all(sides) or (in_unspaced_text and any(sides))
