"""Section names: headings without numbers, and the lists in which they are looked up."""

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
    """Catches a numbered section that is not recognised, and a heading such as `I` or `Civil` taken for a number."""
    assert section_name(heading) == name


def test_every_listed_name_matches_its_printed_heading():
    """Catches a listed name that no heading can match, such as one with a capital or a number."""
    for names in NAMES.values():
        for name in names:
            assert section_name(name) == name
            assert section_name(f"12. {name.upper()}:") == name


def test_no_name_has_two_kinds():
    """Catches a heading removed with the contents although only the index is to be removed."""
    for one, other in combinations(NAMES.values(), 2):
        assert not one & other
