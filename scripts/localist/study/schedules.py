"""Locality schedules: one number per layer (method.md, Schedules)."""

from collections.abc import Callable, Mapping

from localist.plumbing.errors import UserError

# A schedule: λ by layer, from the number of layers, the degree β, and the smallest λ that counts.
Schedule = Callable[[int, float, float], list[float]]

# The polynomial schedules and their degrees β.
DEGREES = {"linear": 1, "cubic": 3, "quintic": 5}
# Control schedules, made from the polynomial whose degree the arm sets.
CONTROLS = ("reversed", "uniform")


def locality_by_layer(schedule: str, layers: int, *, min_locality: float, degree: float | None = None) -> list[float]:
    """λ of each of `layers` layers, in [0, 1]; values below `min_locality` become 0, leaving their layer unconstrained.

    degree: β of the two controls, which are made from the polynomial schedule of that degree. Raises UserError for an
    unknown schedule.
    """
    if schedule not in SCHEDULES:
        raise UserError(f"schedule {schedule!r} is unknown. Known schedules: {', '.join(SCHEDULES)}.")
    beta = DEGREES.get(schedule, degree if degree is not None else 1)
    return _without_small(SCHEDULES[schedule](layers, beta, min_locality), min_locality)


def dose_matched(weight: float, locality: list[float], dose: list[float]) -> float:
    """The weight α at which `locality` has the same α · mean λ as `dose` at `weight`."""
    return weight * sum(dose) / sum(locality)


def distributed(layers: int, degree: float, min_locality: float) -> list[float]:
    """No locality."""
    return [0.0] * layers


def localist(layers: int, degree: float, min_locality: float) -> list[float]:
    """Full locality in every layer."""
    return [1.0] * layers


def polynomial(layers: int, degree: float, min_locality: float) -> list[float]:
    """(l / (L − 1))^β, rising from 0 in the first layer to 1 in the last."""
    return [(layer / (layers - 1)) ** degree if layers > 1 else 1.0 for layer in range(layers)]


def reversed_polynomial(layers: int, degree: float, min_locality: float) -> list[float]:
    """The polynomial in reverse order of layers."""
    return polynomial(layers, degree, min_locality)[::-1]


def uniform(layers: int, degree: float, min_locality: float) -> list[float]:
    """The mean of the polynomial's effective λ in every layer, so that the two have the same dose."""
    return [sum(_without_small(polynomial(layers, degree, min_locality), min_locality)) / layers] * layers


SCHEDULES: Mapping[str, Schedule] = {
    "distributed": distributed,
    "localist": localist,
    **dict.fromkeys(DEGREES, polynomial),
    "reversed": reversed_polynomial,
    "uniform": uniform,
}


def _without_small(values: list[float], min_locality: float) -> list[float]:
    return [value if value >= min_locality else 0.0 for value in values]
