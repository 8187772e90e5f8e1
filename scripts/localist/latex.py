"""LaTeX from tables: tabulars with booktabs rules, and numbers for the text as macros."""

import re
from collections.abc import Iterable, Mapping

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{character: f"\\{character}" for character in "&%$#_{}"},
    "−": "$-$",
    "–": "--",
    "τ": r"$\tau$",
    "α": r"$\alpha$",
    "β": r"$\beta$",
    "λ": r"$\lambda$",
}
_DIGITS = ("Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")


def latex_text(text: str) -> str:
    """Text that LaTeX prints as it stands."""
    return "".join(_SPECIAL.get(character, character) for character in text)


def latex_table(headings: Iterable[str], rows: Iterable[Iterable[str]], types: str) -> str:
    """A tabular with booktabs rules, to be included between a caption's lines; cells are text and escaped.

    types: LaTeX's column types, as `lrr`.
    """
    first, *others = (" & ".join(map(latex_text, row)) + r" \\" for row in [headings, *rows])
    body = [rf"\begin{{tabular}}{{{types}}}", r"\toprule", first, r"\midrule", *others]
    return "\n".join(["% needs \\usepackage{booktabs}", *body, r"\bottomrule", r"\end{tabular}", ""])


def latex_macros(values: Mapping[str, str]) -> str:
    """One \\newcommand per value, named after its key by `macro_name`."""
    lines = [rf"\newcommand{{\{macro_name(key)}}}{{{latex_text(value)}}}" for key, value in values.items()]
    return "\n".join([*lines, ""])


def macro_name(key: str) -> str:
    """`quintic_target08 ratio` → `QuinticTargetZeroEightRatio`: names of LaTeX's macros are of letters alone."""
    spelled = re.sub(r"\d", lambda digit: f" {_DIGITS[int(digit.group())]} ", key)
    return "".join(word[0].upper() + word[1:] for word in re.findall(r"[A-Za-z]+", spelled))
