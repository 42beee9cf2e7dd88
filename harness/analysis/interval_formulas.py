"""Closed forms of intervals, of K quantities at once.

None of them needs resamples, so that an interval hangs on the scores alone. How often each covers, beside the bootstrap's intervals:
``benchmarks/results/coverage.md``.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from harness.results.field_types import Floats


def wilson(share: Floats, count: Floats, confidence: float, freedom: float | Floats = np.inf) -> tuple[Floats, Floats]:
    """Interval of proportions: low and high, inside 0 to 1 (Wilson 1927; Brown, Cai and DasGupta 2001, section 3.1.1).

    Args:
        share: ``(K,)`` the shares seen, from 0 to 1.
        count: ``(K,)`` of how many samples, above 0; where shares are of another kind than independent hits, the number of hits that
            would vary as much.
        confidence: that the true share lies inside.
        freedom: degrees of freedom with which ``count`` was estimated; infinitely many where it is known.
    """
    q2 = special.stdtrit(freedom, (1 + confidence) / 2) ** 2
    centre = (share + q2 / (2 * count)) / (1 + q2 / count)
    half = np.sqrt(q2 / count * (share * (1 - share) + q2 / (4 * count))) / (1 + q2 / count)
    return np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)


def student(mean: Floats, error: Floats, count: Floats, confidence: float) -> tuple[Floats, Floats]:
    """Student's t interval of means (K,) of ``count`` > 1 values with standard errors ``error`` (K,)."""
    half = special.stdtrit(count - 1, (1 + confidence) / 2) * error
    return mean - half, mean + half


def skewed_student(mean: Floats, error: Floats, skewness: Floats, count: Floats, confidence: float) -> tuple[Floats, Floats]:
    """Student's t interval of means with its quantiles corrected for ``skewness`` (K,) of the values (third moment over second^1.5).

    Hall's monotone cubic g(t) = t + c (t²/3 + 1/6) + c² t³/27, c = skewness/√count, takes the skewness from the studentised mean; the
    interval inverts it (Hall 1992, On the removal of skewness by transformation). Equal to Student's where there is no skewness.
    """
    c: Floats = skewness / np.sqrt(count)
    quantile: Floats = np.asarray(special.stdtrit(count - 1, (1 + confidence) / 2), dtype=np.float64)

    def invert(t: Floats) -> Floats:
        root = np.cbrt(1 + c * (t - c / 6))
        return np.asarray(3 * (t - c / 6) / (root**2 + root + 1))  # (3/c)(root - 1), which would divide by 0

    return mean - invert(quantile) * error, mean - invert(-quantile) * error
