"""Menus, notes and other parts around a page's text, and text with misleading names."""

import pytest

from localist.corpus.formats.book import CONTENTS, HEADING, INDEX, NAVIGATION, NOTE, PROSE, REFERENCES
from localist.corpus.formats.markup import paragraphs, parse_html

ONE = "The mill stood at the bend of the river, and its wheel had not turned since the great frost of the year before."
TWO = "Two brothers had bought it for the price of its timber, and they meant to take it down before the rains began."


def found(body, whole=True):
    root = parse_html(f"<html><body>{body}</body></html>", "page.html")
    return [(one.kind, one.text) for one in paragraphs(root, whole=whole)]


@pytest.mark.parametrize(
    "name", ["index", "toc", "search", "menu", "sidebar", "related", "banner", "cookie-page", "hidden", "references"]
)
@pytest.mark.parametrize("attribute", ["class", "id"])
def test_the_name_of_the_main_container_is_ignored(attribute, name):
    """Catches whole books removed because their container is named index, menu or hidden."""
    assert found(f"<div {attribute}='{name}'><p>{ONE}</p><p>{TWO}</p></div>") == [(PROSE, ONE), (PROSE, TWO)]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("<div class='toc'><p>x</p></div>", CONTENTS),
        ("<div class='index'><p>x</p></div>", INDEX),
        ("<div class='references'><p>x</p></div>", REFERENCES),
        ("<div class='footnotes'><p>x</p></div>", NOTE),
        ("<ul class='docnav'><li>x</li></ul>", NAVIGATION),
        ("<div id='top-nav'>x</div>", NAVIGATION),
        ("<div class='share'>x</div>", NAVIGATION),
        ("<div class='cookie-consent'>x</div>", NAVIGATION),
        ("<div id='comments'>x</div>", NAVIGATION),
        ("<p aria-hidden='true'>x</p>", NAVIGATION),
        ("<p class='sr-only'>x</p>", NAVIGATION),
        ("<div class='naval'>x</div>", PROSE),
        ("<form>x</form>", NAVIGATION),
        ("<article><footer>x</footer></article>", NAVIGATION),
        ("<blockquote><footer>x</footer></blockquote>", PROSE),
        ("<ul><li><a href='a'>x</a></li></ul>", NAVIGATION),
        ("<ul><li>x</li></ul>", PROSE),
        ("<div id='ftn1'><p>x</p></div>", NOTE),
        ("<div id='sdendnote12'><p>x</p></div>", NOTE),
        ("<div id='ftn'><p>x</p></div>", PROSE),
        ("<div><span><time>x</time></span></div>", NAVIGATION),
    ],
)
def test_markup_determines_the_kind_of_a_small_part(body, kind):
    """Catches menus, banners, lists and notes read as prose although their names identify them."""
    assert found(f"<p>{ONE}</p>{body}<p>{TWO}</p>")[1] == (kind, "x")


def test_a_chapter_file_of_notes_is_recognised():
    """Catches a chapter file of notes read as prose because it contains nothing else."""
    assert found(f"<div class='endnotes'><p>{ONE}</p></div>", whole=False) == [(NOTE, ONE)]


@pytest.mark.parametrize("main", ["main", "article", "div role='main'", "div id='content'"])
def test_content_outside_the_main_part_is_navigation(main):
    """Catches menus, most-read lists and footers of saved pages read as part of the article."""
    tag = main.split()[0]
    body = f"<div>Daily News</div><{main}><h1>One</h1><p>{ONE}</p></{tag}><div><h2>Most read</h2>Ten mills</div>"
    assert found(body) == [
        (NAVIGATION, "Daily News"),
        (HEADING, "One"),
        (PROSE, ONE),
        (NAVIGATION, "Most read"),
        (NAVIGATION, "Ten mills"),
    ]


def test_a_main_part_with_prose_outside_it_is_ignored():
    """Catches chapters removed because only one of them is marked as the main part."""
    assert [kind for kind, _ in found(f"<main><p>{ONE}</p></main><p>{TWO}</p>")] == [PROSE, PROSE]


def test_paragraphs_of_links_alone_are_contents():
    """Catches an unnamed list of chapters read as prose, and headings that link back to it read as contents."""
    links = "".join(f"<p><a href='#c{number}'>Chapter {number}</a></p>" for number in range(4))
    body = f"{links}<h2><a href='#toc'>Chapter 0</a></h2><p>{ONE}</p><p><a href='#c1'>Chapter 1</a></p>"
    assert [kind for kind, _ in found(body)] == [*[CONTENTS] * 4, HEADING, PROSE, PROSE]


@pytest.mark.parametrize(
    "links", [["Next"], ["« Previous", "Next »"], ["Back to top"], ["Skip to main content"], ["Prev", "Up", "Home"]]
)
def test_page_navigation_links_are_not_text(links):
    """Catches the links between the pages of an HTML book read as prose."""
    ways = " | ".join(f"<a href='x'>{link}</a>" for link in links)
    assert [kind for kind, _ in found(f"<p>{ONE}</p><p>{ways}</p>")] == [PROSE, NAVIGATION]


def test_other_links_are_text():
    """Catches sentences removed because a word of them, or all of them, is a link."""
    body = "<p>Turn to the <a href='x'>next</a> page.</p><p><a href='x'>The mill</a></p>"
    assert [kind for kind, _ in found(body)] == [PROSE, PROSE]
