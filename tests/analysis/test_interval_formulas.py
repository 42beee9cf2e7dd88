import numpy as np
import pytest
from scipy import optimize, stats

from harness.analysis.interval_formulas import skewed_student, student, wilson


@pytest.mark.parametrize(("hits", "count"), [(0, 6), (6, 6), (3, 6), (47, 48), (1, 2), (50, 1000)])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_proportions_have_scipys_wilson_interval(hits: int, count: int, confidence: float) -> None:
    theirs = stats.binomtest(hits, count).proportion_ci(confidence, method="wilson")
    low, high = wilson(np.array([hits / count]), np.array([float(count)]), confidence)
    assert (low[0], high[0]) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_wilsons_interval_with_few_degrees_of_freedom_holds_the_shares_that_a_t_test_does_not_reject() -> None:
    share, count, freedom = 0.83, 17.3, 9
    critical = stats.t.ppf(0.975, freedom)
    ends = [optimize.brentq(lambda p: (share - p) ** 2 * count - critical**2 * p * (1 - p), *side) for side in ((1e-9, share), (share, 1))]
    low, high = wilson(np.array([share]), np.array([count]), 0.95, freedom)
    assert (low[0], high[0]) == pytest.approx(tuple(ends))


@pytest.mark.parametrize("confidence", [0.9, 0.99])
def test_students_interval_is_scipys(confidence: float) -> None:
    values = np.random.default_rng(0).normal(size=(7, 2))
    theirs = stats.ttest_1samp(values, 0).confidence_interval(confidence)
    low, high = student(values.mean(axis=0), stats.sem(values), np.array([7.0, 7.0]), confidence)
    assert (low, high) == (pytest.approx(theirs.low), pytest.approx(theirs.high))


@pytest.mark.parametrize("skewness", [-2.0, -1e-12, 0.0, 0.3, 2.8])
@pytest.mark.parametrize("count", [3, 10, 200])
def test_the_skewed_interval_ends_where_halls_polynomial_of_t_is_students_quantile(skewness: float, count: int) -> None:
    a, b, c = 1 / 3, 1 / 6, skewness / np.sqrt(count)

    def transformed(t: float) -> float:
        return t + a * c * t**2 + a**2 * c**2 * t**3 / 3 + b * c

    low, high = skewed_student(np.array([5.0]), np.array([2.0]), np.array([skewness]), np.array([float(count)]), 0.95)
    quantile = stats.t.ppf(0.975, count - 1)
    assert transformed((5.0 - low[0]) / 2) == pytest.approx(quantile)
    assert transformed((5.0 - high[0]) / 2) == pytest.approx(-quantile)


def test_the_skewed_interval_is_that_of_the_studentised_bootstrap() -> None:
    """Which it approaches without resamples; Student's is further off on both sides."""
    values, rng = np.random.default_rng(2).gamma(0.7, size=150), np.random.default_rng(3)
    drawn = rng.choice(values, (20_000, 150))
    t = (drawn.mean(axis=1) - values.mean()) / stats.sem(drawn, axis=1)
    error = stats.sem(values)
    theirs = values.mean() - np.quantile(t, [0.975, 0.025]) * error
    mean, count = np.array([values.mean()]), np.array([150.0])
    ours = np.concatenate(skewed_student(mean, np.array([error]), np.array([stats.skew(values)]), count, 0.95))
    plain = np.concatenate(student(mean, np.array([error]), count, 0.95))
    assert (np.abs(ours - theirs) < 0.07 * error).all()
    assert (np.abs(plain - theirs) > 0.2 * error).all()
