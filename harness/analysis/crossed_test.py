"""Means over models and samples, both of which might have been others: their variance, interval and test.

Every model is scored on the same samples. A mean over both varies with the training seeds that were drawn, and with the samples. The
variance of the models' means knows the one, that of the samples' means the other; their sum, which counts what a model and a sample have
between them twice, is too great rather than too small. The square of the t-statistic with it is min F' (Clark 1973, J. Verbal Learning
and Verbal Behavior 12:335-359). Degrees of freedom of a sum are Satterthwaite's (1946, Biometrics Bulletin 2:110-114), but for a single
set of models: three would then reject too often, and the degrees of freedom are as few as the models give
(``benchmarks/results/level_tests.md``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from harness.analysis.bootstrap import nan_mean
from harness.results.field_types import Floats


class MeanVariance(NamedTuple):
    """The estimated variance of a mean, and with how many degrees of freedom it was estimated."""

    variance: float
    freedom: float


def add_variances(parts: Sequence[MeanVariance]) -> MeanVariance:
    """The variance of a sum of independent means; of variances that are all 0 the least degrees of freedom."""
    total = sum(part.variance for part in parts)
    squares = sum(part.variance**2 / part.freedom for part in parts)
    return MeanVariance(total, total**2 / squares if squares > 0 else min(part.freedom for part in parts))


def variance_over_samples(scores: Floats) -> MeanVariance:
    """Of the mean of ``scores`` (U, N) of U models on N samples, were the samples others; NaN is left out, N > 1."""
    return _variance_of_mean(nan_mean(scores))


def variance_over_models(scores: Floats, families: NDArray[np.intp]) -> MeanVariance:
    """Of the mean of ``scores`` (U, N), were the training seeds others: models of one number in ``families`` (U,) are replicates.

    Families themselves are what they are. Each has at least two models.
    """
    means = nan_mean(scores, axis=1)
    parts = []
    for family in np.unique(families):
        own = means[families == family]
        variance, freedom = _variance_of_mean(own)
        parts.append(MeanVariance(variance * (len(own) / len(means)) ** 2, freedom))
    return add_variances(parts)


def crossed_variance(scores: Floats, families: NDArray[np.intp]) -> MeanVariance:
    """Of the mean of ``scores`` (U, N), were seeds and samples others; with as few degrees of freedom as the models give."""
    models = variance_over_models(scores, families)
    return MeanVariance(models.variance + variance_over_samples(scores).variance, models.freedom)


def t_interval(mean: float, spread: MeanVariance, confidence: float) -> tuple[float, float]:
    """Student's t interval of a mean; NaN where nothing varies."""
    if not spread.variance > 0:
        return float("nan"), float("nan")
    half = float(special.stdtrit(spread.freedom, (1 + confidence) / 2)) * spread.variance**0.5
    return mean - half, mean + half


def t_probability(mean: float, spread: MeanVariance) -> float:
    """Two-sided p of the t-test that a mean is 0; where nothing varies 1 if it is, and NaN if not."""
    if not spread.variance > 0:
        return 1.0 if mean == 0 else float("nan")
    return float(2 * special.stdtr(spread.freedom, -abs(mean) / spread.variance**0.5))


def _variance_of_mean(values: Floats) -> MeanVariance:
    defined = values[~np.isnan(values)]
    n = len(defined)
    if n < 2:
        return MeanVariance(float("nan"), 1.0)
    return MeanVariance(float(defined.var(ddof=1)) / n, n - 1.0)
