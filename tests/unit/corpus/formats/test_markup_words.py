"""Formulas, hidden text, page numbers and pictures in HTML pages."""

import pytest

from localist.corpus.formats.markup import paragraphs, parse_html

MATH = "<math><semantics><mi>x</mi><annotation encoding='application/x-tex'>x_</annotation></semantics></math>"


def texts(body):
    return [one.text for one in paragraphs(parse_html(f"<html><body>{body}</body></html>", "page.html"))]


FORMULAS = {
    "MathML": MATH,
    "KaTeX": f"<span class='katex'><span class='katex-mathml'>{MATH}</span>"
    "<span class='katex-html' aria-hidden='true'><span>x</span></span></span>",
    "KaTeX, drawn alone": "<span class='katex'><span class='katex-html' aria-hidden='true'>x</span></span>",
    "MathJax 2": f"<span class='MathJax_Preview'>x</span><span class='MathJax'><nobr>x</nobr>"
    f"<span class='MJX_Assistive_MathML'>{MATH}</span></span><script type='math/tex'>x</script>",
    "MathJax 2, drawn": "<span class='MathJax_SVG'><svg></svg></span><script type='math/tex'>x</script>",
    "MathJax 2, not drawn": "<script type='math/tex'>x</script>",
    "MathJax 3": f"<mjx-container class='MathJax'><mjx-math aria-hidden='true'></mjx-math>{MATH}</mjx-container>",
    "Wikipedia": f"<span class='mwe-math-element'><span style='display: none'>{MATH}</span>"
    "<img class='mwe-math-fallback-image-inline' aria-hidden='true' alt='x'></span>",
    "a picture": "<img class='tex' alt='x' src='x.png'>",
}


@pytest.mark.parametrize("formula", FORMULAS.values(), ids=list(FORMULAS))
def test_a_formula_is_read_once(formula):
    """Catches formulas that are lost or read twice."""
    assert texts(f"<p>Thus, {formula}.</p>") == ["Thus, x."]


@pytest.mark.parametrize(
    "formula", ["<mjx-container><svg></svg></mjx-container>", "<img class='math'>", "<math></math>"]
)
def test_a_formula_without_text_leaves_a_placeholder(formula):
    """Catches a gap in the sentence where a formula has no text."""
    assert texts(f"<p>Thus, {formula}.</p>") == ["Thus, [formula]."]


@pytest.mark.parametrize(
    "hidden",
    [
        "<del>SECRET</del>",
        "<dialog>SECRET</dialog>",
        "<span hidden>SECRET</span>",
        "<span style='display:none'>SECRET</span>",
        "<span style='mso-hide:all'>SECRET</span>",
        "<span class='sr-only'>SECRET</span>",
        "<span class='visually-hidden'>SECRET</span>",
        "<span aria-hidden='true'>SECRET</span>",
        "<span class='mw-editsection'>[<a href='x'>edit</a>]</span>",
        "<sup><a href='#cmnt1' id='cmnt_ref1'>[a]</a></sup>",
        "<div><p><a href='#cmnt_ref1' id='cmnt1'>[a]</a> SECRET</p></div>",
        "<span class=MsoCommentReference><a class=msocomanchor href='#_msocom_1'>[A1]</a></span>",
        "<div style='mso-element:comment-list'><p>SECRET</p></div>",
        "<span class='comment-start'>SECRET</span>",
        "<!-- SECRET -->",
    ],
)
def test_hidden_content_is_not_read(hidden):
    """Catches comments, deletions and screen-reader labels in the text."""
    assert texts(f"<p>Seen{hidden}.</p>")[0] + "".join(texts(f"<p>Seen{hidden}.</p>")[1:]) == "Seen."


def test_text_repeated_for_screen_readers_is_read_once():
    """Catches a word lost or duplicated because its drop cap requires a separate screen-reader version."""
    pair = "<span class='sr-only'>The</span><span aria-hidden='true'><b>T</b>he</span>"
    assert texts(f"<p>{pair} mill.</p>") == ["The mill."]


@pytest.mark.parametrize("tag", ["st1:place", "o:p", "nobr", "rb", "my-term", "unheard"])
def test_unknown_elements_are_inline(tag):
    """Catches sentences split at legacy, custom or unknown elements."""
    assert texts(f"<p>The <{tag}>mill</{tag}> near Old<{tag}></{tag}>bridge.</p>") == ["The mill near Oldbridge."]


@pytest.mark.parametrize("mark", ["<span class='pagenum'>[12]</span>", "<a class='pagebreak' title='12'></a>"])
def test_page_numbers_of_the_print_edition_are_skipped(mark):
    """Catches page numbers inside words."""
    assert texts(f"<p>exam{mark}ined</p>") == ["examined"]


def test_content_marked_as_a_page_break_is_read():
    """Catches chapters removed because their class denotes a page break."""
    body = "<div class='pagebreak'><h2 class='pagebreak'>One</h2><p>Text.</p></div>"
    assert texts(body) == ["One", "Text."]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<p><img alt='T'>he mill</p>", ["The mill"]),
        ("<p><span class='dropcap'><img alt='T'></span>he mill</p>", ["The mill"]),
        ("<p><img alt='A wheel'>The mill</p>", ["The mill"]),
        ("<h2><img alt='Chapter I'></h2>", ["Chapter I"]),
        ("<h2><img alt='Ornament'>Chapter I</h2>", ["Chapter I"]),
    ],
)
def test_alternative_text_of_letters_and_headings_is_read(body, expected):
    """Catches words without their initial letter, and picture descriptions in the text."""
    assert texts(body) == expected
