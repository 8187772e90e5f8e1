"""Names of sections: headings without numbers, and the lists that they are looked up in."""

from itertools import combinations

import pytest

from localist.corpus.section_names import NAMES, section_name


@pytest.mark.parametrize(
    ("heading", "name"),
    [
        ("  See  also ", "see also"),
        ("3.2 Notes", "3.2 notes"),
        ("3 Notes", "notes"),
        ("IV. Notes", "notes"),
        ("I", "i"),
        ("Civil notes", "civil notes"),
        ("Part XLIV: Notes", "notes"),
        ("Vivid sources", "vivid sources"),
    ],
)
def test_headings_are_compared_without_number_and_case(heading, name):
    """Catches a numbered section that escapes, and a heading of which nothing is left."""
    assert section_name(heading) == name


def test_every_name_is_found_as_a_book_prints_it():
    """Catches a name in the lists that no heading can ever equal, such as one with a capital or a number."""
    for names in NAMES.values():
        for name in names:
            assert section_name(name) == name
            assert section_name(f"12. {name.upper()}:") == name


def test_no_name_is_of_two_kinds():
    """Catches a heading that is dropped by the step for contents although only the index is to go."""
    for one, other in combinations(NAMES.values(), 2):
        assert not one & other
