"""The registry of measures: a new entry is summed, averaged and given a column without other changes."""

import importlib.util
import subprocess
import sys

import numpy as np
import pytest
from tiny_models import tiny_model
from uneven_windows import CONTEXT, uneven_windows

from localist.attention.observed_attention import use_observed_attention
from localist.claims import tables
from localist.evaluation.layer_sums import LayerSums
from localist.evaluation.losses import watched_losses
from localist.evaluation.measures import KEYS_NEEDED, MEASURES, QUERIES_ALL, QUERIES_VISIBLE, Measure


def imported_anew(module):
    """The module as a new process would import it, with constants from the present MEASURES."""
    specification = importlib.util.spec_from_file_location(module.__name__, module.__file__)
    anew = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(anew)
    return anew


@pytest.mark.parametrize(("queries", "expected"), [(QUERIES_ALL, 59), (QUERIES_VISIBLE, 54)])
def test_a_new_measure_is_summed_and_averaged(queries, expected, monkeypatch):
    """Catches a measure that must be registered in a second place, and an average over the wrong queries."""
    toy = Measure(lambda chunk: chunk.attention_mean.sum(-1), queries)  # 1 for every query
    monkeypatch.setitem(MEASURES, "toy", toy)
    windows = uneven_windows()
    model = tiny_model("llama")
    use_observed_attention(model, CONTEXT)
    sums = LayerSums(windows, {"semantic": np.where(windows.is_text, windows.input_ids % 3, -1)})
    watched_losses(model, windows, batch_size=2, bf16=False, description="test", watchers=[sums])
    table = sums.table("semantic", np.arange(10))
    assert table.groupby("layer")["toy"].sum().tolist() == pytest.approx([expected] * 3)
    anew = imported_anew(tables)
    assert anew.LAYER_COLUMNS[-2:] == ["toy", "queries"]
    assert anew.layer_rows(table, [0.0, 0.5, 1.0])["toy"].tolist() == pytest.approx([1.0] * 3)


def test_every_measure_names_an_existing_query_count():
    """Catches a misspelt query count, for which no sums would be computed."""
    assert all(measure.queries in KEYS_NEEDED for measure in MEASURES.values())


def test_measure_names_need_no_torch():
    """Catches a slow import of torch in tables and figures that only need column names."""
    check = "import localist.evaluation.measures; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}; {check}"], check=True)
