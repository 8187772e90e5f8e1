"""MediaWiki dumps: what becomes prose, what is left out, and how broken files are refused."""

import bz2
import gzip
import threading
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from localist.corpus.cleaning import clean, without_sections
from localist.corpus.formats.book import Paragraph
from localist.corpus.formats.mediawiki import article_paragraphs, parsed_article, read_mediawiki
from localist.corpus.section_names import section_name
from localist.corpus.sections import sections_of
from localist.plumbing.errors import UserError

SITE = (
    "<siteinfo><sitename>Wiki</sitename><namespaces>"
    '<namespace key="0"/><namespace key="1">Talk</namespace><namespace key="10">Template</namespace>'
    "</namespaces></siteinfo>"
)
COMPRESS = {".xml": bytes, ".gz": gzip.compress, ".bz2": bz2.compress}


def page(title: str, text: str, *, namespace: int = 0, redirect: str = "") -> str:
    target = f'<redirect title="{redirect}"/>' if redirect else ""
    return (
        f"<page><title>{title}</title><ns>{namespace}</ns><id>1</id>{target}<revision><id>1</id>"
        f"<timestamp>2020-01-01T00:00:00Z</timestamp><text>{text}</text></revision></page>"
    )


def dump(*pages: str, before: str = "") -> bytes:
    return f"{before}<mediawiki>{SITE}{''.join(pages)}</mediawiki>".encode()


PAGES = dump(
    page("Alpha", "Alpha is first. Naïve 😀."),
    page("Old alpha", "#REDIRECT [[Alpha]]", redirect="Alpha"),
    page("Talk:Alpha", "I disagree.", namespace=1),
    page("Template:Box", "{{{1}}}", namespace=10),
    page("Beta", escape("Beta<ref>Smith</ref> is second.\n== Life ==\nBorn.\n== References ==\nNot prose.")),
)


def write(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def read(path: Path, titles=()):
    return list(read_mediawiki(path, list(titles)))


def sections(paragraphs: Iterable[Paragraph], drop=()) -> dict[str, str]:
    kept, _ = without_sections(clean(paragraphs, ())[0], {section_name(name) for name in drop})
    return {section.heading: section.text for section in sections_of(kept, None, "en")}


def prose(source: str, drop=()) -> dict[str, str]:
    return sections(article_paragraphs(parsed_article(source)), drop)


@pytest.mark.parametrize("suffix", COMPRESS)
def test_every_kind_of_dump_gives_the_same_articles(tmp_path, suffix):
    """Catches a compression that is not decoded, lost characters, and talk pages or redirects read as text."""
    books = read(write(tmp_path, f"dump{suffix}", COMPRESS[suffix](PAGES)))
    assert [book.title for book in books] == ["Alpha", "Beta"]
    assert sections(books[0].paragraphs) == {"": "Alpha is first. Naïve 😀."}
    assert sections(books[1].paragraphs, drop=["references"]) == {"": "Beta is second.", "Life": "Born."}


def test_articles_are_read_in_the_configured_order(tmp_path):
    """Catches articles in the order of the dump instead of the config."""
    books = read(write(tmp_path, "dump.xml", PAGES), titles=["Beta", "Alpha"])
    assert [book.title for book in books] == ["Beta", "Alpha"]


@pytest.mark.parametrize("title", ["Gamma", "Old alpha", "Talk:Alpha"])
def test_a_missing_article_is_named(tmp_path, title):
    """Catches a missing article, redirect or talk page that is skipped silently or not named in the error."""
    path = write(tmp_path, "dump.xml", PAGES)
    with pytest.raises(UserError) as caught:
        read(path, titles=["Alpha", title])
    assert title in str(caught.value)
    assert "'Alpha'" not in str(caught.value)
    assert "corpus.articles" in str(caught.value)


def test_the_latest_revision_is_read(tmp_path):
    """Catches a dump with history whose first revision is read instead of the last."""
    revision = "<revision><id>{0}</id><timestamp>20{0}-01-01T00:00:00Z</timestamp><text>{1}</text></revision>"
    history = revision.format(10, "Old words.") + revision.format(20, "New words.")
    article = f"<page><title>Alpha</title><ns>0</ns><id>1</id>{history}</page>"
    (book,) = read(write(tmp_path, "dump.xml", dump(article)))
    assert sections(book.paragraphs) == {"": "New words."}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("truncated.bz2", bz2.compress(PAGES)[:-20]),
        ("truncated.gz", gzip.compress(PAGES, mtime=0)[:-20]),
        ("truncated.xml", PAGES[:-40]),
        ("words.xml", b"These are words."),
        ("empty.xml", b""),
        ("nothing.xml", b"<mediawiki></mediawiki>"),
        ("latin.xml", PAGES.replace("ï".encode(), b"\xef")),
    ],
)
def test_an_unreadable_dump_is_refused_by_name(tmp_path, name, content):
    """Catches a broken download that is read in part, or that ends in a traceback."""
    path = write(tmp_path, name, content)
    with pytest.raises(UserError, match=name):
        read(path)


