"""HTML and XHTML: what becomes a paragraph, a heading, a note or a mark."""

import pytest

from localist.corpus.cleaning import clean
from localist.corpus.formats.book import (
    CONTENTS,
    HEADING,
    INDEX,
    MARK_END,
    MARK_START,
    NAVIGATION,
    NOTE,
    PROSE,
    REFERENCES,
    TABLE,
)
from localist.corpus.formats.markup import html_book, paragraphs, parse_html, parse_xhtml, read_html


def read(body):
    return list(paragraphs(parse_html(f"<html><body>{body}</body></html>", "page.html")))


def found(body):
    return [(one.kind, one.text) for one in read(body)]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<p>One <b>two</b>\n three.</p><p>Four.</p>", ["One two three.", "Four."]),
        ("<div>One<p>two</p>three</div>four", ["One", "two", "three", "four"]),
        ("<p>Roses are red<br>Violets are blue<br/></p>", ["Roses are red", "Violets are blue"]),
        ("<ul><li>one</li><li>two<ul><li>three</li></ul></li></ul>", ["one", "two", "three"]),
        ("<dl><dt>Word</dt><dd>Meaning.</dd></dl>", ["Word", "Meaning."]),
        ("<p>a&nbsp;b &amp; c &#8211; d</p>", ["a b & c – d"]),
        (
            "<p>seen</p><script>x()</script><style>p{}</style><!-- c --><svg><text>s</text></svg>",
            ["seen"],
        ),
        ("<p hidden>no</p><p style='display: none'>no</p><p>yes</p>", ["yes"]),
        ("<p>水車小屋は\n川辺に</p>", ["水車小屋は川辺に"]),
        ("<p>漢<ruby>字<rp>(</rp><rt>じ</rt><rp>)</rp></ruby></p>", ["漢字"]),
        ("<p>One<span epub:type='pagebreak' title='7'>7</span> two<span class='pagenum'>[8]</span>.</p>", ["One two."]),
        ("Text <em>without</em> any block", ["Text without any block"]),
        ("", []),
    ],
)
def test_text_of_blocks_and_inline_elements(body, expected):
    """Catches words joined or split at elements, merged blocks, and code or hidden text read as prose."""
    assert [" ".join(text.split()) for _, text in found(body)] == expected


def test_headings_have_their_levels():
    """Catches headings read as prose, with a wrong level, or with markup left inside."""
    assert [
        (one.text, one.kind, one.level) for one in read("<h1>A <i>b</i></h1><section><h3>C</h3><p>d</p></section>")
    ] == [
        ("A b", HEADING, 1),
        ("C", HEADING, 3),
        ("d", PROSE, 0),
    ]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("<nav><p>x</p></nav>", CONTENTS),
        ("<div id='toc'><h2>x</h2></div>", CONTENTS),
        ("<section epub:type='toc'><ol><li>x</li></ol></section>", CONTENTS),
        ("<section role='doc-index'><p>x</p></section>", INDEX),
        ("<section epub:type='bibliography'><p>x</p></section>", REFERENCES),
        ("<aside epub:type='footnote' id='n1'><p>x</p></aside>", NOTE),
        ("<section class='footnotes'><ol><li>x</li></ol></section>", NOTE),
        ("<div role='navigation'>x</div>", NAVIGATION),
        ("<footer>x</footer>", NAVIGATION),
        ("<table><tr><td>x</td></tr></table>", TABLE),
        ("<section id='references-of-my-life'><p>x</p></section>", PROSE),
        ("<section><footer>x</footer></section>", PROSE),
    ],
)
def test_markup_determines_the_kind_of_a_part(body, kind):
    """Catches contents, notes and navigation read as prose although the markup identifies them, and the reverse."""
    assert found(body) == [(kind, "x")]


def test_a_table_of_text_is_text():
    """Catches the loss of old books whose text is laid out in tables."""
    text = "This cell holds a whole paragraph of the book, as pages from before style sheets do, with many words."
    assert found(f"<table><tr><td>{text}</td></tr></table>") == [(PROSE, text)]


