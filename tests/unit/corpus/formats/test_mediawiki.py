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
    """Catches a compression that is not opened, lost characters, and talk pages or redirects read as text."""
    books = read(write(tmp_path, f"dump{suffix}", COMPRESS[suffix](PAGES)))
    assert [book.title for book in books] == ["Alpha", "Beta"]
    assert sections(books[0].paragraphs) == {"": "Alpha is first. Naïve 😀."}
    assert sections(books[1].paragraphs, drop=["references"]) == {"": "Beta is second.", "Life": "Born."}


def test_articles_come_in_the_order_asked_for(tmp_path):
    """Catches articles in the order of the dump: the config's order is the document order."""
    books = read(write(tmp_path, "dump.xml", PAGES), titles=["Beta", "Alpha"])
    assert [book.title for book in books] == ["Beta", "Alpha"]


@pytest.mark.parametrize("title", ["Gamma", "Old alpha", "Talk:Alpha"])
def test_a_missing_article_is_named(tmp_path, title):
    """Catches an article that is silently left out, or an error that does not say which, redirects included."""
    path = write(tmp_path, "dump.xml", PAGES)
    with pytest.raises(UserError) as caught:
        read(path, titles=["Alpha", title])
    assert title in str(caught.value)
    assert "'Alpha'" not in str(caught.value)
    assert "corpus.articles" in str(caught.value)


def test_the_latest_revision_counts(tmp_path):
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
        ("truncated.gz", gzip.compress(PAGES)[:-20]),
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
    """Catches a traceback where the file is not there."""
    with pytest.raises(UserError, match=r"gone\.xml"):
        read(tmp_path / "gone.xml")


def test_other_xml_is_refused_by_name(tmp_path):
    """Catches a traceback for well-formed XML that is no dump, such as a saved web page."""
    path = write(tmp_path, "page.xml", b"<html><body>Not found</body></html>")
    with pytest.raises(UserError, match=r"page\.xml"):
        read(path)


def test_damaged_gzip_data_is_refused_by_name(tmp_path):
    """Catches a traceback where the compressed bytes themselves are damaged (zlib has its own exception)."""
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


def test_entities_that_multiply_do_not_blow_up(tmp_path):
    """Catches a hostile dump (entities that expand to gigabytes) that hangs the job or eats its memory."""
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
    """Catches a hostile dump that pulls other files of the user into the corpus."""
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
def test_markup_goes_and_prose_stays(source, expected):
    """Catches markup in the text that the model trains on, and prose that goes with the markup."""
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
    """Catches a trail of headings that keeps an old branch, or loses the level above."""
    source = "Lead.\n== A ==\na\n=== B ===\nb\n==== C ====\nc\n=== D ===\nd\n== E ==\ne"
    assert prose(source) == {"": "Lead.", "A": "a", "A / B": "b", "A / B / C": "c", "A / D": "d", "E": "e"}


def test_dropped_sections_take_their_subsections_along():
    """Catches lists of references that stay because they stand under a subheading, or prose after them that goes."""
    source = (
        "Lead.\n== Notes ==\nn\n=== More ===\nm\n==== Deep ====\nd\n== After ==\na\n=== notes ===\nn2\n=== Next ===\nx"
    )
    assert prose(source, drop=["NOTES"]) == {"": "Lead.", "After": "a", "After / Next": "x"}


def test_headings_keep_no_markup():
    """Catches "''Works''" that escapes drop_sections, and footnote marks in headings that are shown."""
    source = "Lead.\n== ''Works'' ==\nlist\n== Life<ref>note</ref> ==\nBorn."
    assert prose(source, drop=["Works"]) == {"": "Lead.", "Life": "Born."}


@pytest.mark.parametrize("line_break", ["<br>", "<br />", "<br/>"])
def test_a_line_break_parts_words(line_break):
    """Catches two words that are glued into one where only a break stood between them."""
    assert prose(f"One{line_break}two.")[""].split() == ["One", "two."]


def test_empty_brackets_do_not_join_lines():
    """Catches an emptied bracket that takes the line break before it along, so that two lines become one."""
    assert prose("First line.\n({{IPA|x}}) second line.") == {"": "First line.\nsecond line."}


def test_a_section_without_prose_is_left_out():
    """Catches sections of nothing but a table, which would be empty units of the splits."""
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
def test_files_and_categories_of_a_wiki_in_any_language(tmp_path, link):
    """Catches names of files and categories read as prose, since the wiki has its own words for them."""
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
def test_tables_and_magic_words(source, expected):
    """Catches tables in tables that leave their signs in the text, and words that only steer the page."""
    assert prose(source) == {"": expected}


def test_the_page_may_name_itself(tmp_path):
    """Catches a hole where an article writes its own title by a word of the software."""
    (book,) = read(write(tmp_path, "dump.xml", dump(page("Mill", "The {{PAGENAME}} stood."))))
    assert sections(book.paragraphs) == {"": "The Mill stood."}