def test_a_missing_dump_is_refused_by_name(tmp_path):
    """Catches a traceback for a missing file."""
    with pytest.raises(UserError, match=r"gone\.xml"):
        read(tmp_path / "gone.xml")


def test_other_xml_is_refused_by_name(tmp_path):
    """Catches a traceback for well-formed XML that is not a dump, such as a saved web page."""
    path = write(tmp_path, "page.xml", b"<html><body>Not found</body></html>")
    with pytest.raises(UserError, match=r"page\.xml"):
        read(path)


def test_damaged_gzip_data_is_refused_by_name(tmp_path):
    """Catches a traceback for damaged compressed bytes, for which zlib has its own exception."""
    content = bytearray(gzip.compress(dump(page("Alpha", " ".join(map(str, range(5000)))))))
    middle = len(content) // 2
    content[middle] ^= 255
    content[middle + 1] ^= 255
    path = write(tmp_path, "damaged.gz", bytes(content))
    with pytest.raises(UserError, match=r"damaged\.gz"):
        read(path)


@pytest.mark.parametrize(("good", "broken"), [("<ns>0<", "<ns>zero<"), ("2020-01-01T00:00:00Z", "yesterday")])
def test_a_malformed_field_is_refused_by_name(tmp_path, good, broken):
    """Catches a traceback for a dump written by another tool, with a field that cannot be parsed."""
    path = write(tmp_path, "fields.xml", dump(page("Alpha", "Words.").replace(good, broken)))
    with pytest.raises(UserError, match=r"fields\.xml"):
        read(path)


def test_an_entity_bomb_is_refused(tmp_path):
    """Catches a hostile dump (entities that expand to gigabytes) that hangs the job or exhausts its memory."""
    names = "abcdefghijk"
    entities = "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in pairwise(names))
    before = f'<!DOCTYPE bomb [<!ENTITY a "ha">{entities}]>'
    path = write(tmp_path, "bomb.xml", dump(page("Alpha", "&k;"), before=before))
    outcome = []

    def attempt():
        try:
            outcome.append(read(path))
        except Exception as error:
            outcome.append(error)

    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(30)
    assert len(outcome) == 1, "still expanding"
    assert isinstance(outcome[0], UserError)
    assert "bomb.xml" in str(outcome[0])


def test_external_entities_are_not_read(tmp_path):
    """Catches a hostile dump that reads other files of the user into the corpus."""
    secret = write(tmp_path, "secret.txt", b"password")
    before = f'<!DOCTYPE x [<!ENTITY a SYSTEM "{secret.as_uri()}">]>'
    path = write(tmp_path, "outside.xml", dump(page("Alpha", "Words &a; here."), before=before))
    try:
        text = str(read(path))
    except UserError as error:
        text = str(error)
    assert "password" not in text


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("A {{cite|title={{lang|fr|b}}}}word.", "A word."),
        ("One<ref>Smith, [[A]], ''B''</ref> two<ref name=x/>.", "One two."),
        ("Before.\n{| class=x\n|-\n| cell || {{t}}\n|}\nAfter.", "Before.\nAfter."),
        ("See [[File:a.jpg|thumb|left|A [[link]] and [[b|c]], {{t}}]] here.", "See here."),
        ("See [[Image:a.jpg|thumb|A [[link]]]] here.", "See here."),
        ("A [[target|shown]] and [[plain]].", "A shown and plain."),
        ("It <!-- hidden == X == --> goes.", "It goes."),
        ("The word ({{IPA|x}}, {{IPA|y}}) is.", "The word is."),
        ("A '''bold''' and ''slanted'' rock 'n' roll.", "A bold and slanted rock 'n' roll."),
        ("[http://a.org Site] &amp; tea &mdash; 5&nbsp;m.", "Site & tea — 5 m."),
        ("* one\n* two", "one\ntwo"),
        ("Text.\n[[Category:Things]]", "Text."),
        ("Energy <math>E=mc^2</math> is.", "Energy E=mc^2 is."),
    ],
)
def test_markup_is_removed_and_prose_is_kept(source, expected):
    """Catches markup left in the training text, and prose removed with the markup."""
    assert prose(source) == {"": expected}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("An ''open [[link|word]] <ref>note</ref>end.\n\nNext '''para.", "An open word end.\nNext para."),
        ("<ref>''note</ref> One ''two [[three]] '''four.", "One two three four."),
        ("{{box|''x}} One ''two [[a|three]].", "One two three."),
        ("[[File:a.jpg|thumb|the ''x [[b|c]]]] One ''two [[three]].", "One two three."),
        ("'''One ''two [[three]]''' <ref>x ''y</ref> four ''five [[six]].", "One two three four five six."),
        ("{|\n|''cell\n|}\nOne [[two]]''.", "One two."),
    ],
)
def test_unbalanced_quotes_do_not_hide_links_and_notes(source, expected):
    """Catches a parser that gives up after an unbalanced quote mark and leaves notes, tables and links in the text."""
    assert prose(source) == {"": expected}


