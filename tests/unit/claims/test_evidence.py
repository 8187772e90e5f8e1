"""Evidence: sums of the right run, section and layer, as arrays."""

import numpy as np
import pandas as pd
import pytest

from localist.claims.evidence import FIDELITY_SUMS, Evidence, fidelity_of_sums, run_evaluation
from localist.study.arms import Arm

SECTIONS = [7, 3]  # in this order in the files; sorted in all results


def tokens(nll: float) -> pd.DataFrame:
    """One token of section 3 and two of section 7; other splits must not count."""
    test = pd.DataFrame({"section": [7, 3, 7], "nll": [nll, nll + 1, nll + 2], "split": "test"})
    return pd.concat([test, test.assign(split="train", nll=99.0)])


def layers(fidelity: float, depth: int = 4) -> pd.DataFrame:
    """Rows as in layers.parquet whose sums identify layer and section; the last layer of section 7 has no row."""
    rows = [
        {"layer": layer, "section": section, "fidelity": fidelity, "chance": 1.0, "queries": 10 * layer + section}
        for layer in range(depth)
        for section in SECTIONS
    ]
    return pd.DataFrame(rows[:-2] + rows[-1:])


def knockouts(sign: int) -> pd.DataFrame:
    """A window of section 7 in which ranks agree for seed 1 and are reversed for seed 2."""
    effects = [1.0, 2.0, 3.0] if sign == 1 else [3.0, 2.0, 1.0]
    pairs = {"block": [1, 2, 2], "knocked_out": [0, 0, 1], "attribution": [0.1, 0.2, 0.3], "effect_all": effects}
    return pd.DataFrame(pairs | {"window": 5, "section": 7, "tokens": 4, "effect_late": 0.0})


def evidence(**changes) -> Evidence:
    """Two arms and two seeds, distinguished by their losses; fidelities distinguish arms."""
    arms = {
        "distributed": Arm("distributed", "distributed"),
        "late": Arm("late", "quintic", 5, "semantic", "hinge", 0.5, 1.0, "weight"),
    }
    runs = {
        (arm, seed): run_evaluation(
            tokens=tokens(10 * number + seed),
            knockout=pd.DataFrame(
                {"section": [3, 7, 3, 7], "nll": [1.0, 2.0, 3.0, 4.0], "partition": ["semantic"] * 2 + ["shifted"] * 2}
            ),
            layers={"semantic": layers(number + 2.0)},
            block_knockouts=knockouts(seed),
        )
        for number, arm in enumerate(arms)
        for seed in (1, 2)
    }
    divergence = layers(0).assign(divergence=lambda rows: rows["layer"] + 1.0, queries=1)
    fields = {
        "arms": arms,
        "seeds": [1, 2],
        "measured": ["semantic"],
        "runs": runs,
        "comparisons": {("late", 1, "distributed", 1): divergence},
        "mean_chances": {("semantic", "train"): 0.4, ("semantic", "test"): 0.5},
        "min_locality": 0.01,
        "resamples": 20,
        "seed": 0,
    }
    return Evidence(**fields | changes)


def test_losses_are_those_of_the_test_split_by_section():
    """Catches losses of another split, arm, seed or section, and sections in the order of the file."""
    assert evidence().sections.tolist() == [3, 7]
    found = evidence().losses("late")
    assert found.shape == (2, 2, 2)
    assert found[1].tolist() == [[13.0, 1.0], [26.0, 2.0]]  # seed 2: 12 + 1; 12 + 14


def test_losses_under_a_knockout_are_those_of_its_partition():
    """Catches the knockout of one partition under the name of another."""
    assert evidence().knockout_losses("late", "shifted")[0].tolist() == [[3.0, 1.0], [4.0, 1.0]]


def test_sums_by_layer_keep_their_axes():
    """Catches swapped sections and layers, and a missing row that is not 0."""
    found = evidence().layers("late", "semantic", ["fidelity", "queries"])
    assert found.shape == (2, 2, 4, 2)
    assert found[0, :, :, 1].tolist() == [[3, 13, 23, 33], [7, 17, 27, 0]]
    assert found[0, 0, :, 0].tolist() == [3.0] * 4


def test_late_sums_cover_the_last_third_and_early_ones_the_first_half():
    """Catches layers from the other end of the model."""
    assert evidence().late_sums("late", "semantic", ["queries"])[0].tolist() == [[33], [0]]
    early = evidence().early_divergence([("late", 1, "distributed", 1)])
    assert early.tolist() == [[[1.0 + 2.0, 2.0], [1.0 + 2.0, 2.0]]]


def test_the_fidelity_gain_weights_layers_by_locality():
    """Catches a manipulation check that includes unconstrained layers."""
    found = evidence()
    own, base = (found.layers(arm, "semantic", FIDELITY_SUMS).mean(axis=0).sum(axis=0) for arm in found.arms)
    gains = fidelity_of_sums(base) - fidelity_of_sums(own)
    weights = np.array([0.0, 0.0, (2 / 3) ** 5, 1.0])  # (1 / 3)^5 is below min_locality
    assert found.fidelity_gain("late").value == pytest.approx((gains * weights).sum() / weights.sum())


def test_faithfulness_is_that_of_the_run_and_section():
    """Catches swapped seeds, and a section without windows that counts as ρ = 0."""
    found = evidence().faithfulness("late", pd.Index([3, 7]))
    assert found.tolist() == [[[0.0, 0.0], [1.0, 1.0]], [[0.0, 0.0], [-1.0, 1.0]]]


def test_chances_are_those_of_the_split():
    """Catches the chance of test windows used for training windows."""
    assert evidence().mean_chance("semantic", "train") == 0.4


def test_resampling_uses_the_settings_of_the_study():
    """Catches a number of resamples or a seed other than the config's."""

    def mean(totals):
        return totals[0][..., 0] / totals[0][..., 1]

    found, other = (evidence(seed=seed).resample([evidence().losses("late")], mean) for seed in (0, 1))
    assert len(found.values) == 20 and (found.values != other.values).any()
