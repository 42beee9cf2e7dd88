"""Bootstrap: means over resampled samples, shared by all explainers of a group."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from harness.results.field_types import Bools, Floats

_CHUNK = 1 << 23


def resample_seed(seed: int, samples: Sequence[str]) -> int:
    """The seed of a group's resamples: equal wherever the same samples are resampled, whatever their order."""
    text = "\0".join([str(seed), *sorted(samples)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def resample_counts(size: int, resamples: int, seed: int) -> Iterator[Floats]:
    """Counts of how often each of ``size`` samples is drawn in each resample: chunks of ``(r, size)`` rows, ``resamples`` rows in all."""
    generator = np.random.default_rng(seed)
    rows = max(1, min(resamples, _CHUNK // max(size, 1)))
    for start in range(0, resamples, rows):
        r = min(rows, resamples - start)
        drawn = generator.integers(0, size, (r, size)) + np.arange(r)[:, None] * size
        yield np.bincount(drawn.ravel(), minlength=r * size).reshape(r, size).astype(np.float64)


def resampled_means(values: Floats, resamples: int, seed: int) -> Floats:
    """Means ``(resamples, …)`` of ``values`` (N, …) over resampled samples.

    All columns share the resamples, so that differences between columns are paired. NaN is left out of a mean; a resample without
    a single defined value is NaN, and so is all if N is 0.
    """
    size, shape = len(values), values.shape[1:]
    if size == 0:
        return np.full((resamples, *shape), np.nan)
    columns = values.reshape(size, -1)
    missing = np.isnan(columns)
    gappy = missing.any(axis=0)
    filled = np.where(missing, 0.0, columns)
    means = np.empty((resamples, columns.shape[1]))
    start = 0
    for counts in resample_counts(size, resamples, seed):
        rows = slice(start, start + len(counts))
        means[rows] = counts @ filled / size
        if gappy.any():
            defined = counts @ (~missing[:, gappy]).astype(np.float64)
            sums = means[rows][:, gappy] * size
            means[rows, gappy] = np.divide(sums, defined, out=np.full_like(sums, np.nan), where=defined > 0)
        start += len(counts)
    return means.reshape(resamples, *shape)


@dataclass(frozen=True)
class ResampledMeans:
    """Means ``(…)`` over samples, and over resampled samples ``draws`` (R, …), NaN only where the means are."""

    means: Floats
    draws: Floats

    @classmethod
    def of(cls, values: Floats, resamples: int, seed: int) -> ResampledMeans:
        """Of ``values`` (N, …), NaN left out; a resample that has none of the samples that a mean is of has the mean itself."""
        means, draws = nan_mean(values), resampled_means(values, resamples, seed)
        return cls(means, np.where(np.isnan(draws), means, draws))

    def weigh(self, weights: Floats) -> ResampledMeans:
        """Weighted sums over the last axis, of those that have a weight; NaN if there is none, or where one of them is NaN."""
        chosen = np.flatnonzero(weights)
        if not len(chosen):
            return ResampledMeans(*(np.full(values.shape[:-1], np.nan) for values in (self.means, self.draws)))
        return ResampledMeans(*(values[..., chosen] @ weights[chosen] for values in (self.means, self.draws)))

    def where(self, kept: Bools) -> ResampledMeans:
        """Only those that are ``kept`` (…), the others NaN."""
        return ResampledMeans(np.where(kept, self.means, np.nan), np.where(kept, self.draws, np.nan))

    def flatten(self) -> ResampledMeans:
        """All means on one axis."""
        return ResampledMeans(self.means.ravel(), self.draws.reshape(len(self.draws), self.means.size))


def nan_mean(values: Floats, axis: int = 0) -> Floats:
    """The mean over ``axis`` of what is defined; NaN, without a warning, if nothing is."""
    defined = (~np.isnan(values)).sum(axis=axis)
    sums = np.nansum(values, axis=axis)
    return np.asarray(np.divide(sums, defined, out=np.full(np.shape(sums), np.nan), where=defined > 0))
