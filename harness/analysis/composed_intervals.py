"""Intervals of numbers that are composed of several means: a headline over metrics, a mean over groups, a mean over training seeds."""

from __future__ import annotations

import numpy as np

from harness.analysis.bootstrap import nan_mean
from harness.analysis.interval_formulas import student, wilson
from harness.analysis.ranking import TIE_TOLERANCE, varies
from harness.results.field_types import Floats

REPLICATES_FROM = 3  # training seeds below which a mean over them has no interval: two say next to nothing of how seeds vary
ALIKE_SAMPLES = 2
"""Samples that are added, all of whose metrics say the same: few samples do not show how seldom metrics are lost together."""


def estimate_interval(
    estimate: Floats, draws: Floats, size: float | Floats, confidence: float, bounds: tuple[float, float] = (0.0, 1.0)
) -> tuple[Floats, Floats]:
    """Interval of statistics that are composed of sample means of values between ``bounds``: low and high ``(E,)``, inside these.

    Wilson's, of the number of hits and misses that would vary as much as the statistic does over its resamples, with as many degrees of
    freedom as the samples give (so do surveys: Dean and Pagano 2015, and ``svyciprop`` of Lumley's survey). A symmetric interval is too
    short on the inner side of an estimate near a bound. The variance is shrunk towards that of metrics which are won and lost together,
    the greatest that there can be, as if 2 samples more had been so.

    Args:
        estimate: ``(E,)``.
        draws: ``(R, E)``, the same over resampled samples, NaN left out.
        size: samples that were resampled, of all or ``(E,)`` of each. Of a mean over groups: of one data set its samples, as its models
            share them; of several, as many times the harmonic mean of theirs.
        confidence: that the true value lies inside.
        bounds: least and greatest value that there can be.

    NaN below 2 samples, for an estimate that is NaN, and where draws do not vary, as long as the estimate is inside the bounds. At a
    bound, where nothing varies because every sample says the same, the interval is that of ``size`` hits without a miss.
    """
    few, size = np.less(size, 2), np.maximum(size, 2)
    lowest, width = bounds[0], bounds[1] - bounds[0]
    share = np.clip((estimate - lowest) / width, 0, 1)
    share = np.where(share < TIE_TOLERANCE, 0.0, np.where(share > 1 - TIE_TOLERANCE, 1.0, share))  # a sum of weights may miss 1 by a bit
    sharp, varied = (share == 0) | (share == 1), varies(draws)
    together = np.where(sharp, 1.0, share * (1 - share)) / size
    variance = nan_mean((draws - nan_mean(draws)) ** 2) / width**2 * size / (size - 1)
    variance = (size * variance + ALIKE_SAMPLES * together) / (size + ALIKE_SAMPLES)
    low, high = wilson(share, np.where(sharp, size, together * size / variance), confidence, size - 1)
    none = few | (~varied & ~sharp)
    return np.where(none, np.nan, lowest + width * low), np.where(none, np.nan, lowest + width * high)


def replicate_interval(values: Floats, confidence: float) -> tuple[Floats, Floats]:
    """Student's t interval ``(E,)`` of the means of ``values`` (S, E) of S training seeds, NaN left out; NaN below 3 seeds.

    Of the mean over seeds that might have been, for these samples. NaN, too, where all seeds agree.
    """
    count = (~np.isnan(values)).sum(axis=0).astype(np.float64)
    mean = nan_mean(values)
    some = (count >= REPLICATES_FROM) & varies(values)
    low, high = np.full((2, *mean.shape), np.nan)
    error = np.sqrt(np.nansum((values - mean) ** 2, axis=0)[some] / (count[some] - 1) / count[some])
    low[some], high[some] = student(mean[some], error, count[some], confidence)
    return low, high
