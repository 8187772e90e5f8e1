"""Resampling over seeds and test sections: intervals, p-values and standard errors (our choice of method).

Sections are drawn with replacement, as many as there are, jointly for all seeds and arms. Two to five seeds are too few
to resample: a draw of three has ten outcomes, and the resulting intervals are far too short. The deviation due to seeds
is therefore drawn from Student's t distribution with the standard error over seeds, and added to that of the sections.
With one seed the interval describes that one run.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri, stdtrit

Totals = Sequence[np.ndarray]
ALPHA = 0.05  # intervals are 95 %, and p-values two-sided to match


@dataclass(frozen=True)
class Resampled:
    """One estimate with its resampled values [resamples], and the two parts of its standard error.

    seed_error, section_error: standard errors from the spread over seeds (NaN for one seed) and over sections.
    """

    value: float
    values: np.ndarray
    seeds: int
    sections: int
    seed_error: float
    section_error: float

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval."""
        low, high = np.quantile(self.values, [ALPHA / 2, 1 - ALPHA / 2])
        return float(low), float(high)

    def p_above(self, null: float) -> float:
        """Two-sided p of the hypothesis that the truth is at most `null`; below 0.05 if the interval lies above it.

        1 if the estimate cannot be computed.
        """
        if not np.isfinite(self.values).all():
            return 1.0
        return min(1.0, 2 * (1 + int((self.values <= null).sum())) / (1 + len(self.values)))


def resample(
    samples: Totals,
    estimate: Callable[[Totals], np.ndarray],
    *,
    resamples: int,
    seed: int,
    rings: Sequence[bool] | None = None,
) -> Resampled:
    """The estimate over all seeds and sections, and its values under resampling.

    samples: arrays [seeds, sections, …] of sums over the same sections; the seeds of different arrays are not paired
    (see `paired`) and have equal weight. estimate: maps the arrays' totals over sections, which may have leading
    dimensions, to one value for each of these. rings: the arrays whose first axis is pairs of seeds in a ring (see
    `ring_factor`), which are not independent; by default none.
    """
    generator = np.random.default_rng(seed)
    means = [sample.mean(axis=0) for sample in samples]  # [sections, …]
    whole = [mean.sum(axis=0) for mean in means]
    value = float(estimate(whole))
    sections = len(means[0])
    draws = generator.multinomial(sections, np.full(sections, 1 / sections), size=resamples)  # [resamples, sections]
    drawn = estimate([np.tensordot(draws, mean, axes=1) for mean in means])
    deviations = (drawn - value) * _heavier_tails(sections)
    errors = list(_seed_errors(samples, whole, estimate, rings or [False] * len(samples)))
    for degrees, error in errors:
        deviations = deviations + error * generator.standard_t(degrees, size=resamples)
    return Resampled(
        value=value,
        values=value + deviations,
        seeds=max(len(sample) for sample in samples),
        sections=sections,
        seed_error=float(np.sqrt(sum(error**2 for _, error in errors))) if errors else np.nan,
        section_error=float(np.std(drawn)) * np.sqrt(sections / max(sections - 1, 1)),
    )


def paired(*samples: np.ndarray) -> np.ndarray:
    """Arrays [seeds, sections, …, components] of the same seeds as one, so that each seed is compared with itself."""
    return np.concatenate(samples, axis=-1)


def ring_factor(pairs: int) -> float:
    """Correction of the standard error over pairs of seeds: each seed with the next, and the last with the first.

    The standard error of their mean is this many times that of independent pairs, if a pair's value is the sum of two
    contributions, one of each seed: the mean contains every seed twice, and neighbouring pairs share one. Takes three
    pairs or more.
    """
    return float(np.sqrt(2 * (pairs - 1) / (pairs - 2)))


def ring_degrees(pairs: int) -> float:
    """Degrees of freedom of that standard error, by matching the moments of the pairs' sample variance (Satterthwaite).

    The deviations of k pairs have k − 1 variances, 2 + 2 cos(2πj / k). These sum to 2k − 4, their squares to 6k − 16.
    """
    return (2 * pairs - 4) ** 2 / (6 * pairs - 16)


def _seed_errors(
    samples: Totals, whole: Totals, estimate: Callable[[Totals], np.ndarray], rings: Sequence[bool]
) -> Iterator[tuple[float, float]]:
    """For each array of several seeds, the degrees of freedom of its contribution to the standard error of the
    estimate, and that contribution."""
    for number, sample in enumerate(samples):
        count = len(sample)
        if count > 1:
            totals = [np.broadcast_to(total, (count, *total.shape)) for total in whole]
            totals[number] = sample.sum(axis=1)
            error = float(np.std(estimate(totals), ddof=1) / np.sqrt(count))
            yield (ring_degrees(count), ring_factor(count) * error) if rings[number] else (count - 1, error)


def _heavier_tails(count: int) -> float:
    """Correction of a bootstrap over `count` units, which divides by n instead of n − 1 and has the light tails of a
    normal distribution. NaN for one unit, which says nothing about the spread."""
    if count < 2:
        return np.nan
    return np.sqrt(count / (count - 1)) * stdtrit(count - 1, 1 - ALPHA / 2) / ndtri(1 - ALPHA / 2)
