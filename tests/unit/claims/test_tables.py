"""Tables: averages by hand, and the bootstrap on planted effects."""

import numpy as np
import pandas as pd
import pytest

from localist.claims.tables import (
    AVERAGES,
    METRIC_COLUMNS,
    bootstrap_perplexity,
    late_summary,
    layer_rows,
    losses_by_section,
    metric_rows,
    summary_table,
)
from localist.study.arms import Arm


def layer_sums(**columns) -> pd.DataFrame:
    """Rows as in layers.parquet; sums that are not given are 0, counts 1."""
    length = len(columns["layer"])
    counts = {"queries": 1, "queries_all": 1, "queries_visible": 1}
    return pd.DataFrame(
        {name: [0.0] * length for name in AVERAGES} | {n: [c] * length for n, c in counts.items()}
    ).assign(section=range(length), **columns)


def losses(nll, tokens, index=None) -> pd.DataFrame:
    frame = {"nll": np.asarray(nll, float), "tokens": np.asarray(tokens)}
    return pd.DataFrame(frame, index=index if index is not None else range(len(nll)))


def test_layer_averages_by_hand():
    """Catches a mean of section means (sections differ in size), a wrong divisor, and mixed-up layers."""
    sums = layer_sums(
        layer=[0, 0, 1, 1],
        fidelity=[1.0, 5.0, 3.0, 6.0],
        chance=[1.0, 2.0, 1.5, 1.5],
        queries=[2, 8, 5, 5],
        sink_share=[4.0, 8.0, 0.0, 2.0],
        queries_all=[10, 10, 4, 4],
        distance_tokens=[30.0, 10.0, 7.0, 7.0],
        queries_visible=[5, 5, 7, 7],
    )
    rows = layer_rows(sums, [0.0, 1.0]).set_index("layer")
    assert rows["fidelity"].tolist() == pytest.approx([0.6, 0.9])
    assert rows["chance"].tolist() == pytest.approx([0.3, 0.3])
    assert rows["fidelity_corrected"].tolist() == pytest.approx([0.3 / 0.7, 0.6 / 0.7])
    assert rows["sink_share"].tolist() == pytest.approx([0.6, 0.25])
    assert rows["distance_tokens"].tolist() == pytest.approx([4.0, 1.0])
    assert rows["queries"].tolist() == [10, 10]
    assert rows["locality"].tolist() == [0.0, 1.0]


def test_a_layer_without_counted_queries_has_no_fidelity():
    """Catches a zero or a crash if nothing was measured."""
    rows = layer_rows(layer_sums(layer=[0, 1], queries=[0, 4], fidelity=[0.0, 2.0]), [0.0, 1.0])
    assert np.isnan(rows["fidelity"][0]) and np.isnan(rows["fidelity_corrected"][0])
    assert rows["fidelity"][1] == 0.5


def test_the_late_summary_by_hand():
    """Catches early layers in the late summary, and averages that do not weight sections by their queries."""
    sums = layer_sums(
        layer=[0, 1, 2, 3, 4, 5, 4, 5],
        fidelity=[9.0, 9.0, 9.0, 9.0, 1.0, 2.0, 3.0, 0.0],
        chance=[9.0, 9.0, 9.0, 9.0, 0.5, 0.5, 1.0, 0.0],
        queries=[9, 9, 9, 9, 2, 3, 5, 0],
        sink_share=[9.0, 9.0, 9.0, 9.0, 1.0, 1.0, 2.0, 4.0],
        queries_all=[9, 9, 9, 9, 4, 4, 6, 6],
    )
    late = late_summary(sums)
    assert late["late_chance"] == pytest.approx(0.2)
    assert late["late_fidelity_corrected"] == pytest.approx((0.6 - 0.2) / 0.8)
    assert late["late_sink_share"] == pytest.approx(8 / 20)


def test_a_late_summary_without_counted_queries_is_missing():
    """Catches a crash or a zero if no late query was counted."""
    late = late_summary(layer_sums(layer=[0, 1, 2], queries=[3, 3, 0]))
    assert np.isnan(late["late_fidelity_corrected"])


@pytest.mark.parametrize("measured", [["semantic"], ["semantic", "shifted"]])
def test_the_summary_has_settings_perplexity_and_late_layers_of_each_arm(measured):
    """Catches values of another arm or partition, and a column for a control that was not measured."""
    arms = {"distributed": Arm("distributed", "distributed"), "x": Arm("x", "linear", 1, "fixed")}
    perplexity = pd.DataFrame({"arm": list(arms), "seeds": [1, 2], "perplexity": [3.0, 4.0]})
    late = {
        (arm, partition): {"late_fidelity_corrected": place + 10 * number, "late_chance": 0.5, "late_sink_share": 0.1}
        for place, arm in enumerate(arms)
        for number, partition in enumerate(measured)
    }
    table = summary_table(arms, perplexity, late, "semantic")
    assert table["arm"].tolist() == ["distributed", "x"] and table["schedule"].tolist() == ["distributed", "linear"]
    assert table["perplexity"].tolist() == [3.0, 4.0] and table["late_fidelity_corrected"].tolist() == [0, 1]
    assert ("late_fidelity_corrected_shifted" in table) == ("shifted" in measured)
    if "shifted" in measured:
        assert table["late_fidelity_corrected_shifted"].tolist() == [10, 11]


