"""Every model family named in docs/own-model.md: measured like eager attention, or refused in one line."""

import pytest
from model_families import KINDS, outcome_of
from write_families import PAGE, with_families

pytestmark = pytest.mark.slow

# Largest differences of a layer's mean; float32 has eight digits, and longer sums accumulate more rounding.
LARGEST = {"fidelity": 7e-8, "sink_share": 7e-8, "self_share": 7e-8, "chance": 1e-15}
OTHERS = {"entropy_bits": 3e-7, "hinge": 3e-7, "group_sparsity": 3e-7, "logits": 5e-6}


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_family_is_measured_like_eager_attention_or_refused_in_one_line(kind):
    """Catches attention that the observer misreads, weights lost in loading, and tracebacks instead of refusals."""
    outcome = outcome_of(kind)
    if outcome.differences is None:
        assert outcome.refusal.endswith(".") and "\n" not in outcome.refusal
    else:
        assert outcome.differences.keys() == (LARGEST | OTHERS).keys()
        for measure, difference in outcome.differences.items():
            assert difference <= (LARGEST | OTHERS)[measure], measure


def test_the_page_is_up_to_date():
    """Catches outdated tables in docs/own-model.md; run tests/support/write_families.py to update them."""
    page = PAGE.read_text(encoding="utf-8")
    assert page == with_families(page)
