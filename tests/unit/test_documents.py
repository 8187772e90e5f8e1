"""Documents: numbering of sections, and the text that offsets refer to."""

import pytest

from localist.documents import Document, Section, document_text, sections_table
from localist.errors import UserError


def test_sections_are_numbered_through_the_corpus():
    """Catches numbering that restarts in each document, which would put sections of two documents into one split."""
    documents = [
        Document("A", (Section("", "one"), Section("H", "two"))),
        Document("empty", ()),
        Document("B", (Section("", "three"),)),
    ]
    table = sections_table(documents)
    assert table["section"].tolist() == [0, 1, 2]
    assert table["document"].tolist() == [0, 0, 2]
    assert table["title"].tolist() == ["A", "A", "B"]
    assert table["heading"].tolist() == ["", "H", ""]
    assert table["text"].tolist() == ["one", "two", "three"]


@pytest.mark.parametrize("documents", [[], [Document("A", ())]])
def test_a_corpus_without_text_is_refused(documents):
    """Catches an empty corpus that fails much later with an obscure message."""
    with pytest.raises(UserError, match="no text"):
        sections_table(documents)


def test_sections_stay_apart_in_the_document():
    """Catches sections that are glued together, so that the last word of one and the first of the next become one."""
    text = document_text(["end.", "Start"])
    assert text.split() == ["end.", "Start"]
    assert len(text.splitlines()) > 1