@pytest.mark.parametrize(
    "mark",
    [
        '<a href="#fn1" class="footnote-ref" id="r1" role="doc-noteref"><sup>1</sup></a>',
        '<sup><a href="#footnote-1" id="footnote-ref-1">[1]</a></sup>',
        '<a epub:type="noteref" href="notes.xhtml#n1">1</a>',
        '<sup class="reference"><a href="#cite_note-1">[1]</a></sup>',
        '<a href="#note1">[*]</a>',
    ],
)
def test_note_marks_are_recognised_by_their_link(mark):
    """Catches note numbers left in the middle of sentences."""
    (paragraph,) = read(f"<p>Some word{mark} here.</p>")
    assert paragraph.text.count(MARK_START) == paragraph.text.count(MARK_END) == 1
    assert [one.text for one in clean([paragraph], ["footnote_marks"])[0]] == ["Some word here."]


@pytest.mark.parametrize(
    "inside", ["<sup>2</sup>", '<a href="#chapter2">2</a>', '<a href="other.html">[1]</a>', "<sup>th</sup>"]
)
def test_other_numbers_and_links_are_text(inside):
    """Catches exponents, ordinals and chapter references removed as note marks."""
    assert MARK_START not in read(f"<p>word{inside} here</p>")[0].text


def test_the_backlink_of_a_note_is_removed():
    """Catches a note's link back to the text read as part of the note."""
    assert found('<aside role="doc-footnote"><p>So it is. <a href="#r1" class="footnote-back">↩</a></p></aside>') == [
        (NOTE, "So it is.")
    ]


def test_a_space_inside_a_link_separates_words():
    """Catches words joined because an anchor that contains only a space is removed as a backlink."""
    assert read('<p>one<a id="x"> </a>two</p>')[0].text == "one two"


def test_self_closing_tags_and_named_entities_of_xhtml_are_read():
    """Catches a self-closing title or anchor that swallows the chapter, and unresolved named entities."""
    page = b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title/></head>'
    page += b'<body><a id="x"/><p>\xc3\xa9&nbsp;&eacute;&lt;</p></body></html>'
    assert [one.text for one in paragraphs(parse_xhtml(page, "c.xhtml"))] == ["é é<"]


def test_malformed_xhtml_is_read_as_html():
    """Catches a chapter lost or cut short because of an unclosed element."""
    page = b"<html><body><p>One<br>two <b>three</p><p>four</body></html>"
    assert [one.text for one in paragraphs(parse_xhtml(page, "c.xhtml"))] == ["One", "two three", "four"]


def test_title_and_author_are_read_from_the_page(tmp_path):
    """Catches books titled by their file name although the page has a title."""
    path = tmp_path / "page.html"
    path.write_bytes(
        b"<html><head><title> The\n Sea </title><meta name='Author' content='A. Writer'></head>"
        b"<body>\xe9t\xe9</body></html>"
    )
    (book,) = read_html(path, "latin-1")
    assert (book.title, book.author, book.encoding) == ("The Sea", "A. Writer", "latin-1")
    assert html_book("<p>x</p>", path).title == "page"


WRAPPED = [
    "The mill stood at the bend of the river, and its wheel had",
    "not turned since the great frost of the year before last.",
    "Two brothers had bought it for the price of its timber,",
    "and they meant to take it down before the autumn rains",
    "began.",
]


@pytest.mark.parametrize("end", ["<br>\n", "<br/>", "<br class='calibre2'/>\n  "])
@pytest.mark.parametrize("around", ["<p>{}</p>", "<div>{}<br></div>", "{}", "<b>The mill</b><br>{}"])
def test_wrapped_lines_are_joined(end, around):
    """Catches pages converted from PDF in which every line becomes a paragraph."""
    assert " ".join(WRAPPED) in [text.replace("\n", " ") for _, text in found(around.format(end.join(WRAPPED)))]


@pytest.mark.parametrize(
    "lines",
    [
        ["Slow turns the wheel,", "and slow the water under it,", "but never still."],
        ["A. Writer", "12 Mill Lane", "Oldbridge"],
        [" ".join(WRAPPED), " ".join(WRAPPED[2:])],
    ],
)
def test_deliberate_line_breaks_are_kept(lines):
    """Catches merged lines of verse or addresses, and merged paragraphs."""
    assert [text for _, text in found("<p>" + "<br>\n".join(lines) + "</p>")] == lines


def test_two_line_breaks_end_a_paragraph():
    """Catches old pages, whose paragraphs are separated by line breaks, read as one paragraph."""
    half = "<br>".join(WRAPPED)
    assert len(found(f"<p>{half}<br><br>{half}</p>")) == 2
