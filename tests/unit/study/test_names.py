"""Names of LaTeX macros."""

from localist.study.names import macro_name


def test_digits_are_spelled_out():
    """Catches macro names with digits or underscores, at which LaTeX ends a name."""
    assert macro_name("arm quintic_target08 late fidelity") == "ArmQuinticTargetZeroEightLateFidelity"
