"""LaTeX macro names for a study's numbers."""

import re

_DIGITS = ("Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")


def macro_name(key: str) -> str:
    """`quintic_target08 ratio` → `QuinticTargetZeroEightRatio`: LaTeX macro names may contain only letters."""
    spelled = re.sub(r"\d", lambda digit: f" {_DIGITS[int(digit.group())]} ", key)
    return "".join(word[0].upper() + word[1:] for word in re.findall(r"[A-Za-z]+", spelled))
