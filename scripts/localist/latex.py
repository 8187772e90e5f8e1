"""LaTeX from tables: tabulars with booktabs rules, and numbers for the text as macros."""

import re
from collections.abc import Mapping

import pandas as pd

from localist.errors import UserError

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


def latex_table(table: pd.DataFrame, columns: str | None = None) -> str:
    """A tabular with booktabs rules, to be included between a caption's lines; cells are text and escaped.

    columns: LaTeX's column types; the first at the left and the others at the right where not given.
    """
    types = columns or "l" + "r" * (table.shape[1] - 1)
    lines = [" & ".join(latex_text(str(cell)) for cell in row) + r" \\" for row in [table.columns, *table.to_numpy()]]
    body = [rf"\begin{{tabular}}{{{types}}}", r"\toprule", lines[0], r"\midrule", *lines[1:]]
    return "\n".join(["% needs \\usepackage{booktabs}", *body, r"\bottomrule", r"\end{tabular}", ""])


def latex_macros(values: Mapping[str, str]) -> str:
    """One \\newcommand per value, named after its key, which may have any characters.

    Raises UserError where two keys come to the same name: LaTeX's names are of letters alone.
    """
    names: dict[str, str] = {}
    lines = []
    for key, value in values.items():
        name = macro_name(key)
        if name in names:
            raise UserError(f"{key} and {names[name]} come to the same LaTeX name \\{name}: rename one of these arms.")
        names[name] = key
        lines.append(rf"\newcommand{{\{name}}}{{{latex_text(value)}}}")
    return "\n".join([*lines, ""])


def macro_name(key: str) -> str:
    """`quintic_target08 perplexity` → `QuinticTargetZeroEightPerplexity`."""
    spelled = re.sub(r"\d", lambda digit: f" {_DIGITS[int(digit.group())]} ", key)
    return "".join(word[0].upper() + word[1:] for word in re.findall(r"[A-Za-z]+", spelled))
