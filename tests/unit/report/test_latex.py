"""LaTeX that compiles with any names."""

import re

from localist.report.latex import latex_macros, latex_table, latex_text


def test_special_characters_are_text():
    """Catches a name that LaTeX executes or fails to compile."""
    assert latex_text(r"50 % of a_b & {c} \input{x} $y$ #1 ~^") == (
        r"50 \% of a\_b \& \{c\} \textbackslash{}input\{x\} \$y\$ \#1 \textasciitilde{}\textasciicircum{}"
    )
    assert latex_text("τ = 0.5 – 1, −2") == r"$\tau$ = 0.5 -- 1, $-$2"


def test_a_table_by_hand():
    """Catches a missing rule, row end or column."""
    assert latex_table(["arm", "ratio"], [["a_b", "1.01"]], "lr") == "\n".join(
        [
            r"% needs \usepackage{booktabs}",
            r"\begin{tabular}{lr}",
            r"\toprule",
            r"arm & ratio \\",
            r"\midrule",
            r"a\_b & 1.01 \\",
            r"\bottomrule",
            r"\end{tabular}",
            "",
        ]
    )


def test_macro_names_contain_only_letters():
    """Catches names that LaTeX ends at their first digit or underscore."""
    text = latex_macros({"arm a.1-b ratio": "1.012 (0.990 – 1.030)", "claim x p holm": "5 %"})
    assert text == "\\newcommand{\\ArmAOneBRatio}{1.012 (0.990 -- 1.030)}\n\\newcommand{\\ClaimXPHolm}{5 \\%}\n"
    assert all(re.fullmatch(r"\\newcommand\{\\[A-Za-z]+\}\{.*\}", line) for line in text.splitlines())
