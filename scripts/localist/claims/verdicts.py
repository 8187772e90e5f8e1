"""The verdict rule: what an interval means for a claim, and how much data would decide it (method.md, Verdicts)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import numpy as np
from scipy.special import fdtr, fdtri, ndtr, stdtrit
from statsmodels.stats.multitest import multipletests

from localist.claims.bootstrap import ALPHA, Resampled

Verdict = Literal["supported", "not supported", "undecided", "not tested"]
Direction = Literal["higher", "lower"]
SUPPORTED: Verdict = "supported"
NOT_SUPPORTED: Verdict = "not supported"
UNDECIDED: Verdict = "undecided"
NOT_TESTED: Verdict = "not tested"
# Advice to use more seeds or sections than this would be useless.
MOST_ADVISED = 2000

Fact = str | float | Sequence[str]


@dataclass(frozen=True)
class Message:
    """Something to report, as data: the templates have a sentence for each `code`, filled in with `facts`."""

    code: str
    facts: Mapping[str, Fact] = field(default_factory=dict)


@dataclass(frozen=True)
class Description:
    """What a contrast compares. label: its name in tables; finding: which sentence reports it; unit: of its values."""

    label: str
    arms: tuple[str, ...]
    unit: str
    finding: Message


@dataclass(frozen=True)
class Margin:
    """The bounds that an effect is compared with, on the scale of its estimate.

    null: the bound that the complete interval must pass, in the direction `better`; smallest: the smallest effect of
    interest, at the null or beyond it.
    """

    better: Direction
    null: float
    smallest: float

    @property
    def sign(self) -> int:
        """1 if higher is better, else −1."""
        return 1 if self.better == "higher" else -1


@dataclass(frozen=True)
class Uncertainty:
    """The inputs of the advice for an open contrast, on the scale of its estimate.

    distance: from the estimate to the farther of null and smallest effect, positive if more data could decide;
    seed_error, section_error: standard errors, as in `Resampled`.
    """

    distance: float
    seed_error: float
    section_error: float


@dataclass(frozen=True)
class Advice:
    """How many seeds, or how many test sections, would decide an open contrast with probability `power`.

    None: no number up to MOST_ADVISED would. before_holm: a supported claim would still have to pass the correction.
    """

    seeds: int | None
    sections: int | None
    power: float
    before_holm: bool = True


@dataclass(frozen=True)
class Contrast:
    """One effect with its interval and its bounds (see `Margin`), all in the unit of its description.

    uncertainty: None for a ratio of standard deviations.
    """

    description: Description
    better: Direction
    null: float
    smallest: float
    value: float
    low: float
    high: float
    p: float
    seeds: int
    sections: int
    test: str
    uncertainty: Uncertainty | None = None

    @property
    def computable(self) -> bool:
        """Whether the data allow an interval at all."""
        return bool(np.isfinite([self.low, self.high]).all())

    @property
    def verdict(self) -> Verdict:
        """supported: the interval lies beyond the null; not supported: it excludes the smallest effect of interest.

        The second takes precedence: an effect that is certain but too small to matter is not the one claimed.
        """
        if not self.computable:
            return UNDECIDED
        sign = 1 if self.better == "higher" else -1
        low, high = sorted((sign * self.low, sign * self.high))
        if high < sign * self.smallest:
            return NOT_SUPPORTED
        return SUPPORTED if low > sign * self.null else UNDECIDED

    def advice(self, power: float, alpha: float) -> Advice | None:
        """How much more data would decide at level `alpha` if the effect equals its estimate; None if unknown."""
        if self.uncertainty is None:
            return _spread_advice(self.value, self.null, power, alpha)
        return advice(self.uncertainty, self.seeds, self.sections, power, alpha)


def bootstrap_contrast(
    resampled: Resampled, margin: Margin, description: Description, scale: Callable[[float], float] = float
) -> Contrast:
    """A contrast from resampled values; `scale` (rising) converts them, and the margin, into the description's unit."""
    sign = margin.sign
    oriented = Resampled(
        sign * resampled.value,
        sign * resampled.values,
        resampled.seeds,
        resampled.sections,
        resampled.seed_error,
        resampled.section_error,
    )
    low, high = resampled.interval
    return Contrast(
        description=description,
        better=margin.better,
        null=scale(margin.null),
        smallest=scale(margin.smallest),
        value=scale(resampled.value),
        low=scale(low),
        high=scale(high),
        p=oriented.p_above(sign * margin.null),
        seeds=resampled.seeds,
        sections=resampled.sections,
        test="bootstrap over sections, Student's t over seeds" if resampled.seeds > 1 else "bootstrap over sections",
        uncertainty=Uncertainty(
            # An estimate between the two is decided by excluding either; the farther one is excluded first.
            distance=max(oriented.value - sign * margin.null, sign * margin.smallest - oriented.value),
            seed_error=resampled.seed_error,
            section_error=resampled.section_error,
        ),
    )


