"""Entities declared by a chapter."""

import pytest

from localist.corpus.formats.xml_entities import with_signs
from localist.plumbing.errors import UserError


@pytest.mark.parametrize(
    ("declared", "used", "expected"),
    [
        ('<!ENTITY dash "&#8212;">', "a&dash;b", "a&#8212;b"),
        ("<!ENTITY dash '\u2014'> <!-- a remark --> <!ENTITY nbsp \"&#xA0;\">", "a&dash;b&nbsp;c", "a\u2014b&#xA0;c"),
        ('<!ENTITY co "Mills &amp; Sons">', "&co;", "Mills &amp; Sons"),
        ('<!ENTITY none "">', "a&none;b&amp;&other;", "ab&amp;&other;"),
        ("<!ATTLIST p lang CDATA #IMPLIED>", "a", "a"),
    ],
)
def test_harmless_entities_are_replaced(declared, used, expected):
    """Catches a book refused, or characters lost, because of harmless entities."""
    content = f"<!DOCTYPE html [{declared}]><p>{used}</p>".encode()
    assert with_signs(content, "c.xhtml:").decode().endswith(f"<p>{expected}</p>")


@pytest.mark.parametrize(
    "declared",
    [
        '<!ENTITY a "x"><!ENTITY b "&a;&a;">',
        '<!ENTITY a SYSTEM "file:///etc/passwd">',
        '<!ENTITY a PUBLIC "x" "http://localhost/">',
        '<!ENTITY % a "x"> %a;',
        '<!ENTITY a "<script/>">',
        f'<!ENTITY a "{"x" * 101}">',
        f'<!ENTITY a "{"&lt;" * 101}">',
    ],
)
def test_other_entities_are_refused(declared):
    """Catches entities that expand others, contain markup or read another file."""
    with pytest.raises(UserError, match=r"c\.xhtml: declares XML entities"):
        with_signs(f"<!DOCTYPE html [{declared}]><p>&a;</p>".encode(), "c.xhtml:")


def test_a_doctype_in_a_comment_does_not_hide_the_real_one():
    """Catches a DOCTYPE in a comment that is checked instead of the real one."""
    hidden = b'<!-- <!DOCTYPE a [<!ENTITY a "x">]> --><!DOCTYPE html [<!ENTITY b "&a;&a;">]><p>&b;</p>'
    with pytest.raises(UserError):
        with_signs(hidden, "c.xhtml:")
