"""Documents: numbering of sections, and the text that offsets refer to."""

from localist.corpus.documents import COLUMNS, Document, Section, document_text, sections_table


def test_sections_are_numbered_across_the_corpus():
    """Catches numbering that restarts in each document, which would put sections of two documents into one split."""
    documents = [
        Document("A", (Section("", "one"), Section("H", "two"))),
        Document("empty", ()),
        Document("B", (Section("", "three"),)),
    ]
    table = sections_table(documents)
    assert list(table) == list(COLUMNS)
    assert table["section"].tolist() == [0, 1, 2]
    assert table["document"].tolist() == [0, 0, 2]
    assert table["title"].tolist() == ["A", "A", "B"]
    assert table["heading"].tolist() == ["", "H", ""]
    assert table["text"].tolist() == ["one", "two", "three"]


def test_numbering_continues_across_batches():
    """Catches numbers of documents and sections that restart in the second batch."""
    table = sections_table([Document("B", (Section("", "two", page=7),))], first_document=4, first_section=9)
    assert table[["document", "section", "page"]].to_numpy().tolist() == [[4, 9, 7]]


def test_sections_are_separated_in_the_document():
    """Catches sections joined without a separator, so that the last word of one and the first of the next merge."""
    text = document_text(["end.", "Start"])
    assert text.split() == ["end.", "Start"]
    assert len(text.splitlines()) > 1
