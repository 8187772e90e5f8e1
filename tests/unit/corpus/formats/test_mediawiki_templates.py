"""Templates that produce words."""

import pytest

from localist.corpus.formats.mediawiki import article_paragraphs, parsed_article
from localist.corpus.formats.mediawiki_templates import unknown_in_sentences


def lines(source):
    return [one.text for one in article_paragraphs(parsed_article(source))]


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{{convert|12|m|ft}}", "12 metres"),
        ("{{Convert|1300|mi|km|abbr=on}}", "1,300 miles"),
        ("{{convert|2|to|5.5|km}}", "2 to 5.5 kilometres"),
        ("{{cvt|1|ft|m}}", "1 foot"),
        ("{{convert|16|ft|m|adj=on}}", "16-foot"),
        ("{{convert|3|zorkmid}}", "3 zorkmid"),
        ("{{lang|fr|le vieux}}", "le vieux"),
        ("{{lang|fr|{{nowrap|le ''vieux''}}}}", "le vieux"),
        ("{{lang-de|die [[Mühle|alte Mühle]]}}", "die alte Mühle"),
        ("{{enS|the mill}}", "the mill"),
        ("{{transl|grc|ALA|logos}}", "logos"),
        ("{{nowrap|A. Writer}}", "A. Writer"),
        ("{{Nihongo|mill|水車|suisha}}", "mill"),
        ("{{date|1911-10-03}}", "1911-10-03"),
        ("{{start date|1911|10|3}}", "3 October 1911"),
        ("{{As of|2009|5}}", "As of May 2009"),
        ("{{as of|2014|lc=y}}", "as of 2014"),
        ("{{circa|1900}}", "c. 1900"),
        ("{{frac|3|4}}", "3/4"),
        ("{{frac|2|3|4}}", "2 3/4"),
        ("a{{ndash}}b{{spaced ndash}}c", "a–b – c"),
        ("{{USS|Enterprise|CV-6}}", "USS Enterprise"),
        ("{{ill|de|Mühle}}", "Mühle"),
        ("{{ill|Mühle|de}}", "Mühle"),
        ("{{color|red|red}}", "red"),
        ("{{formatnum:1234}}", "1234"),
        ("{{uc:abc}}", "ABC"),
        ("<math>x^2 +\ny</math>", "x^2 + y"),
        ("<math>{\\alpha}</math>", "\\alpha"),
        ("<math></math>", "[formula]"),
    ],
)
def test_a_sentence_keeps_the_words_of_its_templates(template, words):
    """Catches measurements, foreign words, dates or formulas missing from sentences."""
    assert lines(f"It is {template} here.") == [f"It is {words} here."]


@pytest.mark.parametrize(
    "template",
    ["{{citation needed|date=May}}", "{{Infobox mill|name=x}}", "{{sfn|Smith|1990}}", "{{main|Mills}}", "{{lang}}"],
)
def test_other_templates_produce_no_words(template):
    """Catches editorial notes, infoboxes and references in the text."""
    assert lines(f"It is{template} here.") == ["It is here."]


@pytest.mark.parametrize("template", ["{{quote|One.}}", "{{Blockquote|text=One.|sign=Smith}}", "{{cquote|One.|Smith}}"])
def test_a_quotation_is_a_paragraph(template):
    """Catches quotations that are lost or joined to the preceding sentence."""
    assert lines(f"He said:{template}It was so.") == ["He said:", "One.", "It was so."]


def test_a_displayed_formula_is_not_prose():
    """Catches displayed formulas read as sentences."""
    assert lines("Thus\n:<math>x = 1</math>.\nholds.") == ["Thus", "holds."]


def test_unknown_templates_inside_sentences_are_reported():
    """Catches unknown templates dropped silently, and notes, infoboxes or known templates reported as unknown."""
    source = (
        "{{Infobox|a=b}}\nIce is {{frozen|water}} that floats,{{citation needed}} as {{nowrap|all ice}} does at "
        "{{railgauge|met}}.<ref>In {{cite book|t}} it is said.</ref> It is {{odd\n|name}} too.\n{{Navbox}}\n"
    )
    assert list(unknown_in_sentences(parsed_article(source).nodes)) == ["{{frozen|water}}", "{{odd\n|name}}"]
