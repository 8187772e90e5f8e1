"""Measuring any model on any text from Python: the workflow's numbers, and clear errors."""

import json

import numpy as np
import pandas as pd
import pytest
import yaml
from tiny_models import tiny_model

from localist.attention.models import load_model
from localist.claims.tables import layer_rows
from localist.evaluation.layer_sums import LayerSums
from localist.evaluation.losses import watched_losses
from localist.notebook.measure_attention import COLUMNS, measure_attention, text_windows
from localist.plumbing.errors import UserError
from localist.tokens.tokenizer import train_tokenizer

TEXT = "The cat sat. A dog ran away. Rain fell on the dog. The cat slept. " * 4
CONTEXT = 40


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model with its tokenizer."""
    path = tmp_path_factory.mktemp("model")
    train_tokenizer([TEXT], 300).save_pretrained(path)
    tiny_model("llama", vocab_size=300).save_pretrained(path)
    return path


@pytest.fixture
def study(tmp_path, folder):
    """The files read from a finished study: its config, and the blocks of its test windows."""
    windows = text_windows(folder, TEXT, context=CONTEXT)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"blocks": {"measured": ["semantic", "fixed", "spans"]}}))
    for name, width in (("semantic", 5), ("fixed", 7)):
        blocks = np.where(windows.is_text, np.arange(CONTEXT) // width, -1)
        (tmp_path / "blocks" / name).mkdir(parents=True)
        np.save(tmp_path / "blocks" / name / "test.npy", blocks)
    (tmp_path / "blocks/fixed/summary.json").write_text(json.dumps({"width_tokens": {"train": 6}}))
    return tmp_path


def test_results_equal_those_of_the_workflow(folder, study):
    """Catches a different average or precision, and missing columns."""
    windows = text_windows(folder, TEXT, context=CONTEXT)
    blocks = np.load(study / "blocks/semantic/test.npy")
    sums = LayerSums(windows, {"semantic": blocks})
    model = load_model(folder, CONTEXT)
    watched_losses(model, windows, batch_size=4, bf16=False, description="test", watchers=[sums])
    sections = np.arange(int(windows.sentence_ids.max()) + 1)  # the workflow's sums are by section
    expected = layer_rows(sums.table("semantic", sections), [0.0] * 3)[COLUMNS]
    found = measure_attention(folder, windows, "semantic", study=study)
    pd.testing.assert_frame_equal(found, expected, rtol=1e-12)
    assert found["layer"].tolist() == [0, 1, 2] and found["fidelity"].between(0, 1).all()


def test_block_ids_equal_the_fixed_partition_of_that_width(folder, study):
    """Catches block ids in the wrong order, and a width other than that of the study."""
    windows = text_windows(folder, TEXT, context=CONTEXT)
    ids = np.arange(windows.is_text.sum()) // 6
    by_ids = measure_attention(folder, TEXT, ids, context=CONTEXT)
    pd.testing.assert_frame_equal(by_ids, measure_attention(folder, TEXT, "fixed", study=study, context=CONTEXT))


def test_one_block_per_sentence_and_one_block_for_all(folder):
    """Catches a crash, or a fidelity value, if no query sees two blocks."""
    windows = text_windows(folder, TEXT, context=CONTEXT)
    assert measure_attention(folder, windows, windows.sentence_ids)["queries"].gt(0).all()
    one = measure_attention(folder, TEXT, np.zeros(windows.is_text.sum(), dtype=int), context=CONTEXT)
    assert (one["queries"] == 0).all() and one["fidelity"].isna().all() and one["sink_share"].notna().all()


def test_bad_input(folder, study, tmp_path):
    """Catches unclear errors for blocks of another text, missing partitions, and missing or unsupported models."""
    windows = text_windows(folder, TEXT, context=CONTEXT)
    for text, blocks, options, message in (
        (TEXT, [0, 1], {}, "2 block ids, but the text has"),
        (windows, np.zeros((1, 3)), {}, "do not fit windows of shape"),
        (TEXT, "semantic", {}, "requires the study"),
        (TEXT, "shifted", {"study": study}, "was not measured"),
        (TEXT, "spans", {"study": study}, "is not available for a new text"),
        (windows.take(np.array([0])), "semantic", {"study": study}, "No blocks in"),
        ("", "fixed", {"study": study}, "no sentences"),
    ):
        with pytest.raises(UserError, match=message):
            measure_attention(folder, text, blocks, **options)
    with pytest.raises(UserError, match="neither a folder nor the id"):
        measure_attention(tmp_path / "nothing", TEXT, [0])
    tiny_model("gemma2").save_pretrained(tmp_path / "capped")
    with pytest.raises(UserError, match="caps its attention"):
        measure_attention(tmp_path / "capped", windows, windows.sentence_ids)
