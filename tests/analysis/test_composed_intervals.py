import numpy as np
import pytest
from scipy import optimize, stats

from harness.analysis.bootstrap import resampled_means
from harness.analysis.composed_intervals import estimate_interval, replicate_interval


def test_the_interval_of_a_share_is_wilsons_with_students_quantile() -> None:
    """Of somewhat fewer hits and misses than there are: a variance that is estimated from n is that of n - 1."""
    values = np.repeat([0.0, 1.0], [9, 31])[:, None]
    low, high = estimate_interval(values.mean(axis=0), resampled_means(values, 200_000, 0), 40, 0.9)
    critical = stats.t.ppf(0.95, 39)
    least, most = (
        [optimize.brentq(lambda p, n=n: (31 / 40 - p) ** 2 * n - critical**2 * p * (1 - p), *side) for side in ((0.1, 0.7), (0.8, 0.99))]
        for n in (38.9, 40)
    )
    assert least[0] < low[0] < most[0]
    assert most[1] < high[0] < least[1]


def test_few_samples_are_not_believed_that_metrics_are_never_lost_together() -> None:
    """Means of five independent metrics: the interval is longer than their variance says, and less so the more samples say it."""

    def excess(size: int) -> float:
        values = np.random.default_rng(size).binomial(5, 0.8, (size, 1)) / 5
        low, high = estimate_interval(values.mean(axis=0), resampled_means(values, 4000, 0), size, 0.95)
        return float((high - low)[0] / (2 * stats.t.ppf(0.975, size - 1) * stats.sem(values)[0]))

    few, some, many = excess(8), excess(80), excess(2000)
    assert few > 1.15 > some > 1.02 > many > 0.97


def test_the_interval_moves_with_the_bounds() -> None:
    values = np.random.default_rng(0).beta(8, 2, (30, 3))
    draws = resampled_means(values, 500, 0)
    low, high = estimate_interval(values.mean(axis=0), draws, 30, 0.95)
    moved = estimate_interval(4 * values.mean(axis=0) - 1, 4 * draws - 1, 30, 0.95, bounds=(-1, 3))
    assert (moved[0], moved[1]) == (pytest.approx(4 * low - 1), pytest.approx(4 * high - 1))
    flipped = estimate_interval(1 - values.mean(axis=0), 1 - draws, 30, 0.95)
    assert (flipped[0], flipped[1]) == (pytest.approx(1 - high), pytest.approx(1 - low))


def test_an_estimate_without_an_interval() -> None:
    draws = np.random.default_rng(0).normal(0.6, 0.02, (100, 4))
    draws[:, 2] = 0.5
    draws[3, 3] = np.nan
    low, high = estimate_interval(np.array([0.6, np.nan, 0.5, 0.6]), draws, 20, 0.95)
    assert np.isnan(low).tolist() == np.isnan(high).tolist() == [False, True, True, False]
    assert all(np.isnan(estimate_interval(np.array([0.6]), draws[:, :1], 1, 0.95)))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("size", [5, 48])
def test_samples_that_have_all_won_are_no_certainty(size: int) -> None:
    """Wilson's interval of as many hits: with no miss, its lower end is n / (n + q²)."""
    low, high = estimate_interval(np.array([1.0, 0.0]), np.tile([1.0, 0.0], (50, 1)), size, 0.95)
    reach = size / (size + stats.t.ppf(0.975, size - 1) ** 2)
    assert (low.tolist(), high.tolist()) == (pytest.approx([reach, 0.0]), pytest.approx([1.0, 1 - reach]))


def test_the_interval_of_seeds_is_students() -> None:
    values = np.random.default_rng(0).normal(size=(5, 4))
    values[0, 1] = values[1:4, 2] = np.nan
    values[:, 3] = 0.1 + 0.2
    low, high = replicate_interval(values, 0.9)
    for k in (0, 1):
        theirs = stats.ttest_1samp(values[:, k], 0, nan_policy="omit").confidence_interval(0.9)
        assert (low[k], high[k]) == pytest.approx((theirs.low, theirs.high))
    assert np.isnan(low[2:]).all() and np.isnan(high[2:]).all()
    assert np.isnan(replicate_interval(values[:2], 0.9)).all()


@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_means_over_seeds_are_covered(seeds: int) -> None:
    """Where seeds that are drawn again with replacement say too little of how seeds vary."""
    values = np.random.default_rng(seeds).normal(size=(seeds, 4000))
    low, high = replicate_interval(values, 0.95)
    assert ((low <= 0) & (high >= 0)).mean() == pytest.approx(0.95, abs=0.012)
    low, high = np.quantile(resampled_means(values, 500, 0), [0.025, 0.975], axis=0)
    assert ((low <= 0) & (high >= 0)).mean() < 0.92
