"""Names of a study's numbers as LaTeX macros."""

import re

_DIGITS = ("Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")


def macro_name(key: str) -> str:
    """`quintic_target08 ratio` → `QuinticTargetZeroEightRatio`: names of LaTeX's macros are of letters alone."""
    spelled = re.sub(r"\d", lambda digit: f" {_DIGITS[int(digit.group())]} ", key)
    return "".join(word[0].upper() + word[1:] for word in re.findall(r"[A-Za-z]+", spelled))
