"""Means over models and samples: variances, intervals and tests, held against SciPy, Clark's formula, and what happens by chance."""

import numpy as np
import pytest
from scipy import stats

from harness.analysis.crossed_test import (
    MeanVariance,
    add_variances,
    crossed_variance,
    t_interval,
    t_probability,
    variance_over_models,
    variance_over_samples,
)
from harness.analysis.signed_rank import signed_ranks

ONE_FAMILY = np.zeros(5, dtype=np.intp)


def differences(seed: int = 0, models: int = 5, samples: int = 24, shift: float = 0.2) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return shift + generator.normal(0, 0.3, (models, 1)) + generator.normal(0, 0.5, samples) + generator.normal(0, 0.4, (models, samples))


@pytest.mark.parametrize("seed", range(4))
def test_of_both_it_is_min_f(seed: int) -> None:
    """1 / min F' = 1 / F1 + 1 / F2, with (F1 + F2)² / (F1² / n2 + F2² / n1) degrees of freedom (Clark 1973, p. 347)."""
    found = differences(seed)
    f1 = stats.ttest_1samp(found.mean(axis=1), 0).statistic ** 2
    f2 = stats.ttest_1samp(found.mean(axis=0), 0).statistic ** 2
    freedom = (f1 + f2) ** 2 / (f1**2 / 23 + f2**2 / 4)
    wanted = stats.f.sf(f1 * f2 / (f1 + f2), 1, freedom)
    spread = add_variances([variance_over_samples(found), variance_over_models(found, ONE_FAMILY)])
    assert spread.freedom == pytest.approx(freedom)
    assert t_probability(found.mean(), spread) == pytest.approx(wanted)


def test_of_one_set_of_models_degrees_of_freedom_are_theirs() -> None:
    found = differences(5)
    spread = crossed_variance(found, ONE_FAMILY)
    parts = [stats.sem(found.mean(axis=axis)) ** 2 for axis in (0, 1)]
    assert spread == pytest.approx((sum(parts), 4))


def test_of_models_alone_it_is_the_t_test_and_of_two_sets_welchs() -> None:
    first, second = differences(1), differences(2, shift=0.5)
    alone = variance_over_models(first, ONE_FAMILY)
    wanted = stats.ttest_1samp(first.mean(axis=1), 0)
    assert t_probability(first.mean(), alone) == pytest.approx(wanted.pvalue)
    assert t_interval(first.mean(), alone, 0.9) == pytest.approx(tuple(wanted.confidence_interval(0.9)))
    both = add_variances([alone, variance_over_models(second, ONE_FAMILY)])
    welch = stats.ttest_ind(second.mean(axis=1), first.mean(axis=1), equal_var=False)
    assert both.freedom == pytest.approx(welch.df)
    assert t_probability(second.mean() - first.mean(), both) == pytest.approx(welch.pvalue)


def test_between_families_nothing_varies_by_chance() -> None:
    families = np.asarray([0, 0, 0, 1, 1], dtype=np.intp)
    found = differences(3)
    apart = found + np.where(families == 1, 100.0, 0.0)[:, None]
    spread = variance_over_models(apart, families)
    assert spread == pytest.approx(variance_over_models(found, families))
    means = found.mean(axis=1)
    parts = [(0.6**2 * means[:3].var(ddof=1) / 3, 2), (0.4**2 * means[3:].var(ddof=1) / 2, 1)]
    assert spread.variance == pytest.approx(sum(variance for variance, _ in parts))
    assert spread.freedom == pytest.approx(spread.variance**2 / sum(variance**2 / freedom for variance, freedom in parts))


def test_what_does_not_vary_has_no_interval_and_is_zero_or_unknown() -> None:
    still = MeanVariance(0.0, 3.0)
    assert np.isnan(t_interval(0.5, still, 0.95)).all()
    assert t_probability(0.0, still) == 1.0
    assert np.isnan(t_probability(0.5, still))
    assert add_variances([still, MeanVariance(0.0, 2.0)]) == (0.0, 2.0)


def test_undefined_scores_are_left_out() -> None:
    found = differences(4)
    gaps = np.concatenate([found, np.full((5, 3), np.nan)], axis=1)
    assert variance_over_samples(gaps) == pytest.approx(variance_over_samples(found))
    assert variance_over_models(gaps, ONE_FAMILY) == pytest.approx(variance_over_models(found, ONE_FAMILY))


def test_where_nothing_differs_it_rejects_as_seldom_as_it_says_and_averaged_models_far_too_often() -> None:
    repeats, generator = 400, np.random.default_rng(7)
    crossed, averaged = 0, 0
    for _ in range(repeats):
        sides = [generator.normal(0, 0.3, (5, 1)) + generator.normal(0, 0.4, (5, 24)) for _ in range(2)]
        found = sides[1] - sides[0] + generator.normal(0, 0.2, 24)
        spread = crossed_variance(found, ONE_FAMILY)
        crossed += t_probability(found.mean(), spread) < 0.05
        averaged += signed_ranks(found.mean(axis=0)[:, None]).p[0] < 0.05
    assert crossed / repeats < 0.07
    assert averaged / repeats > 0.3