def spread_contrast(
    spread: np.ndarray, baseline: np.ndarray, *, null: float, sections: int, description: Description
) -> Contrast:
    """The ratio of two standard deviations over at least two seeds, with an F interval (normality is our assumption).

    Seeds are paired, which the F distribution ignores; if runs with the same seed are correlated, it is conservative.
    """
    count = len(spread)
    ratio = float(np.std(spread, ddof=1) / np.std(baseline, ddof=1)) if np.ptp(baseline) > 0 else np.nan
    quantile = float(fdtri(count - 1, count - 1, 1 - ALPHA / 2)) ** 0.5
    return Contrast(
        description=description,
        better="lower",
        null=null,
        smallest=null,
        value=ratio,
        low=ratio / quantile,
        high=ratio * quantile,
        p=min(1.0, 2 * float(fdtr(count - 1, count - 1, (ratio / null) ** 2))),
        seeds=count,
        sections=sections,
        test="F test of the variances over seeds",
    )


def overall(contrasts: Iterable[Contrast]) -> Verdict:
    """The verdict of a claim with several parts: supported if every part is, not supported if any part is not."""
    verdicts = {contrast.verdict for contrast in contrasts}
    if NOT_SUPPORTED in verdicts:
        return NOT_SUPPORTED
    return SUPPORTED if verdicts == {SUPPORTED} else UNDECIDED


def holm(p_values: Sequence[float] | np.ndarray) -> np.ndarray:
    """Holm's correction over the claims that have a p; NaN stays NaN."""
    p_values = np.asarray(p_values, float)
    corrected = np.full(len(p_values), np.nan)
    known = np.isfinite(p_values)
    if known.any():
        corrected[known] = multipletests(p_values[known], alpha=ALPHA, method="holm")[1]
    return corrected


def advice(uncertainty: Uncertainty, seeds: int, sections: int, power: float, alpha: float) -> Advice | None:
    """How many seeds or sections would decide, if the effect equals its estimate.

    seeds, sections: the present numbers. None if the distance or the error is unknown or 0.
    """
    distance, section_error = uncertainty.distance, uncertainty.section_error
    if not np.isfinite(distance) or distance <= 0 or not section_error > 0:
        return None
    known = seeds > 1 and np.isfinite(uncertainty.seed_error)
    seed_error = uncertainty.seed_error if known else 0.0
    power_at = partial(_power, distance, alpha=alpha)

    def with_seeds(n: np.ndarray) -> np.ndarray:
        return power_at((seed_error * (seeds / n) ** 0.5, n - 1), (section_error, sections - 1))

    def with_sections(n: np.ndarray) -> np.ndarray:
        return power_at((seed_error, max(seeds - 1, 1)), (section_error * (sections / n) ** 0.5, n - 1))

    more_seeds = _enough(with_seeds, seeds, power) if known else None
    return Advice(more_seeds, _enough(with_sections, sections, power), power)


def _power(distance: float, *parts: tuple[Any, Any], alpha: float) -> np.ndarray:
    """The probability that an interval at level `alpha` excludes a bound at `distance` from the truth.

    parts: independent standard errors, each with the degrees of freedom of its Student's t. The half-width of the
    interval is the root of the sum of the parts' squared half-widths; a part with few degrees of freedom dominates it.
    """
    half_width = sum((stdtrit(freedom, 1 - alpha / 2) * error) ** 2 for error, freedom in parts) ** 0.5
    return ndtr((distance - half_width) / sum(error**2 for error, _ in parts) ** 0.5)


def _enough(power_at: Callable[[np.ndarray], np.ndarray], first: int, power: float) -> int | None:
    """The least number above `first` that has this power; None above MOST_ADVISED."""
    if first >= MOST_ADVISED:
        return None
    counts = np.unique(np.geomspace(first + 1, MOST_ADVISED, 200).astype(int))
    enough = power_at(counts) >= power
    return int(counts[enough.argmax()]) if enough.any() else None


def _spread_advice(ratio: float, null: float, power: float, alpha: float) -> Advice | None:
    """How many seeds would decide by an F test; None if the ratio is unknown or equals its bound."""
    if not np.isfinite(ratio) or ratio == null:
        return None
    apart = (max(ratio, null) / min(ratio, null)) ** 2
    for count in range(3, MOST_ADVISED):
        degrees = (count - 1, count - 1)
        if fdtr(*degrees, apart * fdtri(*degrees, alpha / 2)) >= power:
            return Advice(seeds=count, sections=None, power=power)
    return Advice(seeds=None, sections=None, power=power)
