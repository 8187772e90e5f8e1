"""The page on a study: warnings about its size, its settings, and the hashes of its files."""

import pytest
from checkout import templates

from describe_study import main, scale
from localist.plumbing.files import read_json, sha256_of, write_json
from localist.plumbing.provenance import content_hash
from localist.report.templates import render

WARNINGS = {
    "seeds": "describe these runs, not the method",
    "sections": "too few to decide anything",
    "size": "a demonstration",
}


@pytest.mark.parametrize(
    ("seeds", "sections", "budget", "expected"),
    [
        ([1], 40, 100, {"seeds", "size"}),
        ([1, 2], 40, 100, {"size"}),
        ([1, 2], 19, 9000, {"sections"}),
        ([1, 2], 20, 9000, set()),
    ],
)
def test_pages_of_small_studies_carry_warnings(seeds, sections, budget, expected):
    """Catches a page without a warning about one seed, few test sections or a small token budget."""
    config = {"seeds": seeds, "splits": {"min_test_sections": 20}, "training": {"token_budget": budget}}
    found = scale(config, {"splits": {"test": {"sections": sections}, "train": {"tokens": 9000}}})
    kinds = ("resources", "files", "text", "blocks", "training", "same_arms", "code", "versions", "config")
    page = render(templates("study.html.j2"), name="x", scale=found, parts=dict.fromkeys(kinds, ()))
    assert {what for what, warning in WARNINGS.items() if warning in page} == expected
    assert f"<td>{budget:,}; the training text has 9,000 tokens</td>" in page
    assert page.count("<h2>") == 1


def test_parts_are_shown_under_their_headings():
    """Catches settings missing from the page, or text that becomes markup."""
    config = {"seeds": [1, 2], "splits": {"min_test_sections": 2}, "training": {"token_budget": 9}}
    found = scale(config, {"splits": {"test": {"sections": 3}, "train": {"tokens": 9}}})
    kinds = ("resources", "files", "text", "blocks", "training", "same_arms", "code", "versions")
    parts = dict.fromkeys(kinds, ()) | {"config": [("arms.<b>", "<script>")]}
    page = render(templates("study.html.j2"), name="<i>", scale=found, parts=parts)
    assert "<h2>Config</h2>" in page and "arms.&lt;b&gt;" in page
    assert not {"<script", "<b>", "<i>"} & {page[at : at + 7] for at in range(len(page))} and "<i>" not in page


def test_fetched_and_own_files_are_recorded_by_their_hash(tmp_path):
    """Catches a user's files whose content is not recorded, or is recorded for another resource."""
    tokens = {"splits": {"test": {"sections": 3}, "train": {"tokens": 9}}}
    run = {
        "precision": "fp32",
        "threads": 1,
        "device": "cpu",
        "processor": "x",
        "steps": 3,
        "code": "abc",
        "versions": {},
    }
    for name, content in (("encoder", {"sha256": "f" * 64}), ("tokens", tokens), ("settings", run)):
        write_json(tmp_path / f"{name}.json", content)
    books = [tmp_path / "one.txt", tmp_path / "two.txt"]
    for book in books:
        book.write_text(book.name)
    resource = {"name": "x", "license": "x", "origin": "x", "source": {}}
    main(
        version="1.2.3",
        config={"study": "small", "seeds": [1], "splits": {"min_test_sections": 2}, "training": {"token_budget": 9}}
        | dict.fromkeys(("model", "encoder", "corpus"), resource),
        same_arms={},
        records=[tmp_path / "encoder.json"],
        own_files={"corpus": books, "model": books[:1]},
        tokens=tmp_path / "tokens.json",
        blocks=[],
        settings=[tmp_path / "settings.json"],
        templates=templates("study.html.j2"),
        page=tmp_path / "study.html",
        record=tmp_path / "study.json",
    )
    record = read_json(tmp_path / "study.json")
    assert record["versions"]["progressive-localisation"] == "1.2.3"
    files = record["files"]
    assert files == {"encoder": "f" * 64, "corpus": content_hash(books), "model": content_hash(books[:1])}
    assert files["corpus"] != files["model"] != sha256_of(books[0])
    assert files["corpus"] in (tmp_path / "study.html").read_text(encoding="utf-8")
