"""The arm table: rows with defaults filled in, and rows that describe the same arm."""

import pytest

from localist.study.arms import Arm, arm_table, without_repeats

CONSTRAINT = {
    "penalty": "hinge",
    "fidelity_target": 0.5,
    "weight": {"hinge": 1.0, "group_sparsity": 3.0},
    "applies_to": "weight",
    "min_locality": 0.01,
}
SEMANTIC = {"partition": "semantic"}


def row(**values) -> Arm:
    """The arm `x` of a config row."""
    return arm_table({"constraint": CONSTRAINT, "arms": {"x": SEMANTIC | values}})["x"]


def test_rows_override_the_defaults_of_the_study():
    """Catches an arm trained with another target or weight than its row sets, including zero."""
    table = arm_table(
        {
            "constraint": CONSTRAINT,
            "arms": {
                "zebra": {"schedule": "linear", "partition": "semantic"},
                "distributed": {"schedule": "distributed"},
                "free": {"schedule": "cubic", "partition": "fixed", "fidelity_target": 0, "weight": 0},
                "groups": {"schedule": "cubic", "partition": "fixed", "penalty": "group_sparsity"},
                "backwards": {"schedule": "reversed", "degree": 2, "partition": "semantic"},
                "dosed": {"schedule": "linear", "partition": "semantic", "dose": "quintic"},
                "pushed": {"schedule": "linear", "partition": "semantic", "applies_to": "target"},
            },
        }
    )
    assert list(table.values()) == [
        Arm("zebra", "linear", 1, "semantic", "hinge", 0.5, 1.0, "weight"),
        Arm("distributed", "distributed"),
        Arm("free", "cubic", 3, "fixed", "hinge", 0, 0, "weight"),
        Arm("groups", "cubic", 3, "fixed", "group_sparsity", None, 3.0, "weight"),
        Arm("backwards", "reversed", 2, "semantic", "hinge", 0.5, 1.0, "weight"),
        Arm("dosed", "linear", 1, "semantic", "hinge", 0.5, 1.0, "weight", "quintic"),
        Arm("pushed", "linear", 1, "semantic", "hinge", 0.5, 1.0, "target"),
    ]
    assert list(table) == ["zebra", "distributed", "free", "groups", "backwards", "dosed", "pushed"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"schedule": "quintic"}, {"schedule": "quintic", "fidelity_target": 0.5, "weight": 1.0}),
        # All λ = 1 at α · mean λ of quintic is that mean in every layer at α.
        ({"schedule": "localist", "dose": "quintic"}, {"schedule": "uniform", "degree": 5}),
        ({"schedule": "uniform", "degree": 1, "dose": "cubic"}, {"schedule": "uniform", "degree": 3}),
        ({"schedule": "quintic"}, {"schedule": "quintic", "dose": "quintic"}),
        ({"schedule": "reversed", "degree": 5}, {"schedule": "reversed", "degree": 5, "dose": "quintic"}),
        ({"schedule": "localist"}, {"schedule": "localist", "applies_to": "target"}),
    ],
)
def test_equivalent_rows_give_the_same_arm(one, other):
    """Catches an arm that is trained twice because its rows are written differently."""
    assert row(**one) == row(**other)


@pytest.mark.parametrize(
    "change",
    [
        {"schedule": "cubic"},
        {"partition": "fixed"},
        {"fidelity_target": 0.4},
        {"weight": 2.0},
        {"applies_to": "target"},
        {"dose": "linear"},
        {"penalty": "group_sparsity"},
    ],
)
def test_different_rows_give_different_arms(change):
    """Catches a field missing from the comparison, so that an arm is reported with another's numbers."""
    assert row(schedule="quintic") != row(**{"schedule": "quintic"} | change)


def test_repeated_arms_map_to_the_first_name():
    """Catches a repeat that is trained again, or that maps to an arm that is not trained."""
    arms = {
        "distributed": {"schedule": "distributed"},
        "quintic": {"schedule": "quintic"} | SEMANTIC,
        "again": {"schedule": "quintic", "weight": 1.0} | SEMANTIC,
        "baseline": {"schedule": "distributed"},
        "third": {"schedule": "quintic", "fidelity_target": 0.5} | SEMANTIC,
    }
    unique, same = without_repeats(arm_table({"constraint": CONSTRAINT, "arms": arms}))
    assert list(unique) == ["distributed", "quintic"]
    assert same == {"again": "quintic", "baseline": "distributed", "third": "quintic"}


def test_the_distributed_arm_does_not_depend_on_the_constraint():
    """Catches a baseline that is retrained whenever the constraint's defaults change."""
    arms = {"distributed": {"schedule": "distributed"}}
    one = arm_table({"constraint": CONSTRAINT, "arms": arms})
    other = arm_table(
        {
            "constraint": CONSTRAINT | {"weight": {"hinge": 9.0, "group_sparsity": 9.0}, "fidelity_target": 0.1},
            "arms": arms,
        }
    )
    assert one["distributed"].as_params() == other["distributed"].as_params()


def test_params_rebuild_the_arm():
    """Catches a field that does not reach the rule's script."""
    arm = Arm("quintic", "quintic", 5, "semantic", "hinge", 0.25, 2.0, "weight", "linear")
    assert Arm(**arm.as_params()) == arm


def test_the_baseline_keeps_its_name():
    """Catches the baseline reported under the name of another distributed row that precedes it."""
    rows = {"plain": {"schedule": "distributed"}, "distributed": {"schedule": "distributed"}}
    arms, same = without_repeats(arm_table({"constraint": CONSTRAINT, "arms": rows}))
    assert list(arms) == ["distributed"] and same == {"plain": "distributed"}
