"""Every family of models that docs/own-model.md names: measured like eager attention, or refused in one line."""

import pytest
from model_families import KINDS, outcome_of
from write_families import PAGE, with_families

pytestmark = pytest.mark.slow

# Of a layer's mean; float32 has eight digits, and rounds more often where it adds more up.
LARGEST = {"fidelity": 7e-8, "sink_share": 7e-8, "self_share": 7e-8, "chance": 1e-15}
OTHERS = {"entropy_bits": 3e-7, "hinge": 3e-7, "group_sparsity": 3e-7, "logits": 5e-6}


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_family_is_measured_like_eager_attention_or_refused_in_one_line(kind):
    """Catches a family whose attention the observer misreads, weights lost on the way, and refusals by traceback."""
    outcome = outcome_of(kind)
    if outcome.differences is None:
        assert outcome.refusal.endswith(".") and "\n" not in outcome.refusal
    else:
        assert outcome.differences.keys() == (LARGEST | OTHERS).keys()
        for measure, difference in outcome.differences.items():
            assert difference <= (LARGEST | OTHERS)[measure], measure


def test_the_page_says_what_works():
    """Catches tables that are no longer true: run tests/support/write_families.py."""
    page = PAGE.read_text(encoding="utf-8")
    assert page == with_families(page)
