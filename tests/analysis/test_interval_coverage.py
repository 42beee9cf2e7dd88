"""How often intervals hold the true value, by simulation: ``benchmarks/interval_coverage.py`` prints the whole table."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from harness.analysis.bootstrap import resampled_means
from harness.analysis.composed_intervals import estimate_interval
from harness.analysis.confidence_intervals import ScoreScale, mean_intervals

REPEATS = 3000
Draw = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]
SCORES: dict[str, tuple[Draw, float]] = {
    "normal": (lambda rng, size: rng.normal(size=size), 0.0),
    "exponential": (lambda rng, size: rng.exponential(size=size), 1.0),
    "heavy tails": (lambda rng, size: rng.standard_t(3, size), 0.0),
    "U-shaped": (lambda rng, size: rng.beta(0.5, 0.5, size), 0.5),
    "near 1": (lambda rng, size: rng.beta(9, 1, size), 0.9),
    "near 0": (lambda rng, size: rng.beta(0.2, 1.8, size), 0.1),
    "halves": (lambda rng, size: rng.binomial(2, 0.9, size) / 2, 0.9),
    "mostly 0": (lambda rng, size: np.where(rng.random(size) < 0.8, 0, rng.random(size)), 0.1),
    "mostly 1": (lambda rng, size: np.where(rng.random(size) < 0.9, 1, rng.random(size)), 0.95),
    "differences": (lambda rng, size: rng.lognormal(size=size) - rng.lognormal(size=size), 0.0),
    "differences of hits": (lambda rng, size: (rng.random(size) < 0.9) - 1.0 * (rng.random(size) < 0.7), 0.2),
}


def covering(low: np.ndarray, high: np.ndarray, truth: float) -> float:
    """The share of intervals that hold ``truth``, of those that there are."""
    some = ~np.isnan(low)
    return float(((low <= truth) & (truth <= high))[some].mean())


@pytest.mark.parametrize("count", [10, 30, 48, 100])
@pytest.mark.parametrize("scores", SCORES)
def test_means_are_covered(scores: str, count: int) -> None:
    draw, truth = SCORES[scores]
    found = mean_intervals(draw(np.random.default_rng(count), (count, REPEATS)), ScoreScale.free(REPEATS), 0.95)
    assert covering(found.low, found.high, truth) > 0.93


@pytest.mark.parametrize(("count", "least"), [(10, 0.89), (30, 0.925), (100, 0.94)])
def test_means_of_very_skewed_scores_are_covered_less(count: int, least: float) -> None:
    """Lognormal, of a skewness of 6: a few scores do not show the tail that their mean is made of. Percentiles cover far less."""
    values, truth = np.random.default_rng(count).lognormal(size=(count, REPEATS)), np.exp(0.5)
    found = mean_intervals(values, ScoreScale.free(REPEATS), 0.95)
    ours = covering(found.low, found.high, truth)
    assert ours > least
    assert covering(*np.quantile(resampled_means(values, 500, 0), [0.025, 0.975], axis=0), truth) < ours - 0.025


@pytest.mark.parametrize(("count", "longer"), [(10, 1.15), (30, 1.04), (100, 1.015)])
def test_what_is_normal_pays_little_for_it(count: int, longer: float) -> None:
    """Student's interval is exact there: the longer one covers no more than 2 % more often."""
    values = np.random.default_rng(count).normal(size=(count, REPEATS))
    found = mean_intervals(values, ScoreScale.free(REPEATS), 0.95)
    assert covering(found.low, found.high, 0.0) < 0.97
    students = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert 1.0 < np.mean((found.high - found.low) / (students.high - students.low)) < longer


def headlines(rng: np.random.Generator, count: int, metrics: int, mean: float) -> np.ndarray:
    """``(count, REPEATS)`` means over correlated metrics of 0, ½ or 1, of this mean: half of all samples decide every metric at once."""
    once, each = (rng.random((count, size, REPEATS)) for size in (1, metrics))
    u = np.where(rng.random((count, 1, REPEATS)) < 0.5, once, each)
    tie = min(0.1, 2 * (1 - mean))
    return np.where(u < mean - tie / 2, 1.0, np.where(u < mean + tie / 2, 0.5, 0.0)).mean(axis=1)


@pytest.mark.parametrize("count", [10, 30, 100])
@pytest.mark.parametrize("mean", [0.5, 0.8, 0.9, 0.95])
@pytest.mark.parametrize("metrics", [1, 5])
def test_headlines_are_covered(metrics: int, mean: float, count: int) -> None:
    values = headlines(np.random.default_rng([metrics, count]), count, metrics, mean)
    low, high = estimate_interval(values.mean(axis=0), resampled_means(values, 400, 0), count, 0.95)
    assert not np.isnan(low).any()
    assert covering(low, high, mean) > 0.93
    assert low.min() >= 0 and high.max() <= 1


def test_a_headline_over_groups_is_covered() -> None:
    groups = [headlines(np.random.default_rng(seed), 20, 4, 0.9) for seed in range(3)]
    draws = np.mean([resampled_means(values, 400, seed) for seed, values in enumerate(groups)], axis=0)
    low, high = estimate_interval(np.mean([values.mean(axis=0) for values in groups], axis=0), draws, 60, 0.95)
    assert 0.935 < covering(low, high, 0.9) < 0.975
