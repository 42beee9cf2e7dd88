"""Intervals of means that claim no more than the samples know: of proportions, of few samples, of many, and none of samples that agree.

- Scores that are all 0 or 1 are a proportion: Wilson's interval (Wilson 1927; Brown, Cai and DasGupta 2001, section 3.1.1).
- Fewer than 30 samples: Student's t, kept inside the bounds of the metric.
- Else the percentile bootstrap (Efron and Tibshirani 1993, chapter 13).
- One sample, or samples that all have the same score, say nothing of how scores vary: no interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from harness.analysis.bootstrap import nan_mean, percentile_bounds, resampled_means
from harness.analysis.ranking import varies
from harness.results.components import MetricInfo
from harness.results.data_model import STUDENT_T_BELOW, IntervalKind
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


def mean_intervals(values: Floats, draws: Floats, scale: ScoreScale, confidence: float) -> MeanIntervals:
    """Intervals of the means of the columns of ``values`` (N, K), NaN left out; ``draws`` (R, K) are means of resamples."""
    count = (~np.isnan(values)).sum(axis=0)
    mean = nan_mean(values)
    some = count > 1
    varied = some & varies(values)
    low, high = percentile_bounds(draws, confidence)
    few = varied & (count < STUDENT_T_BELOW)
    low[few], high[few] = _student(values[:, few], mean[few], count[few], confidence)
    low, high = np.maximum(low, scale.lowest), np.minimum(high, scale.highest)
    proportions = scale.proportions & some
    low[proportions], high[proportions] = wilson(mean[proportions], count[proportions], confidence)
    none = ~varied & ~proportions
    low[none] = high[none] = np.nan
    kinds = [_kind(*flags) for flags in zip(none.tolist(), proportions.tolist(), few.tolist(), strict=True)]
    return MeanIntervals(low, high, kinds)


def mean_interval(values: Floats, *, confidence: float = 0.95, resamples: int = 2000, seed: int = 0) -> Interval:
    """The mean of ``values`` (N,), of any scale, with its interval; NaN is left out."""
    draws = resampled_means(values[:, None], resamples, seed)
    found = mean_intervals(values[:, None], draws, ScoreScale.free(1), confidence)
    return Interval(float(nan_mean(values)), float(found.low[0]), float(found.high[0]), found.kinds[0])


def wilson(share: Floats, count: NDArray[np.integer], confidence: float) -> tuple[Floats, Floats]:
    """Wilson's interval of proportions of ``count`` > 0 samples."""
    z2 = float(special.ndtri((1 + confidence) / 2)) ** 2
    centre = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = np.sqrt(z2 / count * (share * (1 - share) + z2 / (4 * count))) / (1 + z2 / count)
    return np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)


def _student(values: Floats, mean: Floats, count: NDArray[np.integer], confidence: float) -> tuple[Floats, Floats]:
    spread = np.sqrt(np.nansum((values - mean) ** 2, axis=0) / (count - 1))
    half = special.stdtrit(count - 1, (1 + confidence) / 2) * spread / np.sqrt(count)
    return mean - half, mean + half


def _kind(none: bool, proportion: bool, few: bool) -> IntervalKind | None:
    if none:
        return None
    return "wilson" if proportion else "student" if few else "bootstrap"
