"""From a file to cleaned documents: settings, counts, samples and languages."""

import json

from sample_files import corpus, dump_xml, pdf_bytes, pdf_page, written

from localist.corpus import readers
from localist.corpus.formats.file_kinds import FORMATS
from localist.corpus.readers import READERS, extract_file, languages_of

TEXT = "CHAPTER I\n\nThe har-\nbour lay still.[1]\n\nNOTES\n\n[1] It was early.\n"


def read(folder, content, name="book.txt", **changes):
    (extracted,) = extract_file(written(folder / name, content), corpus(**changes))
    return extracted


def texts(extracted):
    return [(section.heading, section.text) for section in extracted.document.sections]


def test_every_format_has_a_reader():
    """Catches a format that can be detected or configured, but not read."""
    assert set(READERS) == set(FORMATS)


def test_a_text_is_cleaned_and_cut_into_sections(tmp_path):
    """Catches steps that are not run, notes left in sections, and removed text that is not reported."""
    extracted = read(tmp_path, TEXT)
    assert (extracted.document.title, extracted.kind, extracted.encoding) == ("book", "text", "utf-8")
    assert texts(extracted) == [("CHAPTER I", "The harbour lay still.")]
    removed = {step: list(texts) for step, texts in extracted.removed.items() if texts}
    assert removed == {"footnotes": ["[1] It was early."], "footnote_marks": ["[1]"], "hyphenation": ["har-bour"]}
    # CHAPTER I, the two lines with their break, NOTES, the note; each ends with a break.
    assert extracted.characters_read == 9 + 27 + 5 + 17 + 4


def test_disabled_steps_do_not_run(tmp_path):
    """Catches steps that run although the config disables them."""
    extracted = read(tmp_path, TEXT, clean=dict.fromkeys(corpus().clean, False))
    assert texts(extracted) == [
        ("CHAPTER I", "The har- bour lay still.[1]"),
        ("NOTES", "[1] It was early."),
    ]


def test_sections_are_dropped_by_name(tmp_path):
    """Catches configured names compared with their number or case, and dropped sections that are not reported."""
    extracted = read(tmp_path, "1. Sea\n\nPREFACE\n\nGone.\n\nCHAPTER I\n\nStays.\n", drop_sections=["2. preface"])
    assert texts(extracted) == [("", "1. Sea"), ("CHAPTER I", "Stays.")]
    assert extracted.removed["drop_sections"] == ["PREFACE", "Gone."]


def test_articles_keep_their_sections_and_books_are_cut(tmp_path):
    """Catches an encyclopaedia's sections cut into parts, and a book's long sections left uncut."""
    words = "\n\n".join(["One two three four five."] * 2)
    assert len(read(tmp_path, words, section_words=5).document.sections) == 2
    clean = corpus().clean | {"boilerplate": False}
    assert len(read(tmp_path, dump_xml(words), "a.xml", section_words=5, clean=clean).document.sections) == 1


def test_each_row_of_a_table_is_a_document(tmp_path):
    """Catches rows joined into one document, and titles with control characters or of unlimited length."""
    rows = [{"text": "First."}, {"text": "Second.", "title": "A\x00\n \u202etitle" + "x" * 400, "author": "B"}]
    path = written(tmp_path / "rows.jsonl", "\n".join(map(json.dumps, rows)))
    first, second = (extracted.document for extracted in extract_file(path, corpus()))
    assert (first.title, first.author) == ("rows 1", "")
    assert (second.title, second.author) == ("A title" + "x" * 293, "B")


def test_samples_show_the_beginning_and_the_middle(tmp_path, monkeypatch):
    """Catches samples before and after cleaning taken from different places, or longer than the limit."""
    monkeypatch.setattr(readers, "SAMPLE_PARAGRAPHS", 1)
    monkeypatch.setattr(readers, "SAMPLE_CHARACTERS", 6)
    content = "One.[1] and\n\nTwo.\n\nThree.[2] of many\n\nFour.\n"
    assert read(tmp_path, content).samples == [
        {"where": "the beginning", "before": "One.[1", "after": "One. a"},
        {"where": "the middle", "before": "Three.", "after": "Three."},
    ]


def test_samples_of_a_pdf_are_whole_pages(tmp_path):
    """Catches a page shown beside another page's cleaned text."""
    extracted = read(tmp_path, pdf_bytes([pdf_page(f"Words of page {one}.") for one in ("one", "two")]), "a.pdf")
    assert [(one["where"], one["before"]) for one in extracted.samples] == [
        ("page 1", "Words of page one."),
        ("page 2", "Words of page two."),
    ]
    assert extracted.pages == 2


def test_languages_are_counted_in_characters(monkeypatch):
    """Catches pieces that overlap or are lost, and a long text whose end is never sampled."""
    monkeypatch.setattr(readers.py3langid, "classify", lambda piece: ("de" if "ß" in piece else "en", 0.0))
    monkeypatch.setattr(readers, "LANGUAGE_PIECE", 4)
    assert languages_of("ßabcdefghi") == {"de": 4, "en": 6}
    assert languages_of("") == {}
    monkeypatch.setattr(readers, "LANGUAGE_PIECES", 2)
    # Every third of five pieces is classified: the first and the fourth.
    assert languages_of("aaaabbbbccccßßßßdd") == {"en": 4, "de": 4}
