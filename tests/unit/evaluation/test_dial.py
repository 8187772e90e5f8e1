"""The locality dial: the model itself at 0, the knockout at 1, and no dependence on later tokens."""

import numpy as np
import pytest
import torch
from tiny_models import CONTEXT, TINY_MODELS, tiny_model
from uneven_windows import CONTEXT as WIDTH
from uneven_windows import uneven_windows

from localist.attention.observed_attention import LayerInputs, use_observed_attention
from localist.evaluation.dial import dial_bias, dial_table
from localist.evaluation.score_bias import BiasedAttention
from localist.plumbing.errors import UserError

LOCALITY = [0.0, 0.3, 1.0]
DIALS = [0.0, 0.25, 0.5, 0.75, 0.9, 1.0]


def own_keys(input_ids):
    """A stand-in for causal blocks: row i depends only on the tokens up to i."""
    kinds = input_ids % 3  # [batch, T]
    return (kinds[:, :, None] == kinds[:, None]) | torch.eye(input_ids.shape[1], dtype=torch.bool)


def logits(model, input_ids, dial):
    observer = None if dial is None else BiasedAttention(dial_bias(~own_keys(input_ids), LOCALITY, dial))
    with torch.no_grad():
        return model(input_ids, observer=observer, use_cache=False).logits


def test_weights_are_multiplied_and_renormalised():
    """Catches weights that are shifted instead of scaled, scaled own keys, and sums other than 1."""
    generator = torch.Generator().manual_seed(0)
    query, key, value = torch.randn(3, 1, 2, CONTEXT, 8, generator=generator)
    foreign = ~own_keys(torch.randint(0, 9, (1, CONTEXT), generator=generator))
    found = BiasedAttention(dial_bias(foreign, LOCALITY, 0.8)).observe(
        1, LayerInputs(query, key, value, None, 0.3, 0.0)
    )
    weights = (query @ key.mT * 0.3).masked_fill(torch.ones(CONTEXT, CONTEXT).triu(1).bool(), -torch.inf).softmax(-1)
    weights = torch.where(foreign[:, None], weights * (1 - 0.8 * 0.3), weights)
    torch.testing.assert_close(found, weights / weights.sum(-1, keepdim=True) @ value, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("family", sorted(TINY_MODELS))
def test_dial_at_0_is_the_model_and_no_setting_looks_ahead(family):
    """Catches a dial at 0 that changes any bit, and a later token that changes an earlier logit at any setting."""
    model = tiny_model(family)
    use_observed_attention(model, CONTEXT)
    input_ids = torch.randint(0, 60, (2, CONTEXT), generator=torch.Generator().manual_seed(1))
    assert torch.equal(logits(model, input_ids, 0.0), logits(model, input_ids, None))
    for dial in DIALS:
        before = logits(model, input_ids, dial)
        for place in (1, 9, CONTEXT - 1):
            changed = input_ids.clone()
            changed[:, place:] = (changed[:, place:] + 7) % 60
            assert torch.equal(logits(model, changed, dial)[:, :place], before[:, :place])
        if dial:
            assert not torch.equal(before, logits(model, input_ids, None))


def test_dial_at_1_hides_foreign_keys_where_locality_is_1():
    """Catches a dial that at its end still lets foreign attention through."""
    bias = dial_bias(torch.ones(1, 2, 2, dtype=torch.bool), LOCALITY, 1.0)
    assert bias.by_layer[0] == 0 and bias.by_layer[1] == pytest.approx(np.log(0.7)) and bias.by_layer[2] == -np.inf


@pytest.mark.parametrize("dial", [-0.1, 1.5, float("nan")])
def test_settings_outside_0_to_1_are_refused(dial):
    """Catches a setting that leads to the logarithm of a negative number."""
    with pytest.raises(UserError, match="must be between 0"):
        dial_bias(torch.ones(1, 2, 2, dtype=torch.bool), LOCALITY, dial)


def test_the_table_has_the_losses_of_each_setting():
    """Catches losses of the wrong setting, and a knockout that is not applied on top of the dial."""
    windows = uneven_windows()
    model = tiny_model("llama")
    use_observed_attention(model, WIDTH)
    own = own_keys(torch.tensor(windows.input_ids)).numpy()
    blocks = np.where(windows.is_text, windows.input_ids % 2, -1)
    table = dial_table(
        model, windows, own, blocks,
        locality=LOCALITY, late=[2], dials=[0.0, 0.5, 1.0], batch_size=2, bf16=False, description="test",
    )  # fmt: skip
    assert table["dial"].tolist() == [0.0, 0.5, 1.0] and set(table["layer"]) == {2}
    for row in table.itertuples():
        nll = 0.0
        for window in range(5):
            length = int(windows.is_text[window].sum()) + 1
            ids = torch.tensor(windows.input_ids[window : window + 1, :length]).long()
            nll -= logits(model, ids, row.dial).log_softmax(-1)[0, torch.arange(length - 1), ids[0, 1:]].sum().item()
        assert row.nll == pytest.approx(nll, rel=1e-5)
        assert row.tokens == windows.is_text.sum()
    # The knockout is applied on top of the dial, so its loss differs at every setting.
    assert table["nll_knockout"].nunique() == 3
