"""Intervals of means that claim no more than the samples know: of proportions, of all other scores, and none of samples that agree.

- Scores that are all 0 or 1 are a proportion: Wilson's interval.
- Else Student's t, and beyond it as far as the t corrected for the skewness of the scores reaches. Neither alone is to be trusted:
  Student's is too short on the long side of skewed scores, and the corrected one too short for symmetric scores with heavy tails, of
  which a few outliers look like skewness. Together they cover for both (``benchmarks/results/coverage.md``, where the bootstrap's
  intervals stand beside them), and where a difference's interval leaves 0 out, its t-test (before any adjustment) finds it, too.
- One sample, or samples that all have the same score, say nothing of how scores vary: no interval.

Intervals are kept inside the bounds of their metric.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.analysis.bootstrap import nan_mean
from harness.analysis.interval_formulas import skewed_student, student, wilson
from harness.analysis.ranking import CHUNK_SIZE, varies
from harness.results.components import MetricInfo
from harness.results.data_model import IntervalKind
from harness.results.field_types import Bools, Floats

ROUNDING = 1e-5  # by how much scores that are computed in float32 may miss a bound of about 1


@dataclass(frozen=True)
class Interval:
    """An estimate with its interval; NaN if it is undefined. ``kind`` says how the interval of a mean was made, if there is one."""

    mean: float
    low: float
    high: float
    kind: IntervalKind | None = None


@dataclass(frozen=True)
class ScoreScale:
    """Limits of the scores of K columns, each ``(K,)``: their bounds (infinite where there are none), and whether they are 0 or 1 alone."""

    lowest: Floats
    highest: Floats
    proportions: Bools

    @classmethod
    def free(cls, columns: int) -> ScoreScale:
        """Any number."""
        return cls(np.full(columns, -np.inf), np.full(columns, np.inf), np.zeros(columns, dtype=bool))

    @classmethod
    def of_metrics(cls, metrics: Sequence[MetricInfo], scores: Floats) -> ScoreScale:
        """Of M metrics, as declared; ``scores`` (N, …, M) decide which are proportions.

        A metric is one if its scores are 0 or 1 alone: all of them, and either its bounds are 0 and 1, or it declares none and both
        occur. Where bounds are others (a distance that happens to be 0), nothing is concluded.

        Scores that lie beyond a bound show that it is none; by rounding alone they move it.
        """
        lowest = np.asarray([-np.inf if info.bounds[0] is None else info.bounds[0] for info in metrics], dtype=np.float64)
        highest = np.asarray([np.inf if info.bounds[1] is None else info.bounds[1] for info in metrics], dtype=np.float64)
        columns = scores.reshape(scores.size // max(len(metrics), 1), len(metrics))
        zeros, ones = (columns == 0).any(axis=0), (columns == 1).any(axis=0)
        only = ((columns == 0) | (columns == 1) | np.isnan(columns)).all(axis=0)
        free = np.isinf(lowest) & np.isinf(highest)
        proportions = only & (((lowest == 0) & (highest == 1)) | (free & zeros & ones))
        least = np.fmin.reduce(columns, axis=0, initial=np.inf)
        greatest = np.fmax.reduce(columns, axis=0, initial=-np.inf)
        lowest = np.where(least < lowest - ROUNDING * (1 + np.abs(lowest)), -np.inf, np.fmin(lowest, least))
        highest = np.where(greatest > highest + ROUNDING * (1 + np.abs(highest)), np.inf, np.fmax(highest, greatest))
        return cls(lowest, highest, proportions)

    def of_differences(self) -> ScoreScale:
        """The scale of differences of two scores."""
        width = self.highest - self.lowest
        return ScoreScale(-width, width, np.zeros(len(width), dtype=bool))

    def columns(self, chosen: Sequence[int]) -> ScoreScale:
        """Of the columns at these places, each as often as it is named."""
        places = np.asarray(chosen, dtype=np.intp)
        return ScoreScale(self.lowest[places], self.highest[places], self.proportions[places])


@dataclass(frozen=True)
class MeanIntervals:
    """Intervals of K means: ``low`` and ``high`` (K,), NaN where there is none, and their ``kinds`` (None there)."""

    low: Floats
    high: Floats
    kinds: list[IntervalKind | None]


def mean_intervals(values: Floats, scale: ScoreScale, confidence: float) -> MeanIntervals:
    """Intervals of the means of the columns of ``values`` (N, K), NaN left out."""
    count = (~np.isnan(values)).sum(axis=0).astype(np.float64)
    mean = nan_mean(values)
    some = count > 1
    varied, proportions = some & varies(values), scale.proportions & some
    low, high = np.full((2, len(mean)), np.nan)
    low[varied], high[varied] = _widened_student(values, varied, mean, count, confidence)
    low, high = np.maximum(low, scale.lowest), np.minimum(high, scale.highest)
    low[proportions], high[proportions] = wilson(mean[proportions], count[proportions], confidence)
    kinds = [_kind(*flags) for flags in zip(varied.tolist(), proportions.tolist(), strict=True)]
    return MeanIntervals(low, high, kinds)


def mean_interval(values: Floats, *, confidence: float = 0.95) -> Interval:
    """The mean of ``values`` (N,), of any scale, with its interval; NaN is left out."""
    found = mean_intervals(values[:, None], ScoreScale.free(1), confidence)
    return Interval(float(nan_mean(values)), float(found.low[0]), float(found.high[0]), found.kinds[0])


def _widened_student(values: Floats, chosen: Bools, mean: Floats, count: Floats, confidence: float) -> tuple[Floats, Floats]:
    """What Student's t interval and the skewed one reach together, of the chosen columns."""
    width = np.where(chosen, np.fmax.reduce(values, axis=0, initial=-np.inf) - np.fmin.reduce(values, axis=0, initial=np.inf), 1.0)
    second, third = (power_sum[chosen] / count[chosen] for power_sum in _central_power_sums(values, mean, width))
    mean, count = mean[chosen], count[chosen]
    error = np.sqrt(second / (count - 1)) * width[chosen]
    skewed, plain = skewed_student(mean, error, third / second**1.5, count, confidence), student(mean, error, count, confidence)
    return np.minimum(skewed[0], plain[0]), np.maximum(skewed[1], plain[1])


def _central_power_sums(values: Floats, mean: Floats, width: Floats) -> tuple[Floats, Floats]:
    """Sums ``(K,)`` of squares and cubes of what ``values`` (N, K) differ from ``mean``, in units of ``width``: no cube overflows.

    Some rows at a time, as scores may be many.
    """
    squares, cubes = np.zeros((2, len(mean)))
    rows = max(1, CHUNK_SIZE // max(len(mean), 1))
    for start in range(0, len(values), rows):
        away = values[start : start + rows] - mean
        away /= width
        np.nan_to_num(away, copy=False, nan=0.0)
        square = away * away
        squares += square.sum(axis=0)
        square *= away
        cubes += square.sum(axis=0)
    return squares, cubes


def _kind(varied: bool, proportion: bool) -> IntervalKind | None:
    return "wilson" if proportion else "student" if varied else None
