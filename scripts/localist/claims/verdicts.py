"""The verdict rule: what an interval says of a claim, and what would decide one that is open (method.md, Verdicts)."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from scipy.stats import f as f_distribution
from scipy.stats import t
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower

from localist.claims.bootstrap import ALPHA, Resampled

SUPPORTED, NOT_SUPPORTED, UNDECIDED, NOT_TESTED = "supported", "not supported", "undecided", "not tested"
# More than this many seeds or sections is no advice.
MOST_ADVISED = 2000


@dataclass(frozen=True)
class Contrast:
    """One effect with its interval and what it is held against, all in `unit`.

    null: what the whole interval must pass, in the direction `better`, for the claim; smallest: the smallest effect of
    interest, at or beyond the null. phrase: the finding in words. advice: what would decide it, if it is open.
    """

    label: str
    arms: tuple[str, ...]
    unit: str
    better: Literal["higher", "lower"]
    null: float
    smallest: float
    value: float
    low: float
    high: float
    p: float
    seeds: int
    sections: int
    test: str
    phrase: str
    advise: Callable[[float], str]

    @property
    def verdict(self) -> str:
        """supported: the interval lies beyond the null; not supported: it leaves out the smallest effect of interest.

        The second comes first: an effect that is surely there and surely too small to matter is not the one claimed.
        """
        sign = 1 if self.better == "higher" else -1
        low, high = sorted((sign * self.low, sign * self.high))
        if not np.isfinite([low, high]).all():
            return UNDECIDED
        if high < sign * self.smallest:
            return NOT_SUPPORTED
        return SUPPORTED if low > sign * self.null else UNDECIDED


def bootstrap_contrast(
    resampled: Resampled,
    *,
    scale: Callable[[float], float],
    null: float,
    smallest: float,
    power: float,
    better: Literal["higher", "lower"],
    phrase: Callable[[float], str],
    form: Callable[[float], str],
    **description,
) -> Contrast:
    """A contrast from resampled values; null and smallest are on their scale, and `scale` (rising) gives the unit.

    form: how the ends of the interval are written.
    """
    sign = 1 if better == "higher" else -1
    oriented = Resampled(
        sign * resampled.value,
        sign * resampled.values,
        resampled.seeds,
        resampled.sections,
        resampled.seed_error,
        resampled.section_error,
    )
    low, high = resampled.interval
    interval = f"{form(scale(low))} to {form(scale(high))}"
    return Contrast(
        **description,
        better=better,
        null=scale(null),
        smallest=scale(smallest),
        value=scale(resampled.value),
        low=scale(low),
        high=scale(high),
        p=oriented.p_above(sign * null),
        seeds=resampled.seeds,
        sections=resampled.sections,
        test="bootstrap over sections, Student's t over seeds" if resampled.seeds > 1 else "bootstrap over sections",
        phrase=f"{phrase(scale(resampled.value))} (95 % interval {interval})",
        advise=partial(advice, oriented, sign * null, sign * smallest, power),
    )


def spread_contrast(
    spread: Sequence[float], baseline: Sequence[float], *, null: float, power: float, phrase: str, **description
) -> Contrast:
    """The ratio of two standard deviations over two seeds or more, with the F distribution's interval (normal, ours).

    Seeds are paired, which the F distribution does not use; where runs of a seed go together it is too careful.
    """
    count = len(spread)
    ratio = float(np.std(spread, ddof=1) / np.std(baseline, ddof=1)) if np.ptp(baseline) > 0 else np.nan
    quantile = f_distribution.ppf(1 - ALPHA / 2, count - 1, count - 1) ** 0.5
    p = min(1.0, 2 * float(f_distribution.cdf((ratio / null) ** 2, count - 1, count - 1)))
    low, high = ratio / quantile, ratio * quantile
    return Contrast(
        **description,
        better="lower",
        null=null,
        smallest=null,
        value=ratio,
        low=low,
        high=high,
        p=p,
        seeds=count,
        test="F test of the variances over seeds",
        phrase=f"{phrase.format(ratio)} (95 % interval {low:.3g} to {high:.3g})",
        advise=partial(_spread_advice, ratio, null, power),
    )


def overall(contrasts: Iterable[Contrast]) -> str:
    """A claim of several parts: supported if every part is, not supported if any part is not."""
    verdicts = {contrast.verdict for contrast in contrasts}
    if NOT_SUPPORTED in verdicts:
        return NOT_SUPPORTED
    return SUPPORTED if verdicts == {SUPPORTED} else UNDECIDED


def holm(p_values: Sequence[float]) -> np.ndarray:
    """Holm's correction over the claims that have a p; NaN stays."""
    p_values = np.asarray(p_values, float)
    corrected = np.full(len(p_values), np.nan)
    there = np.isfinite(p_values)
    if there.any():
        corrected[there] = multipletests(p_values[there], alpha=ALPHA, method="holm")[1]
    return corrected


def advice(resampled: Resampled, null: float, smallest: float, power: float, alpha: float) -> str:
    """How many seeds, or sections, would decide if the effect is as large as it seems; higher is better here."""
    value = resampled.value
    # Between the two, an interval that leaves out either of them decides; the farther one is left out first.
    distance = max(value - null, smallest - value)
    if not np.isfinite(value) or distance <= 0 or not resampled.section_error > 0:
        return ""
    enough = partial(_enough, distance=distance, power=power, alpha=alpha)
    ways = []
    if np.isfinite(resampled.seed_error):
        spread = resampled.seed_error * resampled.seeds**0.5
        seeds = enough(lambda n: np.hypot(spread / n**0.5, resampled.section_error), resampled.seeds)
        ways += [f"{seeds} seeds"] if seeds else []
    spread = resampled.section_error * resampled.sections**0.5
    other = 0.0 if np.isnan(resampled.seed_error) else resampled.seed_error
    # Where the seeds alone leave it open, no number of sections closes it.
    if resampled.seeds == 1 or t.ppf(1 - alpha / 2, resampled.seeds - 1) * other < distance:
        sections = enough(lambda n: np.hypot(spread / n**0.5, other), resampled.sections)
        ways += [f"{sections} test sections"] if sections else []
    if not ways:
        return "the effect is so near the margin that no number of seeds or test sections within reach would decide it"
    return f"about {' or '.join(ways)} would decide it with probability {power:g}, if the effect is what it seems"


def _enough(error: Callable[[int], float], first: int, *, distance: float, power: float, alpha: float) -> int | None:
    """The least number above `first` at which a t test finds `distance` with that power; None above MOST_ADVISED."""
    if first >= MOST_ADVISED:
        return None
    test = TTestPower()
    for count in np.unique(np.geomspace(first + 1, MOST_ADVISED, 200).astype(int)):
        effect_size = distance / (error(count) * count**0.5)
        if test.power(effect_size, nobs=count, alpha=alpha) >= power:
            return int(count)
    return None


def _spread_advice(ratio: float, null: float, power: float, alpha: float) -> str:
    if not np.isfinite(ratio) or ratio == null:
        return ""
    apart = (max(ratio, null) / min(ratio, null)) ** 2
    for count in range(3, MOST_ADVISED):
        degrees = (count - 1, count - 1)
        if f_distribution.cdf(apart * f_distribution.ppf(alpha / 2, *degrees), *degrees) >= power:
            return f"about {count} seeds would decide it with probability {power:g}, if the ratio is what it seems"
    return ""