def test_metric_rows_contain_the_arm_and_the_split():
    """Catches a missing column, or numbers assigned to another split."""
    metrics = {
        split: {"perplexity": value, "bits_per_byte": 1.0, "accuracy": 0.5, "nll": 2.0, "tokens": 9}
        for split, value in (("train", 3.0), ("test", 4.0))
    }
    rows = pd.DataFrame(
        metric_rows(Arm("x", "linear", 1, "fixed", "hinge", 0.5, 2.0, "weight", "quintic"), 7, "fp32", metrics)
    )[METRIC_COLUMNS]
    assert rows["split"].tolist() == ["train", "test"]
    assert rows["perplexity"].tolist() == [3.0, 4.0]
    settings = [column for column in METRIC_COLUMNS[:11] if column != "perplexity_budget"]
    assert rows.loc[0, settings].tolist() == ["x", "linear", 1, "fixed", "hinge", 0.5, 2.0, "weight", "quintic", 7]
    assert rows["precision"].tolist() == ["fp32", "fp32"]


def test_losses_by_section_are_exact_sums():
    """Catches sums in low precision, and sections in the wrong rows."""
    tokens = pd.DataFrame({"section": [1, 1, 2, 1], "nll": np.array([1.5, 2, 4, 1e-8], np.float32)})
    table = losses_by_section(tokens)
    assert table.index.tolist() == [1, 2]
    assert table["tokens"].tolist() == [3, 1]
    assert table.loc[2, "nll"] == 4
    assert table.loc[1, "nll"] == pytest.approx(3.50000001, abs=1e-12)


def test_point_estimates_by_hand():
    """Catches a mean over sections or seeds that is not weighted by tokens."""
    tokens = [10, 30]
    table = bootstrap_perplexity(
        {
            "distributed": [losses([10, 30], tokens)],
            "other": [losses([20, 30], tokens), losses([30, 120], tokens)],
        },
        resamples=100,
        seed=0,
    ).set_index("arm")
    assert table.loc["distributed", "perplexity"] == pytest.approx(np.exp(1.0))
    assert table.loc["other", "perplexity"] == pytest.approx(np.exp(200 / 80))
    assert table.loc["other", "ratio"] == pytest.approx(np.exp(1.5))
    assert table["seeds"].tolist() == [1, 2]
    assert table["sections"].tolist() == [2, 2]


def test_equal_arms_have_a_ratio_of_one():
    """Catches arms resampled separately: equal losses must give exactly 1, with an interval of width 0."""
    rng = np.random.default_rng(0)
    same = losses(rng.uniform(50, 150, 25), rng.integers(20, 80, 25))
    table = bootstrap_perplexity({"distributed": [same], "twin": [same.copy()]}, resamples=300, seed=1)
    assert (table[["ratio", "ratio_low", "ratio_high"]] == 1).all(axis=None)
    assert (table["perplexity_low"] < table["perplexity"]).all()
    assert (table["perplexity_high"] > table["perplexity"]).all()


def test_sections_are_paired_by_name():
    """Catches pairing by row, and unpaired draws: a constant effect has an interval of width 0."""
    rng = np.random.default_rng(2)
    tokens = rng.integers(20, 80, 30)
    base = losses(tokens * rng.uniform(1, 4, 30), tokens, index=range(100, 130))
    worse = losses(base["nll"] + 0.1 * tokens, tokens, index=base.index)
    shuffled = worse.loc[rng.permutation(worse.index)]
    table = bootstrap_perplexity({"distributed": [base], "worse": [shuffled]}, resamples=300, seed=0).set_index("arm")
    values = table.loc["worse", ["ratio", "ratio_low", "ratio_high"]].to_numpy(float)
    np.testing.assert_allclose(values, np.exp(0.1), rtol=1e-9)
    assert table.loc["worse", "perplexity_high"] / table.loc["worse", "perplexity_low"] > 1.2


def test_the_interval_covers_a_planted_effect():
    """Catches intervals that are too narrow: 95 % should contain the truth, with random seeds and sections."""
    effect, covered = 0.05, 0
    for trial in range(40):
        rng = np.random.default_rng(trial)
        tokens = np.full(40, 50)
        section = rng.normal(2.5, 0.4, 40)

        def run(shift, rng=rng, section=section, tokens=tokens):
            return losses(tokens * (section + shift + rng.normal(0, 0.06, 40)), tokens)

        arms = {"distributed": [run(0.0) for _ in range(3)], "worse": [run(effect) for _ in range(3)]}
        row = bootstrap_perplexity(arms, resamples=200, seed=trial).set_index("arm").loc["worse"]
        covered += row["ratio_low"] <= np.exp(effect) <= row["ratio_high"]
        assert row["ratio_low"] <= row["ratio"] <= row["ratio_high"]
    assert covered >= 34


def test_spread_over_seeds_widens_the_interval():
    """Catches a bootstrap that only draws sections and ignores the spread over seeds."""
    tokens = np.full(20, 50)
    nll = tokens * np.linspace(2, 3, 20)
    equal = {"distributed": [losses(nll, tokens)] * 3, "arm": [losses(nll, tokens)] * 3}
    varied = equal | {"arm": [losses(nll + shift * tokens, tokens) for shift in (-0.2, 0.0, 0.2)]}
    narrow, wide = (
        bootstrap_perplexity(arms, resamples=300, seed=0).set_index("arm").loc["arm"] for arms in (equal, varied)
    )
    assert narrow["ratio_high"] == pytest.approx(narrow["ratio_low"])
    assert wide["ratio_high"] / wide["ratio_low"] > 1.1
    assert wide["ratio"] == pytest.approx(1.0)


def test_the_bootstrap_is_reproducible():
    """Catches unseeded draws: the same files would give different tables."""
    tables = [
        bootstrap_perplexity({"distributed": [losses(range(1, 21), [9] * 20)]}, resamples=100, seed=3) for _ in range(2)
    ]
    pd.testing.assert_frame_equal(*tables)
