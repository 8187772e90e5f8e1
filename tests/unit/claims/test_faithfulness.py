"""Faithfulness, by hand and for models in which the used blocks are known."""

import numpy as np
import pandas as pd
import pytest
from planted_models import CONTEXT, LAYERS, planted_model, planted_windows

from localist.attention.observed_attention import use_observed_attention
from localist.claims.faithfulness import faithfulness_table, section_rows, section_sums, window_measures
from localist.evaluation.block_knockouts import block_knockouts

COLUMNS = ["window", "block", "knocked_out", "tokens", "attribution", "effect_late", "effect_all", "section"]
# Window 0: block 1 sees 7, block 2 sees 7 and 1. Window 4: a single pair.
KNOCKOUTS = pd.DataFrame(
    [
        (0, 1, 7, 9, 0.5, 0.1, 0.2, 3),
        (0, 2, 7, 9, 0.1, 0.0, 0.3, 3),
        (0, 2, 1, 9, 0.2, 0.2, 0.1, 3),
        (0, 1, -1, 9, 0.5, np.nan, 0.5, 3),
        (0, 2, -1, 9, 0.3, np.nan, 0.7, 3),
        (4, 5, 6, 9, 0.2, 0.2, 0.4, 8),
        (4, 5, -1, 9, 0.2, np.nan, 0.6, 8),
    ],
    columns=COLUMNS,
)


def test_measures_by_hand():
    """Catches a block other than the most attended, a biased random block, and means over rows instead of blocks."""
    first, second = window_measures(KNOCKOUTS).to_dict("records")
    # Ranks of attribution 3, 1, 2; of effects 2, 3, 1.
    assert first["rho"] == pytest.approx(-0.5)
    assert first["comprehensiveness"] == pytest.approx((0.2 + 0.1) / 2)
    assert first["random_knockout"] == pytest.approx((0.2 + 0.2) / 2)
    assert first["sufficiency"] == pytest.approx(0.6)
    assert (first["effect_late"], first["effect_all"]) == pytest.approx((0.1, 0.2))
    assert np.isnan(second["rho"]) and second["effect_all"] == pytest.approx(0.4)


def test_means_by_section_and_by_arm():
    """Catches windows without ρ that count as 0, and seeds that are summed instead of averaged."""
    sums = section_sums(KNOCKOUTS)
    rows = section_rows(sums).set_index("section")
    assert rows.loc[3, "rho"] == pytest.approx(-0.5) and np.isnan(rows.loc[8, "rho"])
    assert rows["windows"].tolist() == [1, 1]
    table = faithfulness_table({"quintic": [sums, sums]}, resamples=1000, seed=0)
    assert table.loc[0, ["seeds", "sections", "windows"]].tolist() == [2, 2, 2]
    assert table.loc[0, "effect_all"] == pytest.approx(0.3)
    assert table.loc[0, "rho"] == pytest.approx(-0.5)


def test_a_study_without_pairs_of_blocks():
    """Catches a crash if no window has a pair of blocks."""
    table = faithfulness_table({"quintic": [section_sums(KNOCKOUTS[:0])]}, resamples=1000, seed=0)
    assert table.loc[0, "windows"] == 0 and np.isnan(table.loc[0, "rho"])


def knockouts(route, seed=0):
    model = planted_model(route, LAYERS - 1, seed)
    use_observed_attention(model, CONTEXT)
    windows, blocks = planted_windows(24)
    table = block_knockouts(model, windows, blocks, range(24), late=[LAYERS - 1], bf16=False, description="planted")
    return table.assign(section=0)


def test_late_attention_that_is_the_only_route_is_faithful():
    """Catches a ρ that misses a planted effect, and knockouts that affect the wrong layers."""
    table = knockouts(route=LAYERS - 1)
    measures = window_measures(table)
    assert measures["rho"].mean() > 0.9
    pairs = table[table["knocked_out"] >= 0]
    np.testing.assert_allclose(pairs["effect_late"].astype(float), pairs["effect_all"].astype(float), atol=1e-6)
    assert measures["effect_all"].mean() > 0.01
    assert (measures["comprehensiveness"] > measures["random_knockout"]).all()


@pytest.mark.slow
def test_late_attention_is_not_faithful_if_early_layers_mix_everything():
    """Catches a high ρ for late attention without effect."""
    table = pd.concat([knockouts(0, seed).assign(seed=seed) for seed in range(8)])
    # Late attention is drawn at random: by chance, a single draw may look faithful, or the opposite.
    drawn = [window_measures(rows)["rho"].mean() for _, rows in table.groupby("seed")]
    assert abs(np.mean(drawn)) < 0.25
    measures = window_measures(table[table["seed"] == 0])
    pairs = table[table["knocked_out"] >= 0]
    np.testing.assert_allclose(pairs["effect_late"].astype(float), 0, atol=1e-6)
    assert measures["effect_all"].mean() > 0.01
