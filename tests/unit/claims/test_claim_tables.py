"""The tables of claims say what was judged, and whether each constraint acts."""

import numpy as np
import pytest
from synthetic_study import Plan, write_study

from localist.claims.claim_tables import active_at_ends, claims_table, contrasts_table, manipulation_table
from localist.claims.claims import CLAIMS
from localist.claims.judging import checked_arms, judge
from localist.report.pages import claims_page, shown_claims


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A study with every arm but one; semantic blocks help."""
    plan = Plan(losses={"quintic_shifted": 0.06, "localist": 0.1}, without=["quintic_fixed"])
    return write_study(tmp_path_factory.mktemp("study"), plan)


@pytest.fixture(scope="module")
def judged(study):
    """All claims, judged together."""
    return judge(study, min_sections=20, gains=checked_arms(study))


def test_there_is_a_row_per_claim_with_its_numbers(judged):
    """Catches a claim that is left out, and numbers that belong to a part that the verdict does not hang on."""
    table = claims_table(judged)
    assert table["claim"].tolist() == list(CLAIMS)
    row = table.set_index("claim").loc["meaning_matters"]
    assert row["verdict"] == "supported" and row["arms"] == "quintic_shifted;quintic"
    assert row["effect"] == pytest.approx(100 * np.expm1(0.06), abs=0.3)
    assert row["ci_low"] < row["effect"] < row["ci_high"] and row["p"] <= row["p_holm"] < 0.05
    assert (row["unit"], row["seeds"], row["sections"]) == ("% perplexity", 3, 24)
    direction = table.set_index("claim").loc["direction_matters"]
    parts = contrasts_table(judged).set_index("claim").loc["direction_matters"]
    assert len(parts) == 2 and direction["p"] == parts["p"].max()


def test_a_claim_hangs_on_its_weakest_part(tmp_path):
    """Catches a supported claim that shows off its strongest part, where resampling gives both the same p."""
    study = write_study(tmp_path, Plan(losses={"linear": 0.2, "cubic": 0.02}))
    claims = {"steeper_is_better": CLAIMS["steeper_is_better"]}
    (found,) = judge(study, min_sections=20, gains=checked_arms(study), claims=claims)
    assert found.verdict == "supported" and len({contrast.p for contrast in found.contrasts}) == 1
    assert found.weakest.label == "cubic against quintic"


def test_the_page_says_whether_each_constraint_acts(judged, study):
    """Catches a manipulation check that is left out, or that passes below its minimum."""
    checks = manipulation_table(study, checked_arms(study), study.evidence.results)
    by_arm = checks.set_index("arm")
    assert "distributed" not in by_arm.index
    assert by_arm.loc["quintic", "gain"] == pytest.approx(0.3) and by_arm.loc["quintic", "passed"]
    assert (by_arm.loc["quintic", "active_first"], by_arm.loc["quintic", "active_last"]) == pytest.approx(
        (0.974, 0.026), abs=1e-3
    )
    page = claims_page(claims_table(judged), checks.assign(passed=checks["arm"] != "uniform"))
    assert "+0.300 (+0.300 to +0.300)" in page and "active, last tenth" in page
    assert page.count("<td>no</td>") == 1


def test_active_shares_are_those_of_the_ends():
    """Catches the mean of the whole run, and the ends in each other's place."""
    assert active_at_ends(np.array([1.0, 0.8, *[0.5] * 16, 0.2, 0.0])) == pytest.approx((0.9, 0.1))
    assert active_at_ends(np.array([0.7])) == pytest.approx((0.7, 0.7))


def test_what_was_not_tested_shows_no_numbers(judged):
    """Catches NaN on a page, and a verdict that hides what it lacks."""
    plain = shown_claims(claims_table(judged))
    assert not plain.astype(str).isin(["nan", "<NA>", "None"]).any(axis=None)
