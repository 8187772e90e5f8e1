"""Sources: a resource is described by the source that is used."""

from typing import Any

import pytest
from whole_studies import changed, mistakes, resolved

from localist.study.sources import source_kind


def test_a_path_that_replaces_a_package_is_described_as_own_files():
    """Catches a book named on the command line but reported with the sample corpus's licence and origin."""
    study = resolved(changed("corpus.source.path", ["/home/me/My Book.pdf", "/home/me/second.epub"]))
    assert study["corpus"]["name"] == "My-Book.pdf" and study["corpus"]["license"] == "not stated"
    assert study["corpus"]["origin"] == "the user's own files: My Book.pdf, second.epub"


def test_the_users_description_of_a_source_is_kept():
    """Catches a stated licence that is replaced, or a hub model without a name."""
    path: dict[str, Any] = {"source": {"path": "/home/me/book.pdf"}, "license": "CC0-1.0"}
    hub = {"source": {"hub": {"id": "owner/small-model", "revision": "0" * 40}}}
    study = resolved({"corpus": path, "model": hub})
    assert study["corpus"]["license"] == "CC0-1.0" and study["corpus"]["name"] == "book.pdf"
    assert study["model"]["name"] == "small-model" and study["model"]["origin"] == "owner/small-model"


def test_sample_articles_are_not_expected_in_an_own_dump():
    """Catches an own dump refused for lack of the sample's articles, or stated articles that are ignored."""
    whole = resolved({})["corpus"]  # as results/{study}/config.yaml records it
    own = {"source": {**whole["source"], "path": "/home/me/dump.xml"}}
    assert whole["articles"]
    assert resolved({"corpus": {"source": {"path": "/home/me/dump.xml"}}})["corpus"]["articles"] == []
    assert resolved({"corpus": whole | own})["corpus"]["articles"] == []
    assert resolved({"corpus": whole | own | {"articles": ["Mill"]}})["corpus"]["articles"] == ["Mill"]


def test_two_sources_are_refused_unless_one_is_a_path():
    """Catches a silent choice between two sources; only a path takes precedence."""
    config = changed("model.source.hub", {"id": "a/b", "revision": "0" * 40})
    (line,) = mistakes(config)
    assert line.startswith("model.source: package and hub are set")
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
def test_a_path_takes_precedence(source, kind):
    """Catches a user's own file that is ignored, or a key set to null that counts as set."""
    assert source_kind(source) == kind
