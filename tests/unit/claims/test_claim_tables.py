"""Tables of claims, contrasts and manipulation checks."""

import numpy as np
import pytest
from synthetic_study import Plan, planted_histories, planted_study

from localist.claims.claim_tables import Words, active_at_ends, claims_table, contrasts_table, manipulation_table
from localist.claims.claims import CLAIMS
from localist.claims.judging import judge, manipulation_checks


@pytest.fixture(scope="module")
def study():
    """A study with every arm but one; semantic blocks help."""
    plan = Plan(losses={"quintic_shifted": 0.06, "localist": 0.1}, without=["quintic_fixed"])
    return planted_study(plan)


@pytest.fixture(scope="module")
def judged(study):
    """All claims, judged together."""
    return judge(study, min_sections=20, gains=manipulation_checks(study))


def words_of(judged):
    return [Words(f"reason of {one.name}", f"sentence of {one.name}") for one in judged]


def test_each_claim_has_a_row_with_its_numbers(judged):
    """Catches a missing claim, and numbers of a part that does not decide the verdict."""
    table = claims_table(judged, words_of(judged))
    assert table["claim"].tolist() == list(CLAIMS)
    row = table.set_index("claim").loc["meaning_matters"]
    assert row["verdict"] == "supported" and row["arms"] == "quintic_shifted;quintic"
    assert row["effect"] == pytest.approx(100 * np.expm1(0.06), abs=0.3)
    assert row["ci_low"] < row["effect"] < row["ci_high"] and row["p"] <= row["p_holm"] < 0.05
    assert (row["unit"], row["seeds"], row["sections"]) == ("% perplexity", 3, 24)
    direction = table.set_index("claim").loc["direction_matters"]
    parts = contrasts_table(judged).set_index("claim").loc["direction_matters"]
    assert len(parts) == 2 and direction["p"] == parts["p"].max()


def test_reasons_are_in_the_row_of_their_claim(judged):
    """Catches the reason, sentence or code of another claim."""
    table = claims_table(judged, words_of(judged)).set_index("claim")
    assert table["reason"].tolist() == [f"reason of {name}" for name in table.index]
    assert table["sentence"].tolist() == [f"sentence of {name}" for name in table.index]
    assert table.loc["semantic_beats_fixed", "reason_code"] == "arm_missing"
    assert table.loc["meaning_matters", "reason_code"] == "beyond_the_null"


def test_manipulation_checks_cover_the_constrained_arms(study):
    """Catches a check of the baseline, and a wrong gain, result or active share of a constrained arm."""
    checks = manipulation_table(study, manipulation_checks(study), planted_histories(study)).set_index("arm")
    assert "distributed" not in checks.index
    assert checks.loc["quintic", "gain"] == pytest.approx(0.3) and checks.loc["quintic", "passed"]
    assert (checks.loc["quintic", "active_first"], checks.loc["quintic", "active_last"]) == pytest.approx(
        (0.974, 0.026), abs=1e-3
    )


def test_an_arm_below_its_minimum_gain_fails_its_check():
    """Catches an arm that passes although its constraint had no effect."""
    study = planted_study(Plan(gain=0.02))
    checks = manipulation_table(study, manipulation_checks(study), planted_histories(study)).set_index("arm")
    assert checks.loc["quintic", "gain"] < checks.loc["quintic", "minimum"]
    assert not checks.loc["quintic", "passed"]


def test_active_shares_are_means_at_both_ends():
    """Catches the mean of the whole run, and swapped ends."""
    assert active_at_ends(np.array([1.0, 0.8, *[0.5] * 16, 0.2, 0.0])) == pytest.approx((0.9, 0.1))
    assert active_at_ends(np.array([0.7])) == pytest.approx((0.7, 0.7))
