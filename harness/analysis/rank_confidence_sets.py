"""Simultaneous confidence sets for places (Mogstad, Romano, Shaikh and Wilhelm 2024, Review of Economic Studies 91:476-518, section 3).

One explainer is surely ahead of another where the hypothesis that it is not is rejected, for all ordered pairs at once. Whoever is
surely ahead bounds a place from above, and whoever is surely behind from below: unless a hypothesis is rejected in error, the sets hold
every true place, and of explainers that truly tie each place that any order could give them.

Where estimates are biased by how they were looked for, and of one explainer more than of another, a difference of two shows the biases,
too. So who is ahead is asked of an estimate that is not too great in the mean, beside one of the other that is not too small.

A difference is judged by Student's t, its standard error being that of the resampled differences with the n / (n - 1) that a bootstrap
lacks, or by the t that is corrected for their skewness if that is nearer to 0: two explainers differ where the interval of the mean of
their difference leaves out 0. What p has to be below for many pairs follows Holm (1979) up to HOLM_BELOW samples: few samples do not know
well enough how differences vary together. From there on it is the tail beyond the quantile of the greatest resampled difference, with the
step-down of Romano and Wolf (2005, Econometrica 73:1237-1282). ``benchmarks/results/rank_coverage.md`` has the coverage.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from harness.analysis.ranking import TIE_TOLERANCE
from harness.results.field_types import Bools, Floats

HOLM_BELOW = 100
"""Samples from which resamples tell how great the greatest difference can be: taken at its word from 30, it covers 92 instead of 95 %."""


@dataclass(frozen=True)
class RankSets:
    """Places of E explainers, 1 the greatest estimate: ``low`` and ``high`` (E,), NaN without an estimate; who ``differ`` (E, E)."""

    low: Floats
    high: Floats
    differ: Bools


def rank_confidence_sets(
    estimates: Floats, draws: Floats, size: float | Floats, confidence: float = 0.95, greater: tuple[Floats, Floats] | None = None
) -> RankSets:
    """Sets that hold the places of all ``estimates`` (E,) at once with probability ``confidence``.

    ``draws`` (R, E) are the estimates over resamples of the same ``size`` samples, shared by all explainers (where some of these lack
    samples, of each (E,)); a resample that lacks any of them is left out. An estimate that is NaN takes no place and differs from none.
    ``greater``: estimates and draws that are not too small in the mean, where the others may be; who is ahead of an explainer has to be
    ahead of these.
    """
    kept = np.flatnonzero(~np.isnan(estimates))
    upper, upper_draws = (estimates, draws) if greater is None else greater
    whole = ~np.isnan(draws[:, kept] + upper_draws[:, kept]).any(axis=1)
    ahead = np.zeros((len(estimates), len(estimates)), dtype=bool)
    if whole.sum() > 1:
        sizes = np.broadcast_to(np.asarray(size, dtype=np.float64), estimates.shape)[kept]
        drawn, drawn_upper = draws[np.ix_(whole, kept)], upper_draws[np.ix_(whole, kept)]
        ahead[np.ix_(kept, kept)] = _surely_ahead(estimates[kept], drawn, upper[kept], drawn_upper, sizes, 1 - confidence)
    low, high = np.full((2, len(estimates)), np.nan)
    low[kept] = 1 + ahead.sum(axis=0)[kept]
    high[kept] = len(kept) - ahead.sum(axis=1)[kept]
    return RankSets(low, high, ahead | ahead.T)


def _can_tell(size: Floats, error: float) -> Bools:
    """Whether so many samples can say anything: all agree by chance with probability 2^(1 - n), whatever they agree on."""
    return (size > 1) & (0.5 ** (size - 1) <= error)


def _surely_ahead(lower: Floats, lower_draws: Floats, upper: Floats, upper_draws: Floats, sizes: Floats, error: float) -> Bools:
    """``(K, K)`` whether the ``lower`` of the row is ahead of the ``upper`` of the column; any is in error with probability ``error``."""
    first, second = np.nonzero(~np.eye(len(lower), dtype=bool))
    size = np.minimum(sizes[first], sizes[second])
    told, size = _can_tell(size, error), np.maximum(size, 2)
    difference = lower[first] - upper[second]
    standardised = (lower_draws - lower_draws.mean(axis=0))[:, first]
    standardised -= (upper_draws - upper_draws.mean(axis=0))[:, second]
    spread = np.sqrt(np.einsum("rp,rp->p", standardised, standardised) / len(lower_draws))
    noise = TIE_TOLERANCE * np.maximum(np.abs(lower_draws).max(axis=0)[first], np.abs(upper_draws).max(axis=0)[second])
    varied, unequal = spread > noise, np.abs(difference) > noise
    standardised /= np.where(varied, spread, np.inf)
    # a difference that never varies has no t: it counts as n, which is its t as soon as one sample more has no difference
    t = np.where(unequal, np.copysign(size, difference), 0.0)
    np.divide(difference, spread * np.sqrt(size / (size - 1)), out=t, where=varied)
    corrected = unskew(t, np.einsum("rp,rp,rp->p", *[standardised] * 3) / len(lower_draws))
    p = special.stdtr(size - 1, -np.clip(np.minimum(t, corrected), -size, size))

    def level(left: Bools) -> float:
        if size[left].min() < HOLM_BELOW:
            return error / int(left.sum())
        return float(special.ndtr(-np.quantile(standardised[:, left].max(axis=1, initial=0.0), 1 - error)))

    ahead = np.zeros((len(lower), len(lower)), dtype=bool)
    ahead[first, second] = step_down(p, told & (varied | unequal), level)
    return ahead


def unskew(t: Floats, skewness: Floats) -> Floats:
    """Studentised means with the ``skewness`` of their distribution taken out, by the monotone cubic of Hall (1992, JRSS B 54:221-228)."""
    return np.asarray(t + skewness * (t**2 / 3 + 1 / 6) + skewness**2 * t**3 / 27)


def step_down(p: Floats, tested: Bools, level: Callable[[Bools], float]) -> Bools:
    """Hypotheses of those ``tested`` that are rejected: whose ``p`` is below the ``level`` of all that are left, until none is."""
    left = tested.copy()
    while left.any():
        rejected = left & (p < level(left))
        if not rejected.any():
            break
        left &= ~rejected
    return tested & ~left
