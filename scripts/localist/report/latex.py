"""LaTeX output: tabulars with booktabs rules, and numbers for the text as macros."""

from collections.abc import Iterable, Mapping

from localist.study.names import macro_name

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
    "ρ": r"$\rho$",
}


def latex_text(text: str) -> str:
    """Text with LaTeX's special characters escaped."""
    return "".join(_SPECIAL.get(character, character) for character in text)


def latex_table(headings: Iterable[str], rows: Iterable[Iterable[str]], types: str) -> str:
    """A tabular with booktabs rules, to be included in a table environment; cells are text and escaped.

    types: LaTeX column types, such as `lrr`.
    """
    first, *others = (" & ".join(map(latex_text, row)) + r" \\" for row in [headings, *rows])
    body = [rf"\begin{{tabular}}{{{types}}}", r"\toprule", first, r"\midrule", *others]
    return "\n".join(["% needs \\usepackage{booktabs}", *body, r"\bottomrule", r"\end{tabular}", ""])


def latex_macros(values: Mapping[str, str]) -> str:
    """One \\newcommand per value, named after its key by `macro_name`."""
    lines = [rf"\newcommand{{\{macro_name(key)}}}{{{latex_text(value)}}}" for key, value in values.items()]
    return "\n".join([*lines, ""])
