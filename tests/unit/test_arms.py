"""The arm table: what a row means, with defaults filled in."""

from localist.arms import Arm, arm_table

CONSTRAINT = {
    "penalty": "hinge",
    "fidelity_target": 0.5,
    "strength": {"hinge": 1.0, "group_sparsity": 3.0},
    "minimum_locality": 0.01,
}


def test_rows_override_the_defaults_of_the_study():
    """Catches an arm that is trained with another target or strength than its row says, a zero included."""
    table = arm_table(
        {
            "constraint": CONSTRAINT,
            "arms": {
                "zebra": {"schedule": "linear", "partition": "semantic"},
                "distributed": {"schedule": "distributed"},
                "free": {"schedule": "cubic", "partition": "window", "fidelity_target": 0, "strength": 0},
                "groups": {"schedule": "cubic", "partition": "window", "penalty": "group_sparsity"},
            },
        }
    )
    assert list(table.values()) == [
        Arm("zebra", "linear", "semantic", "hinge", 0.5, 1.0),
        Arm("distributed", "distributed", None, None, None, None),
        Arm("free", "cubic", "window", "hinge", 0, 0),
        Arm("groups", "cubic", "window", "group_sparsity", None, 3.0),
    ]
    assert list(table) == ["zebra", "distributed", "free", "groups"]


def test_the_distributed_arm_does_not_depend_on_the_constraint():
    """Catches a baseline that is trained again whenever the constraint's defaults change."""
    arms = {"distributed": {"schedule": "distributed"}}
    one = arm_table({"constraint": CONSTRAINT, "arms": arms})
    other = arm_table(
        {
            "constraint": CONSTRAINT | {"strength": {"hinge": 9.0, "group_sparsity": 9.0}, "fidelity_target": 0.1},
            "arms": arms,
        }
    )
    assert one["distributed"].as_params() == other["distributed"].as_params()


def test_params_rebuild_the_arm():
    """Catches a field that does not reach the rule's script."""
    arm = Arm("quintic", "quintic", "semantic", "hinge", 0.25, 2.0)
    assert Arm(**arm.as_params()) == arm
