"""Sources: what is said of a resource is said of the one that is used."""

from typing import Any

import pytest
from whole_studies import changed, mistakes, resolved

from localist.study.sources import source_kind


def test_a_path_beside_a_package_is_described_as_ones_own_files():
    """Catches a book named on the command line that the report gives the licence and origin of the sample corpus."""
    study = resolved(changed("corpus.source.path", ["/home/me/My Book.pdf", "/home/me/second.epub"]))
    assert study["corpus"]["name"] == "My-Book.pdf" and study["corpus"]["license"] == "not stated"
    assert study["corpus"]["origin"] == "the user's own files: My Book.pdf, second.epub"


def test_what_the_user_says_of_a_source_stays():
    """Catches a stated licence that is replaced, or a hub model without a name."""
    path: dict[str, Any] = {"source": {"path": "/home/me/book.pdf"}, "license": "CC0-1.0"}
    hub = {"source": {"hub": {"id": "owner/small-model", "revision": "0" * 40}}}
    study = resolved({"corpus": path, "model": hub})
    assert study["corpus"]["license"] == "CC0-1.0" and study["corpus"]["name"] == "book.pdf"
    assert study["model"]["name"] == "small-model" and study["model"]["origin"] == "owner/small-model"


def test_articles_of_the_sample_are_not_looked_for_in_ones_own_dump():
    """Catches a dump of one's own refused for lack of the sample's articles, and stated articles that are ignored."""
    whole = resolved({})["corpus"]  # as results/{study}/config.yaml records it
    own = {"source": {**whole["source"], "path": "/home/me/dump.xml"}}
    assert whole["articles"]
    assert resolved({"corpus": {"source": {"path": "/home/me/dump.xml"}}})["corpus"]["articles"] == []
    assert resolved({"corpus": whole | own})["corpus"]["articles"] == []
    assert resolved({"corpus": whole | own | {"articles": ["Mill"]}})["corpus"]["articles"] == ["Mill"]


def test_two_sources_are_one_too_many():
    """Catches a resource whose source is a matter of chance; a path is the stated exception."""
    config = changed("model.source.hub", {"id": "a/b", "revision": "0" * 40})
    (line,) = mistakes(config)
    assert line.startswith("model.source: package and hub are both set")
    config["model"]["source"]["path"] = "/models/mine"
    assert resolved(config)["model"]["name"] == "mine"


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ({}, None),
        ({"path": None, "hub": None}, None),
        ({"hub": {"id": "a"}, "path": "/x"}, "path"),
        ({"path": None, "package": {"name": "a"}}, "package"),
        ({"untrained": {"layers": 1}}, "untrained"),
    ],
)
def test_a_path_comes_first(source, kind):
    """Catches a user's own file that is ignored, and a key set to null that counts as given."""
    assert source_kind(source) == kind
