"""Names of LaTeX macros."""

from localist.study.names import macro_name


def test_digits_are_spelled_out():
    """Catches names that LaTeX ends at their first digit or underscore."""
    assert macro_name("arm quintic_target08 late fidelity") == "ArmQuinticTargetZeroEightLateFidelity"
