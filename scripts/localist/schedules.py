"""Locality schedules: one number per layer (method.md, Schedules)."""

from localist.errors import UserError

DEGREES = {"linear": 1, "cubic": 3, "quintic": 5}
SCHEDULES = ("distributed", "localist", *DEGREES)


def locality_by_layer(schedule: str, layers: int, *, minimum_locality: float) -> list[float]:
    """λ of each of `layers` layers, in [0, 1]; values below `minimum_locality` are 0, and leave their layer untouched.

    Raises UserError for a schedule that is not in SCHEDULES.
    """
    if schedule == "distributed":
        values = [0.0] * layers
    elif schedule == "localist":
        values = [1.0] * layers
    elif schedule in DEGREES:
        values = [(layer / (layers - 1)) ** DEGREES[schedule] if layers > 1 else 1.0 for layer in range(layers)]
    else:
        raise UserError(f"schedule {schedule!r} is unknown. Known schedules: {', '.join(SCHEDULES)}.")
    return [value if value >= minimum_locality else 0.0 for value in values]