def test_headings_are_joined_from_the_top():
    """Catches a heading path that keeps an old branch, or loses the level above."""
    source = "Lead.\n== A ==\na\n=== B ===\nb\n==== C ====\nc\n=== D ===\nd\n== E ==\ne"
    assert prose(source) == {"": "Lead.", "A": "a", "A / B": "b", "A / B / C": "c", "A / D": "d", "E": "e"}


def test_subsections_of_dropped_sections_are_dropped():
    """Catches references kept because they are below a subheading, and prose after them that is dropped."""
    source = (
        "Lead.\n== Notes ==\nn\n=== More ===\nm\n==== Deep ====\nd\n== After ==\na\n=== notes ===\nn2\n=== Next ===\nx"
    )
    assert prose(source, drop=["NOTES"]) == {"": "Lead.", "After": "a", "After / Next": "x"}


def test_markup_in_headings_is_removed():
    """Catches "''Works''" not matched by drop_sections, and footnote text left in headings."""
    source = "Lead.\n== ''Works'' ==\nlist\n== Life<ref>note</ref> ==\nBorn."
    assert prose(source, drop=["Works"]) == {"": "Lead.", "Life": "Born."}


@pytest.mark.parametrize("line_break", ["<br>", "<br />", "<br/>"])
def test_a_line_break_separates_words(line_break):
    """Catches two words joined because only a <br> separates them."""
    assert prose(f"One{line_break}two.")[""].split() == ["One", "two."]


def test_empty_brackets_do_not_join_lines():
    """Catches two lines joined because the line break before an emptied bracket is removed with it."""
    assert prose("First line.\n({{IPA|x}}) second line.") == {"": "First line.\nsecond line."}


def test_a_section_without_prose_is_left_out():
    """Catches sections that contain only a table, which would be empty units of the splits."""
    assert prose("Lead.\n== Data ==\n{|\n| 1\n|}\n== End ==\nBye.") == {"": "Lead.", "End": "Bye."}


GERMAN = '<namespace key="6">Datei</namespace><namespace key="14">Kategorie</namespace></namespaces>'


@pytest.mark.parametrize(
    "link",
    [
        "[[Datei:Rad.jpg|mini|Das Rad]]",
        "[[datei:Plan der Mühle|mini|Der Plan]]",
        "[[Bild:Alt.PNG|thumb|Altes Bild]]",
        "[[File:Rad.jpg|thumb]]",
        "[[Kategorie:Mühle]]",
        "[[Category:Mill]]",
    ],
)
def test_localised_file_and_category_links_are_removed(tmp_path, link):
    """Catches file and category links read as prose because the wiki's namespaces have localised names."""
    content = dump(page("Mühle", f"Die Mühle {link}steht.")).decode().replace("</namespaces>", GERMAN).encode()
    (book,) = read(write(tmp_path, "dump.xml", content))
    assert sections(book.paragraphs) == {"": "Die Mühle steht."}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("One.\n{| class=wikitable\n| a || {| \n| inner\n|}\n|}\nTwo.", "One.\nTwo."),
        ("One.\n{|\n|\n{|\n|\n{|\n| x\n|}\n|}\n|}\nTwo.\n{|\n| y\n|}\nThree.", "One.\nTwo.\nThree."),
        ("One.\n{|\n| {{x|}} || {\n|}\nTwo.", "One.\nTwo."),
        ("__NOTOC__\nOne.\n__TOC__\nTwo.", "One.\nTwo."),
        ("In {{PAGENAME}} it is.", "In it is."),
        ("一-{zh-hans:二;zh-hant:貳;}-三-{四}-", "一二三四"),
        ("See [[Mill: a story]] and [[:Mill.pdf]].", "See Mill: a story and :Mill.pdf."),
    ],
)
def test_nested_tables_and_magic_words_are_removed(source, expected):
    """Catches nested tables that leave markup in the text, and magic words read as prose."""
    assert prose(source) == {"": expected}


def test_pagename_is_replaced_by_the_title(tmp_path):
    """Catches a gap where {{PAGENAME}} stood."""
    (book,) = read(write(tmp_path, "dump.xml", dump(page("Mill", "The {{PAGENAME}} stood."))))
    assert sections(book.paragraphs) == {"": "The Mill stood."}
