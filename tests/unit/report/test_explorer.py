"""The explorer's page: its contents, the packing of numbers, and corpus text that cannot act as markup."""

import base64
import hashlib
import json
import re
import zlib

import numpy as np
import pandas as pd
import pytest
from checkout import ROOT

from localist.plumbing.errors import UserError
from localist.report.explorer import (
    STEPS_PER_OCTAVE,
    ArmPassages,
    as_bytes,
    block_entries,
    explorer_page,
    packed,
    passage_losses,
    passage_title,
    read_passages,
)

REPORT = ROOT / "workflow" / "report"
HOSTILE = '</script><script>alert("1")</script><!-- &amp; \u2028'


def attention(layers, tokens, seed=0):
    """Made-up attention, [layers, P, P]."""
    weights = np.tril(np.random.default_rng(seed).exponential(size=(layers, tokens, tokens)))
    return weights / weights.sum(-1, keepdims=True)


def page_of(arms, passages, blocks=None):
    return explorer_page(
        "smoke",
        arms,
        passages,
        blocks or {},
        [REPORT / "templates" / "explorer.html.j2"],
        REPORT / "explorer.css",
        REPORT / "explorer.js",
    )


def test_bytes_preserve_attention_to_two_percent():
    """Catches an order other than query by query, and a scale that loses small values."""
    assert list(as_bytes(np.array([[[1.0, 0.0], [0.25, 0.75]]]))) == [255, 255 - 2 * STEPS_PER_OCTAVE, 248]
    assert list(as_bytes(np.array([[1e-9, 0], [0, 2.0**-15]]))) == [0, 0, 15]
    values = attention(2, 9)
    found = 2 ** ((np.frombuffer(as_bytes(values), np.uint8).astype(float) - 255) / STEPS_PER_OCTAVE)
    queries, keys = np.tril_indices(9)
    large = values[:, queries, keys].ravel() > 1e-4
    np.testing.assert_allclose(found[large], values[:, queries, keys].ravel()[large], rtol=0.023)


def test_packed_matrices_are_at_their_recorded_places():
    """Catches wrong places if one arm has heads and another has none."""
    one, two = attention(2, 4, 1), attention(2, 5, 2)
    heads = [np.stack([matrix, matrix[:, ::1]], axis=1) for matrix in (one, two)]
    arms = [
        ArmPassages("a", [one, two], None, [np.zeros(4), np.zeros(5)], [0, 0]),
        ArmPassages("b", [two, one], heads, [np.zeros(4), np.zeros(5)], [0, 0]),
    ]
    stream, (first, second) = packed(arms)
    unpacked = zlib.decompress(base64.b64decode(stream))
    for place, matrix in [(first["mean"][1], two), (second["mean"][0], two), (second["heads"][1], heads[1])]:
        assert unpacked[place : place + len(as_bytes(matrix))] == as_bytes(matrix)
    assert first["heads"] is None and len(unpacked) == second["heads"][1] + len(as_bytes(heads[1]))


def test_hostile_text_stays_text():
    """Catches a title or token that ends the script element, and a policy that allows scripts other than the page's."""
    arms = [ArmPassages("a", [attention(1, 3)], None, [np.array([np.nan, 1, 2])], [0.5])]
    passage = {"title": HOSTILE, "tokens": ["", HOSTILE, "b"], "blocks": [-1, 0, 0], "sentences": [-1, 0, 0]}
    page = page_of(arms, [passage], {0: {"name": HOSTILE, "words": HOSTILE, "topic": HOSTILE, "places": HOSTILE}})
    assert page.count("<script") == page.count("</script>") == 3 and "<!-- &amp" not in page
    data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])
    assert data["passages"][0]["tokens"][1] == HOSTILE and data["arms"][0]["losses"] == [[None, 1.0, 2.0]]
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy.startswith("default-src 'none'; ") and "unsafe" not in policy and "http" not in policy
    for kind, attribute in (("script", ""), ("style", "")):
        content = re.search(rf"<{kind}{attribute}>(.*?)</{kind}>", page, re.DOTALL)[1]
        assert base64.b64encode(hashlib.sha256(content.encode()).digest()).decode() in policy


def test_blocks_have_names_and_topics():
    """Catches words or a topic of another block, and wrong entries for blocks without words."""
    blocks = pd.DataFrame({"block": [2, 5], "topic": [1, 0], "name": ["a, b", ""], "words": ["a, b, c", ""]})
    topics = pd.DataFrame({"topic": [0, 1], "name": ["x", "y"], "places": ["A (60%)", "B (90%)"]})
    assert block_entries([-1, 2, 5], blocks, topics) == {
        2: {"name": "a, b", "words": "c", "topic": "1 (y)", "places": "B (90%)"},
        5: {"name": "block 5", "words": "", "topic": "0 (x)", "places": "A (60%)"},
    }
    unknown = {3: {"name": "block 3", "words": "", "topic": "", "places": ""}}
    assert block_entries([3], pd.DataFrame(), pd.DataFrame()) == unknown


def test_a_passage_is_titled_by_its_section():
    """Catches the title of another section, and an empty heading in the title."""
    sentences = pd.DataFrame({"sentence": [0, 3], "title": "T", "heading": ["", "B"]})
    assert passage_title(sentences, np.array([-1, 3, 3])) == "T, “B”"
    assert passage_title(sentences, np.array([-1, 0, 3])) == "T"


def test_losses_are_those_of_the_passages_tokens():
    """Catches losses of another window, and losses that are off by one position."""
    tokens = pd.DataFrame({"window": [0, 3, 3, 3], "position": [1, 1, 2, 3], "nll": [9.0, 1.0, 2.0, 3.0]})
    (found,) = passage_losses(tokens, [3], [3])
    np.testing.assert_array_equal(found, [np.nan, 1, 2])


def test_an_outdated_passage_file_is_reported_by_name(tmp_path):
    """Catches a traceback for a damaged or outdated passage file."""
    np.savez(tmp_path / "old.npz", layers=[0])
    with pytest.raises(UserError, match=r"old\.npz: the array 'rows' is missing"):
        read_passages(tmp_path / "old.npz")
