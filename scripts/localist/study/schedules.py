"""Locality schedules: one number per layer (method.md, Schedules)."""

from localist.plumbing.errors import UserError

DEGREES = {"linear": 1, "cubic": 3, "quintic": 5}
CONTROLS = ("reversed", "uniform")
SCHEDULES = ("distributed", "localist", *DEGREES, *CONTROLS)


def locality_by_layer(schedule: str, layers: int, *, min_locality: float, degree: float | None = None) -> list[float]:
    """λ of each of `layers` layers, in [0, 1]; values below `min_locality` are 0, and leave their layer untouched.

    degree: β of the two controls, which are made from the polynomial schedule of that degree: `reversed` runs from late
    to early, `uniform` has its mean in every layer. Raises UserError for a schedule that is not in SCHEDULES.
    """
    if schedule == "distributed":
        values = [0.0] * layers
    elif schedule == "localist":
        values = [1.0] * layers
    elif schedule in DEGREES:
        values = _polynomial(DEGREES[schedule], layers)
    elif schedule == "reversed":
        values = _polynomial(degree, layers)[::-1]
    elif schedule == "uniform":
        # The mean of what the polynomial schedule really applies, so that the two have the same dose.
        values = [sum(_without_small(_polynomial(degree, layers), min_locality)) / layers] * layers
    else:
        raise UserError(f"schedule {schedule!r} is unknown. Known schedules: {', '.join(SCHEDULES)}.")
    return _without_small(values, min_locality)


def dose_matched(weight: float, locality: list[float], dose: list[float]) -> float:
    """The weight α at which `locality` has the same α · mean λ as `dose` has at `weight`."""
    return weight * sum(dose) / sum(locality)


def _polynomial(degree: float, layers: int) -> list[float]:
    return [(layer / (layers - 1)) ** degree if layers > 1 else 1.0 for layer in range(layers)]


def _without_small(values: list[float], min_locality: float) -> list[float]:
    return [value if value >= min_locality else 0.0 for value in values]
