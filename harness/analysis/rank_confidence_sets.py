"""Simultaneous confidence sets for places (Mogstad, Romano, Shaikh and Wilhelm 2024, Review of Economic Studies 91:476-518, section 3).

One explainer is surely ahead of another where the hypothesis that it is not is rejected, for all ordered pairs at once. Whoever is
surely ahead bounds a place from above, and whoever is surely behind from below: unless a hypothesis is rejected in error, the sets hold
every true place, and of explainers that truly tie each place that any order could give them.

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


def rank_confidence_sets(estimates: Floats, draws: Floats, size: int, confidence: float = 0.95) -> RankSets:
    """Sets that hold the places of all ``estimates`` (E,) at once with probability ``confidence``.

    ``draws`` (R, E) are the estimates over resamples of the same ``size`` samples, shared by all explainers; a resample that lacks any of
    them is left out. An estimate that is NaN takes no place and differs from none.
    """
    kept = np.flatnonzero(~np.isnan(estimates))
    drawn = draws[:, kept]
    drawn = drawn[~np.isnan(drawn).any(axis=1)]
    ahead = np.zeros((len(estimates), len(estimates)), dtype=bool)
    if _can_tell(size, 1 - confidence) and len(drawn) > 1:
        ahead[np.ix_(kept, kept)] = _surely_ahead(estimates[kept], drawn, size, 1 - confidence)
    low, high = np.full((2, len(estimates)), np.nan)
    low[kept] = 1 + ahead.sum(axis=0)[kept]
    high[kept] = len(kept) - ahead.sum(axis=1)[kept]
    return RankSets(low, high, ahead | ahead.T)


def _can_tell(size: int, error: float) -> bool:
    """Whether so many samples can say anything: all agree by chance with probability 2^(1 - n), whatever they agree on."""
    return size > 1 and 0.5 ** (size - 1) <= error


def _surely_ahead(estimates: Floats, draws: Floats, size: int, error: float) -> Bools:
    """``(K, K)`` whether the explainer of the row is ahead of that of the column; any is in error with probability ``error``."""
    first, second = np.triu_indices(len(estimates), 1)
    difference = estimates[first] - estimates[second]
    deviations = draws - draws.mean(axis=0)
    standardised = deviations[:, first] - deviations[:, second]
    spread = np.sqrt(np.einsum("rp,rp->p", standardised, standardised) / len(draws))
    scale = np.abs(draws).max(axis=0)
    noise = TIE_TOLERANCE * np.maximum(scale[first], scale[second])
    varied, unequal = spread > noise, np.abs(difference) > noise
    standardised /= np.where(varied, spread, np.inf)
    # a difference that never varies has no t: it counts as n, which is its t as soon as one sample more has no difference
    t = np.where(unequal, np.copysign(size, difference), 0.0)
    np.divide(difference, spread * np.sqrt(size / (size - 1)), out=t, where=varied)
    corrected = unskew(t, np.einsum("rp,rp,rp->p", *[standardised] * 3) / len(draws))
    p = special.stdtr(size - 1, np.clip(np.stack([-np.minimum(t, corrected), np.maximum(t, corrected)]), -size, size))

    def level(left: Bools) -> float:
        if size < HOLM_BELOW:
            return error / int(left.sum())
        greatest = [(sign * standardised[:, of]).max(axis=1, initial=0.0) for sign, of in zip((1, -1), left, strict=True)]
        return float(special.ndtr(-np.quantile(np.maximum(*greatest), 1 - error)))

    above, below = step_down(p, np.broadcast_to(varied | unequal, p.shape), level)
    ahead = np.zeros((len(estimates), len(estimates)), dtype=bool)
    ahead[first, second], ahead[second, first] = above, below
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
